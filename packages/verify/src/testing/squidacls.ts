// Room: acls of made-up squid.conf files: types and values that rules can say and that they cannot, with patterns that are hard to
// read, on lines, in files and in groups; and the terms of a line that names them. Arbitraries of fast-check.
import fc from 'fast-check';
import type { Config, Line } from './squidconfigs.ts';

const HOSTS = ['one.example', 'www.one.example', 'mail.two.example', 'two.example', 'three.test'] as const;
const WORDS = ['owa', 'rpc', 'API', 'app', 'a', 'ab', 'wp-admin', 'x.php', 'b1'] as const;

const host = fc.constantFrom(...HOSTS);
const word = fc.constantFrom(...WORDS);

/** Pieces of patterns, each with a meaning that one of POSIX, GNU, RE2 and JavaScript reads otherwise. */
const PIECES = [
  ...[
    '/',
    '/owa',
    '/owa/',
    '/rpc',
    '/API',
    '/app',
    '/a',
    '/ab',
    '.',
    '.*',
    '[^/]+',
    '[a-z]+',
    '[[:alnum:]]*',
    '[[:upper:]]',
  ],
  ...[
    '(owa|rpc)',
    '(/|$)',
    '(^|/)',
    '(a|ab)(b|)',
    '(ab)+',
    '(ab){2}',
    'a{1,2}',
    'a{,2}',
    'b{0}',
    'o?w',
    '[a\\d]',
    '[]a]',
    '[^]]',
  ],
  ...[
    '\\.',
    '\\/',
    '\\w+',
    '\\W',
    '\\s',
    '\\b',
    '\\<a',
    'a\\>',
    '\\d',
    '\\-',
    '\\?',
    '?x',
    '=1',
    '%2',
    '%',
    '$',
    '^',
    '|',
    '||',
    '()',
  ],
  ...[
    'one.example',
    'one\\.example',
    'two',
    '.example/',
    '://',
    ':8080',
    '&',
    '#a',
    '~',
    '\\^',
    '[.]',
    'x*',
    'p+',
    '(?:a)',
    '%2F',
    '%20',
    '\\ ',
    '^http:',
    'none',
    '@',
    '*a',
    `/\${process_name}`,
    '(a',
    'a)',
  ],
] as const;

const pattern = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('')),
  },
  { weight: 1, arbitrary: fc.tuple(host, word).map(([name, path]) => `${name}/${path}`) },
  {
    weight: 1,
    arbitrary: fc.tuple(host, word).map(([name, path]) => `^https?://${name.replaceAll('.', '\\.')}/${path}(/|\\?|$)`),
  },
);

/** A flag counts from where it stands to the end of its line. */
const patterns = fc
  .array(fc.oneof({ weight: 4, arbitrary: pattern }, { weight: 1, arbitrary: fc.constantFrom('-i', '+i') }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((values) => values.join(' '));

export const domains = fc
  .uniqueArray(
    fc.oneof(
      host,
      host.map((name) => `.${name}`),
      fc.constantFrom('.example', 'One.EXAMPLE', '.www.one.example', '*.two.example', 'localhost', '192.0.2.80'),
    ),
    { minLength: 1, maxLength: 3 },
  )
  // What is below a domain must stand behind it, or Squid does not start.
  .map((names) => names.sort((a, b) => a.length - b.length).join(' '));

const some = (...values: string[]): fc.Arbitrary<string> =>
  fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 }).map((chosen) => chosen.join(' '));

/** Types and their values. Groups are made where the acls before them are known. */
const VALUES: readonly (readonly [weight: number, type: string, values: fc.Arbitrary<string>])[] = [
  [4, 'url_regex', patterns],
  [4, 'urlpath_regex', patterns],
  [4, 'dstdomain', domains],
  [2, 'dstdom_regex', patterns],
  [1, 'dstdomain', domains.map((values) => `-n ${values}`)],
  [1, 'dstdom_regex', patterns.map((values) => `-n ${values}`)],
  [1, 'dst', some('127.0.0.0/8', '192.0.2.0/24', '::1', '169.254.0.0/16')],
  [1, 'localport', some('8080', '8081', '8443', '8444', '1-8100')],
  [1, 'localip', some('203.0.113.1', '203.0.113.2', '203.0.113.0/24', '127.0.0.1')],
  [1, 'referer_regex', patterns],
  [1, 'maxconn', fc.constant('100000')],
  [
    2,
    'src',
    some(
      '127.0.0.1',
      '127.0.0.0/8',
      '10.0.0.0/8',
      '10.0.0.1-10.0.0.9',
      '192.0.2.1',
      '192.0.2.0/255.255.255.0',
      '::1',
      'all',
    ),
  ],
  [
    1,
    'src',
    some('2001:db8::/32', '2001:db8::1', 'ipv6', 'localhost', '10.0.0.0/255.0.255.0', '::ffff:10.0.0.1', 'fe80::/10'),
  ],
  [1, 'myport', some('8080', '8081', '8443')],
  [1, 'req_mime_type', patterns],
  [2, 'method', some('GET', 'HEAD', 'POST', 'RPC_IN_DATA', 'rpc_out_data', 'put', 'PROPFIND')],
  [1, 'port', some('80', '443', '8080', '1-1024', '1025-65535', '0-65535')],
  [1, 'proto', some('HTTP', 'HTTPS', 'http', 'FTP')],
  [1, 'myportname', some('first', 'second', '8080', '203.0.113.2:8081')],
  [
    1,
    'req_header',
    fc.tuple(fc.constantFrom('User-Agent', 'X-Test', 'Host'), patterns).map(([name, values]) => `${name} ${values}`),
  ],
  [1, 'browser', patterns],
  [1, 'ssl::server_name', domains],
  [
    1,
    'time',
    some('D', 'SA', 'H', 'M-F 00:00-24:00', 'TWH 00:00-11:59', '00:00-11:59', '12:00-24:00', 'mw', 'a 09:00-21:00'),
  ],
];

/** What no rule can say: whoever depends on it may be refused, and must not be let through. */
const UNSAYABLE: readonly (readonly [type: string, value: string])[] = [
  ['srcdomain', '.example'],
  ['rep_header', 'Server x'],
  ['http_status', '200'],
  ['peername', 'peer0'],
  ['hier_code', 'HIER_DIRECT'],
  ['urllogin', '^a'],
  ['external', 'helper'],
];

/** The line without which Squid knows no helper; it is never run. */
export const HELPER = 'external_acl_type helper %SRC /usr/lib/squid/no-such-helper';

const QUOTABLE = ['url_regex', 'urlpath_regex', 'dstdomain', 'src', 'method'];

/** One acl under a name of its own: one or two lines, its values on the line or in a file. */
export function aclLines(name: string): fc.Arbitrary<{ lines: Line[]; files: Config }> {
  const [first, ...rest] = VALUES.map(([weight, type, values]) => ({
    weight,
    arbitrary: fc.tuple(
      fc.constant(type),
      fc.array(values, { minLength: 1, maxLength: 2 }),
      fc.integer({ min: 0, max: 9 }),
    ),
  }));
  if (first === undefined) throw new Error('there are types of acls');
  const unsayable = fc
    .constantFrom(...UNSAYABLE)
    .map(([type, value]) => ({ lines: [`acl ${name} ${type} ${value}`], files: {} }));
  const sayable = fc.oneof(first, ...rest).map(([type, lists, chance]) => {
    const isSplit = ['req_header', 'dstdomain', 'dstdom_regex', 'ssl::server_name', 'maxconn'].includes(type);
    const lines = isSplit ? lists.slice(0, 1) : lists;
    if (chance > 0 || !QUOTABLE.includes(type))
      return { lines: lines.map((values) => `acl ${name} ${type} ${values}`), files: {} };
    return {
      lines: [`acl ${name} ${type} "${name}.txt"`],
      files: { [`${name}.txt`]: `# ${name}\n${lines.join(' ').split(' ').join('\n')}\n\n` },
    };
  });
  return fc.oneof({ weight: 14, arbitrary: sayable }, { weight: 1, arbitrary: unsayable });
}

export function groupLine(name: string, before: readonly string[]): fc.Arbitrary<Line> {
  return fc
    .tuple(fc.constantFrom('any-of', 'all-of'), terms(before))
    .map(([type, list]) => `acl ${name} ${type} ${list}`);
}

/** Acls that no file has to define. */
const BUILT_IN = ['localhost', 'to_localhost', 'manager', 'CONNECT'] as const;

/** One to three acls of a line, each perhaps negated, or in the other case: names have none. */
export function terms(names: readonly string[]): fc.Arbitrary<string> {
  const name = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...names) },
    { weight: 1, arbitrary: fc.constantFrom(...BUILT_IN) },
  );
  const term = fc
    .tuple(name, fc.integer({ min: 0, max: 2 }))
    .map(([name, chance]) => (chance < 2 ? `!${name}` : chance === 2 ? name.toUpperCase() : name));
  return fc.array(term, { minLength: 1, maxLength: 3 }).map((list) => list.join(' '));
}
