// Room: accelerator configs that mean something, made at random for tests: ports of every kind, acls of the types that rules can
// say with patterns that are hard to read, lists in any order, peers by every way of choosing, and the layout of lines that
// people use. Arbitraries of fast-check, so that what is found is shrunk.
import fc from 'fast-check';

/** A config: path to content, one character a byte. The main file is `squid.conf`. */
export type Config = Readonly<Record<string, string>>;

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

const domains = fc
  .uniqueArray(
    fc.oneof(
      host,
      host.map((name) => `.${name}`),
      fc.constantFrom('.example', 'One.EXAMPLE', '.www.one.example', '*.two.example', 'localhost'),
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

type Line = string;

const QUOTABLE = ['url_regex', 'urlpath_regex', 'dstdomain', 'src', 'method'];

/** One acl under a name of its own: one or two lines, its values on the line or in a file. */
function aclLines(name: string): fc.Arbitrary<{ lines: Line[]; files: Config }> {
  const [first, ...rest] = VALUES.map(([weight, type, values]) => ({
    weight,
    arbitrary: fc.tuple(
      fc.constant(type),
      fc.array(values, { minLength: 1, maxLength: 2 }),
      fc.integer({ min: 0, max: 9 }),
    ),
  }));
  if (first === undefined) throw new Error('there are types of acls');
  return fc.oneof(first, ...rest).map(([type, lists, chance]) => {
    const isSplit = ['req_header', 'dstdomain', 'dstdom_regex', 'ssl::server_name', 'maxconn'].includes(type);
    const lines = isSplit ? lists.slice(0, 1) : lists;
    if (chance > 0 || !QUOTABLE.includes(type))
      return { lines: lines.map((values) => `acl ${name} ${type} ${values}`), files: {} };
    return {
      lines: [`acl ${name} ${type} "${name}.txt"`],
      files: { [`${name}.txt`]: `# ${name}\n${lines.join(' ').split(' ').join('\n')}\n\n` },
    };
  });
}

function groupLine(name: string, before: readonly string[]): fc.Arbitrary<Line> {
  return fc
    .tuple(fc.constantFrom('any-of', 'all-of'), terms(before))
    .map(([type, list]) => `acl ${name} ${type} ${list}`);
}

/** Acls that no file has to define. */
const BUILT_IN = ['localhost', 'to_localhost', 'manager', 'CONNECT'] as const;

/** One to three acls of a line, each perhaps negated. */
function terms(names: readonly string[]): fc.Arbitrary<string> {
  const name = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...names) },
    { weight: 1, arbitrary: fc.constantFrom(...BUILT_IN) },
  );
  const term = fc
    .tuple(name, fc.integer({ min: 0, max: 2 }))
    .map(([name, chance]) => (chance === 0 ? `!${name}` : name));
  return fc.array(term, { minLength: 1, maxLength: 3 }).map((list) => list.join(' '));
}

function list(directive: string, names: readonly string[], maxLength: number): fc.Arbitrary<Line[]> {
  return fc.array(
    fc
      .tuple(fc.constantFrom('allow', 'deny'), terms([...names, 'all']))
      .map(([action, acls]) => `${directive} ${action} ${acls}`),
    { maxLength },
  );
}

const site = fc.constantFrom(' defaultsite=one.example', ' defaultsite=two.example:8080', '');
const vhost = fc.constantFrom(' vhost', '', '', '', ' no-vhost', ' vport', ' vport=80', ' vport=8443 vhost');
const address = fc.constantFrom('', '', '203.0.113.', '203.0.113.');
const named = fc.constantFrom(true, true, true, false);
const clear = fc.constantFrom('', '', '', ' protocol=http');
const ports = fc
  .array(fc.tuple(fc.boolean(), vhost, site, address, named, clear), { minLength: 1, maxLength: 3 })
  .map((each) =>
    each.map(([isTls, host_, site_, address_, isNamed, clear_], index) => {
      const name = isNamed ? ` name=${['first', 'second', 'third'][index]}` : '';
      const place = `${address_ === '' ? '' : `${address_}${index + 1}:`}${(isTls ? 8443 : 8080) + index}`;
      const start = isTls ? `https_port ${place} accel cert=/etc/squid/x.pem${clear_}` : `http_port ${place} accel`;
      return `${start}${host_}${site_}${name}`;
    }),
  );

/** What one peer of a config may have besides its place: where several spread requests, no single one can be foretold. */
const SELECTION = [
  ' round-robin',
  ' sourcehash',
  ' weighted-round-robin',
  ' carp',
  ' default',
  ' weight=3',
  '',
] as const;
const peerOptions = fc
  .tuple(
    fc.constantFrom('', ' login=PASS', ' login=PASSTHRU', ' login=user:secret'),
    fc.constantFrom('', '', ' front-end-https=on', ' front-end-https=auto', ' forceddomain=in.example'),
    fc.constantFrom(
      '',
      '',
      '',
      ' ssl',
      ' tls sslflags=DONT_VERIFY_PEER',
      ' ssl ssldomain=mail.two.example',
      ' sslcafile=/etc/squid/ca.pem',
    ),
  )
  .map((options) => options.join(''));

function peerLines(index: number, acls: readonly string[]): fc.Arbitrary<{ peer: Line; rules: Line[] }> {
  const name = `peer${index}`;
  return fc
    .tuple(
      peerOptions,
      list(`cache_peer_access ${name}`, acls, 3),
      fc.integer({ min: 0, max: 9 }),
      domains,
      fc.constantFrom(`10.1.1.${index + 1}`, `10.1.1.${index + 1}`, `server${index}.lan`),
    )
    .map(([options, lines, chance, names, place]) => ({
      peer: `cache_peer ${place} parent 80 0 no-query no-digest originserver${options} name=${name}`,
      rules: chance === 0 ? [...lines, `cache_peer_domain ${name} ${names}`] : lines,
    }));
}

/** What a denial may be answered with. */
const ANSWERS = [
  'TCP_RESET',
  'TCP_RESET',
  'ERR_ACCESS_DENIED',
  '404:ERR_ACCESS_DENIED',
  'http://sorry.example/?u=%u',
  '301:https://%H%R',
] as const;

/** Changes of header fields that servers see. */
function fieldLines(names: readonly string[]): fc.Arbitrary<Line[]> {
  const field = fc.constantFrom(
    'User-Agent',
    'X-Test',
    'Referer',
    'Accept',
    'Host',
    'All',
    'Other',
    'All',
    'Other',
    'all',
  );
  const acls = terms([...names, 'all']);
  return fc.array(
    fc.oneof(
      fc
        .tuple(field, fc.constantFrom('allow', 'deny'), acls)
        .map((words) => `request_header_access ${words.join(' ')}`),
      field.map((name) => `request_header_replace ${name} replaced`),
      acls.map((list_) => `request_header_add X-Added "added here" ${list_}`),
      fc.constantFrom('forwarded_for delete', 'forwarded_for transparent', 'forwarded_for off', 'via off'),
    ),
    { minLength: 1, maxLength: 5 },
  );
}

/** A balancer in front, as people write it. */
const follow = fc
  .tuple(fc.constantFrom('10.0.0.1', '192.0.2.0/24', '127.0.0.0/8'), fc.boolean())
  .map(([proxies, isDirect]) => [
    `acl balancer src ${proxies}`,
    'follow_x_forwarded_for allow balancer',
    'follow_x_forwarded_for deny all',
    ...(isDirect ? ['acl_uses_indirect_client off'] : []),
  ]);

/** How a line may be written without meaning anything else. */
const LAYOUTS: readonly ((line: Line) => string)[] = [
  (line) => line,
  (line) => line,
  (line) => line,
  (line) => `   ${line}   `,
  (line) => `${line}\r`,
  (line) => line.replace(' ', ' \\\n  # in between\n\n   '),
  (line) => line.replace(/ /g, '\t'),
  (line) => `if true\n${line}\nendif`,
  (line) => `if 1 = 2\nhttp_access deny all\nelse\n${line}\nendif`,
  (line) => `if false\n${line}x\nendif\n${line}`,
  (line) => `${line} # ${line}`,
];

/** An accelerator config that Squid 5 most likely takes. */
export function squidConfigs(): fc.Arbitrary<Config> {
  return fc
    .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 2 }), fc.integer({ min: 1, max: 4 }))
    .chain(([aclCount, groupCount, peerCount]) => {
      const names = Array.from({ length: aclCount }, (_, index) => `acl${index}`);
      const groups = Array.from({ length: groupCount }, (_, index) => `group${index}`);
      const all = [...names, ...groups];
      return fc.record({
        ports,
        acls: fc.tuple(...names.map(aclLines)),
        groups: fc.tuple(...groups.map((name, index) => groupLine(name, [...names, ...groups.slice(0, index)]))),
        peers: fc.tuple(...Array.from({ length: peerCount }, (_, index) => peerLines(index, all))),
        chosen: fc.tuple(fc.constantFrom(...SELECTION), fc.integer({ min: 0, max: peerCount - 1 })),
        access: fc.tuple(
          list('http_access', all, 4),
          fc.constantFrom('http_access allow all', 'http_access deny all', 'http_access allow all', ''),
        ),
        miss: fc.oneof(
          { weight: 4, arbitrary: fc.constant([]) },
          { weight: 1, arbitrary: list('miss_access', all, 2) },
        ),
        later: fc.oneof(
          { weight: 6, arbitrary: fc.constant([]) },
          { weight: 1, arbitrary: list('http_reply_access', all, 2) },
          { weight: 1, arbitrary: list('adapted_http_access', all, 2) },
          { weight: 1, arbitrary: list('never_direct', all, 2) },
          { weight: 1, arbitrary: list('always_direct', all, 1) },
        ),
        follow: fc.oneof(
          { weight: 3, arbitrary: fc.constant([]) },
          { weight: 1, arbitrary: follow },
          { weight: 1, arbitrary: list('follow_x_forwarded_for', all, 2) },
        ),
        fields: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fieldLines(all) }),
        answers: fc.array(
          fc
            .tuple(fc.constantFrom(...ANSWERS), fc.constantFrom('all', ...all))
            .map(([answer, acl]) => `deny_info ${answer} ${acl}`),
          { maxLength: 2 },
        ),
        layouts: fc.array(fc.integer({ min: 0, max: LAYOUTS.length - 1 }), { minLength: 8, maxLength: 8 }),
        includes: fc.integer({ min: 0, max: 5 }),
      });
    })
    .map(
      ({
        ports: portLines,
        acls,
        groups,
        peers,
        chosen: [selection, favourite],
        access,
        miss,
        later,
        follow: followed,
        answers,
        fields,
        layouts,
        includes,
      }) => {
        const layout = (line: Line, index: number): string =>
          (LAYOUTS[layouts[index % layouts.length] ?? 0] ?? String)(line);
        const head = [...portLines, ...peers.map(({ peer }, index) => (index === favourite ? peer + selection : peer))];
        const definitions = [...acls.flatMap(({ lines }) => lines), ...groups].map(layout);
        const rules = [
          ...peers.flatMap((peer) => peer.rules),
          ...access.flat(),
          ...miss,
          ...later,
          ...followed,
          ...answers,
          ...fields,
        ]
          .filter((line) => line !== '')
          .map(layout);
        const files = Object.assign({}, ...acls.map((acl) => acl.files)) as Config;
        if (includes > 0) return { ...files, 'squid.conf': [...head, ...definitions, ...rules, ''].join('\n') };
        return {
          ...files,
          'conf.d/10-acls.conf': `${definitions.join('\n')}\n`,
          'squid.conf': [...head, 'include conf.d/*.conf', ...rules, ''].join('\n'),
        };
      },
    );
}
