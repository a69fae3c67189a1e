// Room: accelerator configs that mean something, made at random for tests: ports of every kind, acls of the types that rules can
// say with patterns that are hard to read, lists in any order, peers by every way of choosing, and the layout of lines that
// people use. Arbitraries of fast-check, so that what is found is shrunk.
import fc from 'fast-check';
import { aclLines, domains, groupLine, HELPER, terms } from './squidacls.ts';

/** A config: path to content, one character a byte. The main file is `squid.conf`. */
export type Config = Readonly<Record<string, string>>;

/** One line of a config, as a rule a directive. */
export type Line = string;

function list(directive: string, names: readonly string[], maxLength: number): fc.Arbitrary<Line[]> {
  return fc.array(
    fc
      .tuple(fc.constantFrom('allow', 'deny'), terms([...names, 'all']))
      .map(([action, acls]) => `${directive} ${action} ${acls}`),
    { maxLength },
  );
}

const site = fc.constantFrom(
  ' defaultsite=one.example',
  ' defaultsite=two.example:8080',
  ' defaultsite=Two.Example',
  '',
);
/** As often as in files that are in use: most take the Host as it comes. */
const vhost = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(' vhost', '') },
  { weight: 1, arbitrary: fc.constantFrom(' no-vhost', ' vport', ' vport=80', ' vport=8443 vhost') },
);
const address = fc.constantFrom('', '', '203.0.113.N:', '203.0.113.N:', '[2001:db8::N]:', '[::]:', 'localhost:');
const named = fc.constantFrom(true, true, true, false);
const clear = fc.constantFrom('', '', '', ' protocol=http');
/** With accel, as old files without it, and with options that change no verdict. */
const accel = fc.constantFrom(
  ...Array.from({ length: 12 }, () => ' accel'),
  ' vhost',
  ' vhost',
  ' accel ignore-cc',
  ' accel act-as-origin',
  '',
);
const ports = fc
  .tuple(
    fc.array(fc.tuple(fc.boolean(), accel, vhost, site, address, named, clear), { minLength: 1, maxLength: 3 }),
    fc.constantFrom<Line[]>([], [], [], [], [], [], ['http_port 3128'], ['http_port 8090 accel allow-direct']),
  )
  .map(([each, others]) => [
    ...each.map(([isTls, accel_, host_, site_, address_, isNamed, clear_], index) => {
      const name = isNamed ? ` name=${['first', 'second', 'third'][index]}` : '';
      const place = `${address_.replace('N', String(index + 1))}${(isTls ? 8443 : 8080) + index}`;
      const start = isTls
        ? `https_port ${place}${accel_} cert=/etc/squid/x.pem${clear_}`
        : `http_port ${place}${accel_}`;
      return `${start}${host_}${site_}${name}`;
    }),
    ...others,
  ]);

/** What peers of a config may have besides their places: those that share requests are one to the other. */
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
    fc.constantFrom('', ' login=PASS', ' login=PASSTHRU', ' login=user:secret', ' login=*:secret'),
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
    fc.constantFrom(
      '',
      '',
      '',
      ' proxy-only',
      ' max-conn=100',
      ' connection-auth=off',
      ' allow-miss no-netdb-exchange',
    ),
  )
  .map((options) => options.join(''));

/** Most are parents that are origin servers, as in every file that works. */
const kind = fc.constantFrom(
  ...Array.from({ length: 30 }, () => 'parent 0 originserver'),
  'parent 0',
  'sibling 3130 originserver',
);

function peerLines(index: number, acls: readonly string[]): fc.Arbitrary<{ peer: Line; rules: Line[] }> {
  return fc
    .tuple(
      kind,
      peerOptions,
      // As often as not the first takes whatever the others leave.
      fc
        .integer({ min: index === 0 ? -3 : 0, max: 3 })
        .chain((most) => list('cache_peer_access PEER', acls, Math.max(0, most))),
      fc.integer({ min: 0, max: 9 }),
      domains,
      fc.constantFrom('10.1.1.N', '10.1.1.N', '10.1.1.9', 'serverN.lan', '2001:db8:1::N', 'ServerN.LAN'),
      fc.constantFrom(80, 80, 443, 8080),
    )
    .map(([kind_, options, lines, chance, names, place, port]) => {
      const [type, icp, ...origin] = kind_.split(' ');
      const host_ = place.replace('N', String(index + 1));
      // Those on one address need a name each, or Squid does not start.
      const name = chance === 1 && host_ !== '10.1.1.9' ? host_ : `peer${index}`;
      const rules = lines.map((line) => line.replace('PEER', chance === 2 ? name.toUpperCase() : name));
      const given = name === host_ ? '' : ` name=${name}`;
      return {
        peer: `cache_peer ${host_} ${type} ${port + index} ${icp} no-query no-digest${origin.map((word_) => ` ${word_}`).join('')}${options}${given}`,
        rules: chance === 0 ? [...rules, `cache_peer_domain ${name} ${names}`] : rules,
      };
    });
}

/** What a denial may be answered with. */
const ANSWERS = [
  'TCP_RESET',
  'TCP_RESET',
  'ERR_ACCESS_DENIED',
  '404:ERR_ACCESS_DENIED',
  'ERR_MINE',
  '404:ERR_MINE',
  '200:ERR_MINE',
  'http://sorry.example/?u=%u',
  '301:https://%H%R',
] as const;

/** Pages of errors as people keep them: a folder, what stands in it, and what goes into the pages. */
const pages: fc.Arbitrary<{ lines: Line[]; files: Config }> = fc
  .tuple(
    fc.constantFrom('errors', 'errors/'),
    fc.subarray(['ERR_MINE', 'ERR_ACCESS_DENIED', 'ERR_FORWARDING_DENIED'], { minLength: 1 }),
    fc.subarray(['%U', '%u', '%H %P %p', '%M', '%i', '%T', '%c', '%w', '%s', '%h', '%R', '%l', '%%%q%;', '{url}']),
    fc.subarray([
      'visible_hostname proxy.example',
      'httpd_suppress_version_string on',
      'cache_mgr me@one.example',
      'err_page_stylesheet errors/page.css',
    ]),
  )
  .map(([folder, names, codes, settings]) => ({
    lines: [`error_directory ${folder}`, ...settings],
    files: {
      'errors/page.css': 'b { width: 100% }\n',
      ...Object.fromEntries(names.map((name) => [`errors/${name}`, `<p>${codes.join(' | ')}</p>\n`])),
    },
  }));

/** Fields that people take away, replace and add; some names are for many. */
const FIELDS = [
  'User-Agent',
  'X-Test',
  'Referer',
  'Cookie',
  'accept-encoding',
  'X-Forwarded-Proto',
  'Accept',
  'Host',
  'All',
  'Other',
  'all',
] as const;
const FIELD_VALUES = ['"added here"', 'https', '"from %>a"', '"%{Host}>h"', '%ru', '"50%% of %rp"'] as const;

/** Changes of header fields that servers see. */
function fieldLines(names: readonly string[]): fc.Arbitrary<Line[]> {
  const field = fc.constantFrom(...FIELDS);
  const acls = terms([...names, 'all']);
  return fc.array(
    fc.oneof(
      {
        weight: 2,
        arbitrary: fc
          .tuple(field, fc.constantFrom('allow', 'deny'), acls)
          .map((words) => `request_header_access ${words.join(' ')}`),
      },
      { weight: 1, arbitrary: field.map((name) => `request_header_replace ${name} replaced`) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.constantFrom('X-Added', 'X-Forwarded-Proto', 'X-Test'), fc.constantFrom(...FIELD_VALUES), acls)
          .map((words) => `request_header_add ${words.join(' ')}`),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          'forwarded_for delete',
          'forwarded_for transparent',
          'forwarded_for off',
          'forwarded_for on',
          'forwarded_for truncate',
          'via off',
        ),
      },
    ),
    { minLength: 1, maxLength: 5 },
  );
}

/** Lines in front of the lists that somebody else wrote, and everybody copies. */
const BOILERPLATE: readonly Line[][] = [
  [],
  [],
  [],
  ['acl all src 0.0.0.0/0.0.0.0'],
  ['acl manager proto cache_object', 'acl localhost src 127.0.0.1/32'],
  ['acl Safe_ports port 80 443 8080', 'acl Safe_ports port 1025-65535', 'http_access deny !Safe_ports'],
  ['acl SSL_ports port 443 8443', 'http_access deny CONNECT !SSL_ports', 'http_access deny to_localhost'],
  ['http_access allow localhost manager', 'http_access deny manager'],
];

/** Lines that change no verdict. */
const BESIDES: readonly Line[] = [
  'extension_methods RPC_IN_DATA RPC_OUT_DATA',
  'redirect_rewrites_host_header off',
  'refresh_pattern . 0 20% 4320',
  'cache deny all',
  'hierarchy_stoplist cgi-bin ?',
  'visible_hostname proxy.example',
  'access_log none',
  'log_uses_indirect_client off',
  'client_persistent_connections off',
  'read_timeout 5 minutes',
  'request_body_max_size 100 MB',
  'uri_whitespace strip',
  'header_access X-Test deny all',
  'reply_header_access Server deny all',
  'httpd_suppress_version_string on',
];

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
        chosen: fc.tuple(
          fc.constantFrom(...SELECTION),
          fc.subarray(Array.from({ length: peerCount }, (_, index) => index)),
        ),
        boilerplate: fc.constantFrom(...BOILERPLATE),
        besides: fc.subarray([...BESIDES], { maxLength: 2 }),
        access: fc.tuple(
          list('http_access', all, 5),
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
        pages: fc.oneof(
          { weight: 3, arbitrary: fc.constant({ lines: [] as Line[], files: {} as Config }) },
          { weight: 2, arbitrary: pages },
        ),
        answers: fc.array(
          fc
            .tuple(fc.constantFrom(...ANSWERS), fc.subarray(['all', ...all], { minLength: 1, maxLength: 2 }))
            .map(([answer, acls]) => `deny_info ${answer} ${acls.join(' ')}`),
          { maxLength: 3 },
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
        chosen: [selection, favourites],
        boilerplate,
        besides,
        access,
        miss,
        later,
        follow: followed,
        answers,
        pages: { lines: pageLines, files: pageFiles },
        fields,
        layouts,
        includes,
      }) => {
        const layout = (line: Line, index: number): string =>
          (LAYOUTS[layouts[index % layouts.length] ?? 0] ?? String)(line);
        const head = [
          ...portLines,
          ...peers.map(({ peer }, index) => (favourites.includes(index) ? peer + selection : peer)),
        ];
        const needsHelper = acls.some(({ lines }) => lines.some((line) => line.includes(' external ')));
        const definitions = [...(needsHelper ? [HELPER] : []), ...acls.flatMap(({ lines }) => lines), ...groups].map(
          layout,
        );
        const rules = [
          ...boilerplate,
          ...peers.flatMap((peer) => peer.rules),
          ...access.flat(),
          ...miss,
          ...later,
          ...followed,
          ...answers,
          ...pageLines,
          ...fields,
          ...besides,
        ]
          .filter((line) => line !== '')
          .map(layout);
        const files = Object.assign({}, ...acls.map((acl) => acl.files), pageFiles) as Config;
        if (includes > 0) return { ...files, 'squid.conf': [...head, ...definitions, ...rules, ''].join('\n') };
        return {
          ...files,
          'conf.d/10-acls.conf': `${definitions.join('\n')}\n`,
          'squid.conf': [...head, 'include conf.d/*.conf', ...rules, ''].join('\n'),
        };
      },
    );
}
