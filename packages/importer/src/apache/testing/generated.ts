// Virtual hosts that nobody has thought of: lines of proxying, rewriting, redirecting and access in any order and mixture, around the
// paths of one Exchange and one other server.
import fc from 'fast-check';

const path = fc.constantFrom('/', '/owa', '/owa/', '/owa/x', '/rpc', '/ecp', '/ecp/y', '/OWA', '/app', '/ow');
const client = fc.constantFrom('10.1', '10.0.0.0/8', '192.0.2.7', '198.51.100.9', '10.9.9.9');
const EXCHANGE = 'http://10.1.1.14';
const OTHER = 'http://10.1.1.20:8080';

const straight = path.map((each) => `ProxyPass ${each} ${EXCHANGE}${each}`);
const other = path.map((each) => `ProxyPass ${each} ${OTHER}${each}`);
const bent = fc.tuple(path, path).map(([from, to]) => `ProxyPass ${from} ${EXCHANGE}${to}`);
const not = path.map((each) => `ProxyPass ${each} !`);
const pattern = fc.constantFrom(
  '^/owa',
  '^/o',
  'owa',
  '^/(owa|ecp)/',
  '^/$',
  '^/app(.*)$',
  '/x$',
  '^/ecp/y',
  '(?i)^/OWA',
  '^/owa$',
  '^/rpcx?',
);
const match = pattern.map((each) => `ProxyPassMatch ${each} ${OTHER}`);
const rule = fc
  .tuple(
    pattern,
    fc.constantFrom(
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
    ),
    fc.boolean(),
  )
  .map(([from, rest, isNegated]) => `RewriteRule ${isNegated && !rest.includes('$1') ? '!' : ''}${from} ${rest}`);
const condition = fc.constantFrom(
  '%{HTTPS} off',
  '%{HTTPS} !=on',
  '%{HTTPS} on',
  '%{REQUEST_METHOD} =GET',
  '%{HTTP_HOST} ^mail',
  '%{REMOTE_ADDR} ^10\\. [OR]',
  '%{HTTPS} off [OR]',
  '%{QUERY_STRING} a',
);
const rewriting = fc
  .tuple(fc.array(condition, { maxLength: 2 }), rule)
  .map(([conditions, last]) => [...conditions.map((each) => `RewriteCond ${each}`), last].join('\n'));
const access = fc.oneof(
  fc.constantFrom('Require all granted', 'Require all denied', 'Require method GET', 'Require valid-user'),
  client.map((each) => `Require ip ${each}`),
  fc.tuple(client, client).map(([a, b]) => `<RequireAll>\nRequire ip ${a}\nRequire not ip ${b}\n</RequireAll>`),
  fc.tuple(client, client).map(([a, b]) => `<RequireAny>\nRequire ip ${a}\nRequire ip ${b}\n</RequireAny>`),
  fc
    .tuple(fc.constantFrom('allow,deny', 'deny,allow'), client, client)
    .map(([order, a, b]) => `Order ${order}\nAllow from ${a}\nDeny from ${b}`),
  client.map((each) => `Deny from ${each}`),
  client.map((each) => `Order deny,allow\nDeny from all\nAllow from ${each}`),
);
const inside = fc.oneof(
  { weight: 4, arbitrary: access },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      `ProxyPass ${OTHER}/`,
      'ProxyPass !',
      'Redirect /owa http://r.test/',
      'Header set X-A b',
      'RequestHeader set X-B c',
      'Satisfy Any',
      'ProxyPreserveHost On',
      'ProxyPreserveHost Off',
      'RequestHeader set Host other.test',
      'AuthBasicFake user password',
      'ProxyErrorOverride On',
      `ProxyPassReverse ${EXCHANGE}/owa`,
      'SetEnv force-proxy-request-1.0 1',
    ),
  },
);
const section = fc
  .tuple(
    fc.oneof(
      path.map((each) => `Location ${each}`),
      pattern.map((each) => `LocationMatch "${each}"`),
      fc.constantFrom('Location /ow*', 'Location ~ "^/ecp"', 'Proxy *', `Proxy ${EXCHANGE}/*`),
    ),
    fc.array(inside, { minLength: 1, maxLength: 2 }),
  )
  .map(([open, lines]) => {
    // A path in a section is the section's: a ProxyPass there has one word, which a Proxy section refuses.
    const kept = lines.filter((line) => !(open.startsWith('Proxy') && /^(?:ProxyPass|Redirect)/.test(line)));
    return `<${open}>\n${kept.join('\n')}\n</${open.split(' ', 1)[0]}>`;
  });
const straightSection = path.map((each) => `<Location ${each}>\nProxyPass ${EXCHANGE}${each}\n</Location>`);
const redirect = path.map((each) => `Redirect ${each} http://r.test/`);

const line = fc.oneof(
  { weight: 6, arbitrary: straight },
  { weight: 2, arbitrary: straightSection },
  { weight: 3, arbitrary: section },
  { weight: 1, arbitrary: other },
  { weight: 1, arbitrary: bent },
  { weight: 1, arbitrary: not },
  { weight: 1, arbitrary: match },
  { weight: 1, arbitrary: rewriting },
  { weight: 1, arbitrary: redirect },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'ProxyPreserveHost On',
      'AllowEncodedSlashes NoDecode',
      'SetEnvIf Request_URI ^/owa/x no-proxy',
      'RewriteOptions Inherit',
    ),
  },
);

const MODULES = [
  'access_compat',
  'alias',
  'auth_basic',
  'authn_core',
  'authz_core',
  'authz_host',
  'authz_user',
  'headers',
  'mpm_event',
  'proxy',
  'proxy_http',
  'rewrite',
  'setenvif',
  'ssl',
];

/** A whole configuration. Lines of the main server come before the virtual host's. */
export const generatedConfig: fc.Arbitrary<Record<string, string>> = fc
  .record({
    main: fc.array(line, { maxLength: 2 }),
    host: fc.array(line, { minLength: 2, maxLength: 8 }),
    engine: fc.boolean(),
  })
  .map(({ main, host, engine }) => ({
    'httpd.conf': [
      ...MODULES.map((name) => `LoadModule ${name}_module modules/mod_${name}.so`),
      'Listen 443',
      'ServerName main.test',
      ...main,
      '<VirtualHost *:443>',
      'ServerName mail.contoso.com',
      'SSLEngine on',
      'SSLCertificateFile /etc/ssl/mail.pem',
      ...(engine ? ['RewriteEngine On'] : []),
      ...host,
      '</VirtualHost>',
      '',
    ].join('\n'),
  }));
