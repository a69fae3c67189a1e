// Room: how configs get broken, for tests: bytes flipped, lines cut, joined, repeated and moved, encodings changed, includes in
// circles, values nobody would write. Arbitraries over the files of a case, so that fast-check can shrink what it finds.
import fc from 'fast-check';

/** A config: path to content, one character a byte. */
export type Files = Readonly<Record<string, string>>;

/** Changes a text; `place` from 0 to below 1 says where, so that one mutation fits any text. */
type Mutation = { name: string; apply: (text: string) => string };

const MAIN = 'squid.conf';

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** Words and bytes that mean something to Squid, to a shell, to a template, or to nobody. */
const INSERTS = [
  '"',
  "'",
  '\\',
  '\\\n',
  '#',
  ' # ',
  '!',
  '\n',
  '\r',
  '\r\n',
  '\0',
  '\t\v\f',
  '\xa0',
  '\xef\xbb\xbf',
  '\xff\xfe',
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

/** Repetitions that are far beyond any real file, and still no more than a few hundred KiB. */
const MANY = 2_000;

const HOSTILE_PATTERNS = [
  '('.repeat(MANY),
  `${'('.repeat(400)}a${')'.repeat(400)}`,
  `${'('.repeat(MANY)}a${')'.repeat(MANY)}`,
  '(a*)*b',
  '(a|a)*(a|a)*(a|a)*c',
  '((a{1,255}){1,255}){1,255}',
  'a{0,32767}',
  'a{32768}',
  'a{2,1}',
  '(.*){200}',
  '.*'.repeat(500),
  '(x|'.repeat(500) + ')'.repeat(500),
  Array.from({ length: MANY }, (_, index) => `w${index}`).join('|'),
  '[[:alpha:][:digit:][:bogus:]]',
  '[z-a]',
  '[]',
  '[^]]',
  '[[.hyphen.]]',
  '[[=a=]]',
  '\\',
  '\\1',
  '(a)\\1{30}',
  '^'.repeat(300),
  '$'.repeat(300),
  '\\<\\>\\b\\B'.repeat(100),
  '(^|/)(a|$)+/?'.repeat(60),
  '\xff{1,3}[\x80-\xff]',
  'a\0b',
  '',
];

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

/** One mutation of one text. */
function mutation(donors: readonly string[]): fc.Arbitrary<Mutation> {
  const linesOf = (text: string): string[] => text.split('\n');
  const at = (text: string, where: number): number => Math.floor(where * (text.length + 1));
  const lineAt = (lines: readonly string[], where: number): number => Math.floor(where * lines.length);
  const withLines = (change: (lines: string[]) => string[]) => (text: string) => change(linesOf(text)).join('\n');
  const inserted = (name: string, text: fc.Arbitrary<string>): fc.Arbitrary<Mutation> =>
    fc.tuple(place, text).map(([where, piece]) => ({
      name,
      apply: withLines((lines) => lines.toSpliced(lineAt(lines, where), 0, piece)),
    }));
  return fc.oneof(
    fc.tuple(place, fc.integer({ min: 1, max: 255 })).map(([where, flip]) => ({
      name: 'byte flipped',
      apply: (text: string) => {
        const offset = Math.min(at(text, where), Math.max(0, text.length - 1));
        return `${text.slice(0, offset)}${String.fromCharCode(text.charCodeAt(offset) ^ flip)}${text.slice(offset + 1)}`;
      },
    })),
    fc.tuple(place, fc.constantFrom(...INSERTS)).map(([where, piece]) => ({
      name: 'inserted',
      apply: (text: string) => `${text.slice(0, at(text, where))}${piece}${text.slice(at(text, where))}`,
    })),
    place.map((where) => ({ name: 'cut off', apply: (text: string) => text.slice(0, at(text, where)) })),
    fc.tuple(place, fc.integer({ min: 1, max: 40 })).map(([where, count]) => ({
      name: 'bytes cut out',
      apply: (text: string) => `${text.slice(0, at(text, where))}${text.slice(at(text, where) + count)}`,
    })),
    fc.tuple(place, fc.constantFrom('', ' ', '\\\n', '\r')).map(([where, joint]) => ({
      name: 'lines joined',
      apply: withLines((lines) => {
        const index = lineAt(lines, where);
        return lines.toSpliced(index, 2, lines.slice(index, index + 2).join(joint));
      }),
    })),
    fc.tuple(place, place).map(([from, to]) => ({
      name: 'line repeated elsewhere',
      apply: withLines((lines) => lines.toSpliced(lineAt(lines, to), 0, lines[lineAt(lines, from)] ?? '')),
    })),
    fc.tuple(place, place).map(([from, to]) => ({
      name: 'line moved',
      apply: withLines((lines) => {
        const [line = ''] = lines.slice(lineAt(lines, from), lineAt(lines, from) + 1);
        return lines.toSpliced(lineAt(lines, from), 1).toSpliced(lineAt(lines, to), 0, line);
      }),
    })),
    place.map((where) => ({
      name: 'line left out',
      apply: withLines((lines) => lines.toSpliced(lineAt(lines, where), 1)),
    })),
    fc.tuple(place, place).map(([from, to]) => ({
      name: 'words swapped',
      apply: (text: string) => {
        const words = text.split(/(\s+)/);
        const [a, b] = [lineAt(words, from) & ~1, lineAt(words, to) & ~1];
        return words
          .with(a, words[b] ?? '')
          .with(b, words[a] ?? '')
          .join('');
      },
    })),
    inserted('line of another file', fc.constantFrom(...donors.flatMap(linesOf))),
    fc
      .constantFrom('\xef\xbb\xbf', '\xff\xfe', '\xfe\xff', '\0')
      .map((mark) => ({ name: 'marked', apply: (text: string) => mark + text })),
    { weight: 1, arbitrary: inserted('hostile line', fc.constantFrom(...HOSTILE_LINES)) },
  );
}

/** Mutations that cost so much that one in a hundred is enough. */
function heavyMutation(): fc.Arbitrary<Mutation> {
  const appended = (name: string, text: fc.Arbitrary<string>): fc.Arbitrary<Mutation> =>
    text.map((piece) => ({ name, apply: (before: string) => `${before}\n${piece}\n` }));
  return fc.oneof(
    fc.constantFrom<'le' | 'be'>('le', 'be').map((order) => ({
      name: `UTF-16 ${order}`,
      apply: (text: string) => Array.from(text, (char) => (order === 'le' ? `${char}\0` : `\0${char}`)).join(''),
    })),
    appended(
      'crowd',
      fc
        .tuple(fc.constantFrom(...CROWDS), fc.integer({ min: 10, max: 150 }))
        .map(([crowd, count]) => crowd(count).join('\n')),
    ),
    appended(
      'tangle',
      fc
        .tuple(fc.integer({ min: 2, max: 14 }), fc.integer({ min: 2, max: 24 }))
        .map(([acls, lines]) => tangle(acls, lines).join('\n')),
    ),
    fc
      .tuple(fc.integer({ min: 2, max: MANY }), fc.constantFrom('true', 'false', '1 = 1', 'maybe'))
      .map(([depth, condition]) => ({
        name: 'nested',
        apply: (text: string) => `${`if ${condition}\n`.repeat(depth)}${text}\n${'endif\n'.repeat(depth)}`,
      })),
    fc.integer({ min: 2, max: 40 }).map((times) => ({
      name: 'repeated whole',
      apply: (text: string) => `${text}\n`.repeat(Math.min(times, Math.ceil(100_000 / (text.length + 1)))),
    })),
    fc
      .integer({ min: 1, max: 4 })
      .map((kibs) => ({ name: 'no line ends', apply: (text: string) => text.replaceAll('\n', ' ').repeat(kibs) })),
  );
}

/** Files that include each other: a chain, a fan, a circle. */
const includes: fc.Arbitrary<Files> = fc.oneof(
  fc
    .integer({ min: 1, max: 40 })
    .map((depth) =>
      Object.fromEntries(
        Array.from({ length: depth }, (_, index) => [
          `chain${index}.conf`,
          `acl chain src 10.0.0.${index}\ninclude chain${index + 1}.conf\n`,
        ]),
      ),
    ),
  fc
    .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 8 }))
    .map(([width, depth]) =>
      Object.fromEntries(
        Array.from({ length: depth + 1 }, (_, index) => [
          `fan${index}.conf`,
          index === depth ? 'acl fan src 10.0.0.1\n' : `include fan${index + 1}.conf\n`.repeat(width),
        ]),
      ),
    ),
  fc.constant({
    'a.conf': 'include b.conf\n',
    'b.conf': 'include c.conf a.conf\n',
    'c.conf': 'include a.conf squid.conf\n',
  }),
  fc.constant({ 'self.conf': 'include self.conf *.conf\n' }),
);

export type Mutated = { base: string; mutations: string[]; files: Files };

/** Broken configs made of `cases` (name to files), most of them by a few small changes. */
export function mutatedConfigs(cases: ReadonlyMap<string, Files>): fc.Arbitrary<Mutated> {
  const donors = [...cases.values()].map((files) => files[MAIN] ?? '');
  const few = fc.array(mutation(donors), { minLength: 1, maxLength: 6 });
  const some = fc.oneof(
    { weight: 30, arbitrary: few.map((list): { list: Mutation[]; more: Files } => ({ list, more: {} })) },
    {
      weight: 1,
      arbitrary: fc.tuple(few, heavyMutation()).map(([list, heavy]) => ({ list: [...list, heavy], more: {} })),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(few, includes).map(([list, more]) => ({
        list: [...list, { name: 'includes', apply: (text: string) => `include ${Object.keys(more)[0]}\n${text}` }],
        more,
      })),
    },
  );
  return fc.tuple(fc.constantFrom(...cases.keys()), some, place).map(([base, { list, more }, where]) => {
    const files = { ...more, ...cases.get(base) };
    const names = Object.keys(files).filter((name) => !(name in more));
    // The main file more often than its side files: half of the time, and always where there are none.
    const target = where < 0.5 ? MAIN : (names[Math.floor((where - 0.5) * 2 * names.length)] ?? MAIN);
    const text = list.reduce((before, { apply }) => apply(before), files[target] ?? '');
    return { base, mutations: list.map(({ name }) => name), files: { ...files, [target]: text } };
  });
}
