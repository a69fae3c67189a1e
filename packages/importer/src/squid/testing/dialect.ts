// Room: what of a squid.conf can be broken, for tests: words, lines and blocks of its language.
import { type Dialect, HOSTILE_PATTERNS, includingFiles, MANY, ODD_BYTES } from '../../testing/mutations.ts';

/** Words and bytes that mean something to Squid, to a shell, to a template, or to nobody. */
const INSERTS = [
  ...ODD_BYTES,
  '\xe2\x80\x9c',
  '\x24{process_number}',
  '\x24{x}',
  '{{ x }}',
  '<%= x %>',
  ' -i ',
  ' +i ',
  ' -n ',
  ' all ',
  ' !all ',
  '=',
  '::',
  '/0',
  '-',
  '*',
  '(',
  ')',
  '[',
  '{1,',
  '|',
  '\nif true\n',
  '\nif false\n',
  '\nelse\n',
  '\nendif\n',
  '\ninclude squid.conf\n',
  '\ninclude *\n',
  '\ninclude a b c\n',
  '\ninclude "!cat /etc/passwd"\n',
] as const;

const HOSTILE_LINES = [
  ...HOSTILE_PATTERNS.flatMap((pattern) => [
    `acl hostile url_regex -i ${pattern}`,
    `acl hostile urlpath_regex ${pattern}`,
    `acl hostile dstdom_regex ${pattern}`,
  ]),
  `acl hostile port ${'1-65535 '.repeat(MANY)}`,
  'acl hostile port 0-99999999999999999999 -1 65535-1 1-',
  `acl hostile src ${'0.0.0.0-255.255.255.255 ::/0 10.0.0.0/8 '.repeat(200)}`,
  `acl hostile src ${Array.from({ length: MANY }, (_, index) => `10.${index % 256}.${index >> 8}.1`).join(' ')}`,
  'acl hostile src 1.2.3.4/99 1.2.3/8 ::1/129 1-2-3 / - 10.0.0.1-10.0.0.0 2001:db8::/-1',
  `acl hostile dstdomain ${Array.from({ length: MANY }, (_, index) => `.h${index}.example`).join(' ')}`,
  `acl hostile dstdomain ${'.a'.repeat(MANY)}`,
  'acl hostile any-of hostile',
  'acl hostile all-of !hostile all !all',
  'acl hostile any-of hostile2\nacl hostile2 all-of hostile !hostile2',
  'acl hostile src all\nhttp_access deny hostile hostile !hostile\ncache_peer_access hostile allow hostile',
  'cache_peer hostile parent 99999999999 0 originserver name=hostile',
  'cache_peer [::1 parent 80 0 originserver name=',
  `cache_peer h parent 80 0 originserver ${'round-robin weight=9999999999 '.repeat(200)}`,
  'cache_peer_domain hostile !a !b c',
  `http_port ${'9'.repeat(300)} accel`,
  'https_port [::]:443 accel cert= key= options=::: cipher= tls-min-version=9.9',
  `deny_info ${'%'.repeat(MANY)} all`,
  `${'a'.repeat(100_000)} b`,
  `acl long url_regex ${'a'.repeat(70_000)}`,
  `http_access deny ${'!all '.repeat(MANY)}`,
  `acl deep ${'any-of '.repeat(MANY)}`,
  `acl wide dstdomain ${`${'.a'.repeat(MANY)}\\\n`.repeat(10)}`,
  `cache_mgr ${`${'-p'.repeat(MANY)}\\\n`.repeat(10)}`,
  `cache_mgr ${`${'a:b@://'.repeat(MANY / 4)}\\\n`.repeat(10)}`,
  `cache_mgr ${`${'"\\'.repeat(MANY)}\\\n`.repeat(10)}`,
];

/** Blocks of many lines: what grows with a file, grown. */
const CROWDS = [
  (count: number) => Array.from({ length: count }, (_, index) => `acl crowd${index} dstdomain c${index}.example`),
  (count: number) => Array.from({ length: count }, (_, index) => `acl crowd url_regex ^http://c${index}\\.example/`),
  (count: number) =>
    Array.from({ length: count }, (_, index) => [
      `cache_peer 10.0.${index >> 8}.${index % 256} parent 80 0 originserver name=crowd${index}`,
      `acl crowd${index} dstdomain c${index}.example`,
      `cache_peer_access crowd${index} allow crowd${index}`,
      `http_access allow crowd${index}`,
    ]).flat(),
  (count: number) =>
    Array.from({ length: count }, (_, index) => [
      `acl flag${index} src 10.0.0.${index % 256}`,
      `http_access deny flag${index} !flag${index >> 1}`,
    ]).flat(),
];

/** Lines an adversary of the boolean simplifier writes: every list over every acl. */
function tangle(acls: number, lines: number): string[] {
  const names = Array.from({ length: acls }, (_, index) => `t${index}`);
  const lists = Array.from({ length: lines }, (_, line) => {
    const terms = names
      .filter((_, index) => (line * 7 + index * 5) % 3 > 0)
      .map((name, index) => ((line + index) % 2 ? name : `!${name}`));
    return [
      `http_access ${line % 2 ? 'allow' : 'deny'} ${terms.join(' ')}`,
      `cache_peer_access tangle${line % 4} ${line % 3 ? 'allow' : 'deny'} ${terms.reverse().join(' ')}`,
    ];
  });
  return [
    ...[0, 1, 2, 3].map((index) => `cache_peer 10.9.9.${index} parent 80 0 originserver name=tangle${index}`),
    ...names.map((name, index) => `acl ${name} urlpath_regex ^/${index}`),
    ...lists.flat(),
  ];
}

const include = (file: string): string => `include ${file}`;

export const SQUID_DIALECT: Dialect = {
  mainOf: () => 'squid.conf',
  include,
  inserts: INSERTS,
  lines: HOSTILE_LINES,
  crowds: CROWDS,
  tangle,
  nested: ['true', 'false', '1 = 1', 'maybe'].map((condition) => [`if ${condition}`, 'endif'] as const),
  includes: includingFiles(include, (index) => `acl chain src 10.0.0.${index}`, [
    {
      'a.conf': 'include b.conf\n',
      'b.conf': 'include c.conf a.conf\n',
      'c.conf': 'include a.conf squid.conf\n',
    },
    { 'self.conf': 'include self.conf *.conf\n' },
  ]),
};
