// Room: lines of an Apache configuration, made at random for tests: everything that decides where a request goes, who may ask, and what
// is sent on, as people write it, around the paths of one Exchange and one other server. Arbitraries of fast-check.
import fc from 'fast-check';

/** One or several lines that belong together. */
export type Lines = string;
type Choice = fc.WeightedArbitrary<Lines>;

export const EXCHANGE = 'http://10.1.1.14';
const OTHER = 'http://10.1.1.20:8080';
/** Members of balancers beside the two. */
const SECOND = 'http://10.1.1.15';
const SPARE = 'http://10.1.1.16';

const path = fc.constantFrom('/', '/owa', '/owa/', '/owa/x', '/rpc', '/ecp', '/ecp/y', '/OWA', '/app', '/ow', '/app/z');
const exchangePath = fc.constantFrom('/owa', '/ecp', '/rpc', '/ews', '/Microsoft-Server-ActiveSync', '/mapi', '/');
const client = fc.constantFrom('10.1', '10.0.0.0/8', '192.0.2.7', '198.51.100.9', '10.9.9.9', '10.0.0.0/255.255.0.0');
const pattern = fc.constantFrom(
  ...['^/owa', '^/o', 'owa', '^/(owa|ecp)/', '^/$', '^/app(.*)$', '/x$', '^/ecp/y', '(?i)^/OWA', '^/owa$', '^/rpcx?'],
  ...['^/(?:owa|ews)(/.*)?$', '^/ecp(/|$)(.*)', '\\.php$', '^/[oO]wa/', '^/.*/x', '.*', '^/a(?!pp)', '^/e[cw][ps]/?'],
);
const status = fc.constantFrom('', 'permanent ', 'temp ', 'seeother ', '301 ', '307 ');

const said = (...lines: Lines[]): fc.Arbitrary<Lines> => fc.constantFrom(...lines);
const weighted = (...choices: readonly (readonly [weight: number, lines: fc.Arbitrary<Lines>])[]): Choice[] =>
  choices.map(([weight, arbitrary]) => ({ weight, arbitrary }));
const block = (open: string, lines: readonly Lines[]): Lines =>
  [`<${open}>`, ...lines, `</${open.split(' ', 1)[0]}>`].join('\n');

/** Where a server is asked from: a mapping that is plain, bent, none, by a pattern, or to a balancer. */
const proxying: Choice[] = weighted(
  [6, exchangePath.map((each) => `ProxyPass ${each} ${EXCHANGE}${each}`)],
  [3, path.map((each) => `ProxyPass ${each} ${EXCHANGE}${each}`)],
  [1, path.map((each) => `ProxyPass ${each} ${OTHER}${each}`)],
  [1, fc.tuple(path, path).map(([from, to]) => `ProxyPass ${from} ${EXCHANGE}${to}`)],
  [1, path.map((each) => `ProxyPass ${each} !`)],
  [
    1,
    fc
      .tuple(
        exchangePath,
        said('nocanon', 'timeout=30', 'retry=0', 'mapping=encoded', 'upgrade=websocket', 'keepalive=On'),
      )
      .map(([each, parameter]) => `ProxyPass ${each} ${EXCHANGE}${each} ${parameter}`),
  ],
  [1, pattern.map((each) => `ProxyPassMatch "${each}" ${OTHER}`)],
  [
    1,
    said(
      `ProxyPassMatch "^/(owa|ecp)(/.*)?$" ${EXCHANGE}/$1$2`,
      `ProxyPassMatch "^/(owa.*)$" ${EXCHANGE}/$1`,
      `ProxyPassMatch "(?i)^/(owa|rpc|ews)(.*)$" ${EXCHANGE}/$1$2`,
      `ProxyPassMatch "^/ecp/(.*)$" ${EXCHANGE}/ecp/$1`,
      `ProxyPassMatch "^/owa/.*\\.js$" ${EXCHANGE}`,
      'ProxyPassMatch "^/owa/x" !',
      'ProxyPassMatch "\\.gif$" !',
    ),
  ],
  [1, exchangePath.map((each) => `ProxyPassReverse ${each} ${EXCHANGE}${each}`)],
  [2, exchangePath.map((each) => block(`Location ${each}`, [`ProxyPass ${EXCHANGE}${each}`]))],
  [1, path.map((each) => `ProxyPass ${each} balancer://farm${each}`)],
  [1, exchangePath.map((each) => `ProxyPass ${each} balancer://farm${each} stickysession=ROUTEID nofailover=On`)],
);

const member = fc
  .tuple(
    fc.constantFrom(EXCHANGE, SECOND, SPARE, `${SECOND}/owa`),
    said('', ' route=one', ' status=+H', ' loadfactor=3', ' lbset=1', ' route=two status=+D', ' status=+R', ' retry=0'),
  )
  .map(([url, parameters]) => `BalancerMember ${url}${parameters}`);
/** The balancer that lines name. */
export const balancer: fc.Arbitrary<Lines> = fc
  .tuple(
    fc.uniqueArray(member, { minLength: 1, maxLength: 3, selector: (line) => line.split(' ')[1] ?? '' }),
    said(
      '',
      'ProxySet lbmethod=byrequests',
      'ProxySet lbmethod=bytraffic',
      'ProxySet stickysession=SID|sid',
      'Require ip 10.1',
    ),
  )
  .map(([members, set]) => block('Proxy balancer://farm', [...members, ...(set === '' ? [] : [set])]));

const condition = fc.constantFrom(
  ...[
    '%{HTTPS} off',
    '%{HTTPS} !=on',
    '%{HTTPS} on',
    '%{REQUEST_METHOD} =GET',
    '%{HTTP_HOST} ^mail',
    '%{REMOTE_ADDR} ^10\\. [OR]',
  ],
  ...[
    '%{HTTPS} off [OR]',
    '%{QUERY_STRING} a',
    '%{REQUEST_URI} ^/owa',
    '%{REQUEST_URI} !^/ecp [NC]',
    '%{HTTP_USER_AGENT} MSRPC',
  ],
  ...['%{SERVER_PORT} !^443$', '%{HTTP_HOST} !=mail.contoso.com', '%{THE_REQUEST} " /owa"', '%{REQUEST_FILENAME} !-f'],
  ...[
    '%{HTTP:X-Forwarded-Proto} !https',
    '%{SERVER_NAME} ^mail',
    'expr "%{REQUEST_URI} =~ m#^/owa#"',
    '%{REQUEST_METHOD} ^RPC_',
  ],
);
const rule = fc
  .tuple(
    pattern.filter((each) => each !== ''),
    fc.constantFrom(
      ...[
        '- [F]',
        '/owa/ [R]',
        `${OTHER}/r [P]`,
        '/owa$1 [PT]',
        '/file',
        '- [L]',
        '-',
        'http://r.test/ [R=301,NC]',
        '- [G]',
        '- [S=1]',
      ],
      ...[
        '- [END]',
        '- [C]',
        '- [E=no-proxy:1]',
        'https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]',
        '- [R=404]',
        '/owa [R=302,L]',
      ],
      ...[
        `${EXCHANGE}/owa$1 [P,L]`,
        `${EXCHANGE}%{REQUEST_URI} [P]`,
        `${EXCHANGE}$0 [P,NC]`,
        'balancer://farm$0 [P]',
        '/ecp/ [PT,QSA]',
      ],
      ...[
        '/app?q=1 [PT,QSA,L]',
        '- [E=X:1]',
        '- [NC,F]',
        'https://r.test$0 [R=307,NE]',
        '/owa/x [N=1]',
        '- [T=text/plain]',
      ],
    ),
    fc.boolean(),
  )
  .map(([from, rest, isNegated]) => `RewriteRule "${isNegated && !/\$\d/.test(rest) ? '!' : ''}${from}" ${rest}`);
const plainRules = said(
  `RewriteRule ^/owa(.*)$ ${EXCHANGE}/owa$1 [P,L]`,
  `RewriteRule ^/(owa|ecp|ews)(/.*)?$ ${EXCHANGE}/$1$2 [P]`,
  `RewriteRule (?i)^/rpc/(.*) ${EXCHANGE}/rpc/$1 [P,NC]`,
  `RewriteRule ^/ecp/?(.*)$ ${EXCHANGE}/ecp/$1 [P,L,NE]`,
  'RewriteRule ^/$ /owa/ [R=302,L]',
  'RewriteRule ^/$ https://mail.contoso.com/owa [R,L]',
  'RewriteRule ^/mail(.*)$ /owa$1 [PT]',
);
const rewriting = fc
  .tuple(fc.array(condition, { maxLength: 2 }), fc.oneof(rule, plainRules))
  .map(([conditions, last]) => [...conditions.map((each) => `RewriteCond ${each}`), last].join('\n'));

const redirecting = fc.oneof(
  fc.tuple(status, path).map(([kind, each]) => `Redirect ${kind}${each} http://r.test/`),
  fc.tuple(status, path, path).map(([kind, from, to]) => `Redirect ${kind}${from} ${to}`),
  path.map((each) => `Redirect gone ${each}`),
  fc.tuple(status, pattern).map(([kind, each]) => `RedirectMatch ${kind}"${each}" https://r.test/$1`),
  said(
    'RedirectPermanent /owa https://r.test/',
    'RedirectMatch 403 "^/ecp"',
    'RedirectMatch "^/$" /owa',
    'RedirectMatch 404 /x$',
  ),
);

const requirement = fc.oneof(
  { weight: 3, arbitrary: client.map((each) => `Require ip ${each}`) },
  {
    weight: 3,
    arbitrary: said(
      ...['Require all granted', 'Require all denied', 'Require method GET', 'Require valid-user', 'Require local'],
      ...[
        'Require host contoso.com',
        'Require env INSIDE',
        `Require expr "%{REQUEST_METHOD} == 'GET'"`,
        'Require user a',
      ],
      ...[
        `Require expr "%{REMOTE_ADDR} -ipmatch '10.0.0.0/8'"`,
        'Require method POST OPTIONS',
        'Require ip 10.1 192.0.2.7',
      ],
    ),
  },
);
const inList = fc.oneof(
  requirement,
  client.map((each) => `Require not ip ${each}`),
  said('Require not method POST', 'Require not all denied', 'Require all granted'),
);
const lists = fc.oneof(
  // What is negated must stand beside what lets somebody in, and in no list of which one is enough.
  fc
    .tuple(requirement, fc.array(inList, { maxLength: 2 }))
    .map(([first, lines]) => block('RequireAll', [first, ...lines])),
  fc
    .tuple(said('RequireAny', 'RequireNone'), fc.array(requirement, { minLength: 1, maxLength: 3 }))
    .map(([name, lines]) => block(name, lines)),
);
const nested = fc
  .tuple(said('RequireAll', 'RequireAny'), lists, requirement)
  .filter(([name, list]) => !(name === 'RequireAny' && list.startsWith('<RequireNone')))
  .map(([name, list, line]) => block(name, [list, line]));
const compat = fc.oneof(
  fc
    .tuple(said('allow,deny', 'deny,allow', 'mutual-failure', 'Deny,Allow'), client, client)
    .map(([order, a, b]) => `Order ${order}\nAllow from ${a}\nDeny from ${b}`),
  client.map((each) => `Deny from ${each}`),
  client.map((each) => `Order deny,allow\nDeny from all\nAllow from ${each}`),
  client.map((each) => `Order allow,deny\nAllow from all\nDeny from ${each}`),
  said(
    'Order allow,deny',
    'Allow from all',
    'Order allow,deny\nAllow from env=INSIDE',
    'Deny from .contoso.com',
    'Allow from 10.1 192.0.2',
  ),
);
const access = fc.oneof(
  { weight: 4, arbitrary: requirement },
  // Nor does a list stand alone that keeps somebody out.
  {
    weight: 2,
    arbitrary: lists.map((list) =>
      list.startsWith('<RequireNone') ? block('RequireAll', [list, 'Require all granted']) : list,
    ),
  },
  { weight: 1, arbitrary: nested },
  { weight: 2, arbitrary: compat },
  { weight: 1, arbitrary: said('Satisfy Any', 'Satisfy All', 'AuthMerging And', 'AuthMerging Or') },
);
const limited = fc
  .tuple(said('Limit GET POST', 'LimitExcept GET', 'Limit RPC_IN_DATA', 'LimitExcept GET POST OPTIONS'), access)
  // Lists stand in no section for methods alone.
  .filter(([, lines]) => !lines.startsWith('<'))
  .map(([open, lines]) => block(open, [lines]));
const test = said(
  ...[
    'true',
    `-R '10.0.0.0/8'`,
    `%{HTTP_HOST} == 'mail.contoso.com'`,
    '%{REQUEST_URI} =~ m#^/owa#',
    `%{HTTP:X-A} != ''`,
  ],
  ...[`%{REQUEST_METHOD} == 'POST'`, `%{HTTPS} == 'off'`, 'false'],
);
const effect = said(
  `ProxyPass ${OTHER}/`,
  'ProxyPass !',
  ...['Redirect /owa http://r.test/', 'Redirect 404', 'Redirect https://r.test/', 'RedirectMatch "x$" /owa'],
  ...[
    'Header set X-A b',
    'RequestHeader set X-B c',
    'RequestHeader unset Cookie',
    'RequestHeader set Front-End-Https On',
  ],
  ...['ProxyPreserveHost On', 'ProxyAddHeaders Off', 'SetEnvIf X-A b INSIDE', 'SetEnv no-proxy 1', 'SSLRequireSSL'],
  ...[
    'RewriteEngine On\nRewriteRule . - [F]',
    `RewriteEngine On\nRewriteRule ^(.*)$ ${OTHER}/$1 [P]`,
    'RewriteOptions Inherit',
  ],
  ...['ErrorDocument 403 /denied.html', 'SetHandler server-status', 'Options None', 'LimitRequestBody 10'],
  ...[
    'RequestHeader edit Host ^mail web',
    'ProxyPassReverse http://10.1.1.14/owa',
    'UseCanonicalName On',
    'FallbackResource /app',
  ],
  ...['ProxyPreserveHost Off', 'RequestHeader set Host other.test', 'AuthBasicFake user password', 'AllowMethods GET'],
  ...['ProxyErrorOverride On', 'ProxyErrorOverride Off', 'AddDefaultCharset utf-8', 'MaxRanges none'],
  ...['SetEnv force-proxy-request-1.0 1', 'SetEnv proxy-nokeepalive 1', 'Proxy100Continue Off'],
  ...['Header unset Set-Cookie', 'Header append Vary X-A', 'RequestHeader set X-B d env=INSIDE'],
);
const inside = fc.oneof(
  { weight: 5, arbitrary: access },
  { weight: 3, arbitrary: effect },
  { weight: 1, arbitrary: limited },
  { weight: 1, arbitrary: fc.tuple(test, access).map(([when, lines]) => block(`If "${when}"`, [lines])) },
);

const opening = fc.oneof(
  { weight: 5, arbitrary: path.map((each) => `Location ${each}`) },
  { weight: 2, arbitrary: pattern.map((each) => `LocationMatch "${each}"`) },
  {
    weight: 2,
    arbitrary: said(
      'Location /ow*',
      'Location ~ "^/ecp"',
      'Location /o?a',
      'Location /*',
      'Location "/[oe]*"',
      'Location /*/x',
    ),
  },
  {
    weight: 2,
    arbitrary: said(
      'Proxy *',
      `Proxy ${EXCHANGE}/*`,
      `Proxy ${EXCHANGE}/owa`,
      'ProxyMatch "10\\.1\\.1\\.14"',
      `Proxy ${OTHER}*`,
    ),
  },
  { weight: 1, arbitrary: said('Directory />', 'Files *', 'Directory /').map((each) => each.replace('>', '')) },
  { weight: 1, arbitrary: test.map((each) => `If "${each}"`) },
);
/** Lines that the reader of a section without a path of its own refuses. */
const OF_LOCATIONS =
  /^(?:ProxyPass|Redirect|RewriteEngine|RewriteOptions|SetHandler|UseCanonicalName|FallbackResource)/;
const section = fc.tuple(opening, fc.array(inside, { minLength: 1, maxLength: 2 })).map(([open, lines]) => {
  const isLocation = open.startsWith('Location');
  return block(open, isLocation ? lines : lines.filter((line) => !OF_LOCATIONS.test(line) && !line.startsWith('<If ')));
});

const switches = said(
  ...[
    'ProxyPreserveHost On',
    'ProxyPreserveHost Off',
    'AllowEncodedSlashes NoDecode',
    'AllowEncodedSlashes On',
    'MergeSlashes Off',
  ],
  ...[
    'TraceEnable Off',
    'TraceEnable extended',
    'UseCanonicalName On',
    'UseCanonicalPhysicalPort On',
    'ProxyVia On',
    'ProxyVia Full',
  ],
  ...[
    'ProxyVia Block',
    'ProxyAddHeaders Off',
    'StrictHostCheck On',
    'HttpProtocolOptions Unsafe',
    'RewriteOptions Inherit',
  ],
  ...[
    'RewriteOptions InheritBefore',
    'RewriteOptions IgnoreInherit',
    'RewriteEngine On',
    'RewriteEngine Off',
    'ProxyTimeout 20',
  ],
  ...[
    'HttpProtocolOptions Strict Require1.0',
    'HttpProtocolOptions RegisteredMethods',
    'SSLStrictSNIVHostCheck On',
    'ProxyErrorOverride On',
  ],
  ...[
    'SetEnvIf Request_URI ^/owa/x no-proxy',
    'SetEnvIf Remote_Addr ^10\\. INSIDE',
    'SetEnvIf X-A . INSIDE',
    'ServerPath /legacy',
  ],
  ...[
    'Header always set X-C d',
    'RequestHeader set X-D e',
    'Header set X-E f',
    'RequestHeader set X-Forwarded-Proto https',
    'Timeout 20',
  ],
  ...[
    'Header edit Location ^http: https:',
    'RequestHeader append X-D g',
    'ProxyBadHeader Ignore',
    'AllowMethods GET POST',
  ],
  ...[
    'ErrorDocument 404 /app/404',
    'Options -Indexes',
    'FileETag None',
    'LimitRequestFields 50',
    'ProxyPassInherit Off',
    'ProxyMaxForwards 5',
  ],
);
const pages = said(
  'Alias /app /srv/app',
  'Alias / /srv/www/',
  'ScriptAlias /owa/x /srv/cgi',
  'AliasMatch "^/ecp/(.*)" /srv/$1',
  'DocumentRoot /srv',
);

/** Any line of a virtual host or of the main server. */
export const line: fc.Arbitrary<Lines> = fc.oneof(
  ...proxying,
  ...weighted([6, section], [3, rewriting], [2, redirecting], [3, switches], [1, pages]),
);
/** Lines of the main server alone. */
export const mainLine: fc.Arbitrary<Lines> = fc.oneof(
  { weight: 5, arbitrary: line },
  {
    weight: 1,
    arbitrary: said(
      ...[
        'RewriteEngine On\nRewriteOptions InheritDown',
        'RewriteEngine On\nRewriteOptions InheritDownBefore',
        'ServerTokens Prod',
      ],
      ...['UseCanonicalName On', 'RegisterHttpMethod FROBNICATE', 'AddDefaultCharset utf-8'],
    ),
  },
);
