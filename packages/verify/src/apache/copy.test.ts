import { importApache, memoryReader, readApache } from '@outrigger/importer';
import { expect, it } from 'vitest';
import { type ApacheCopy, copyApache, type Mapping } from './copy.ts';

const HEAD = `LoadModule ssl_module modules/mod_ssl.so
LoadModule proxy_module modules/mod_proxy.so
LoadModule proxy_http_module modules/mod_proxy_http.so
LoadModule rewrite_module modules/mod_rewrite.so
LoadModule cgid_module modules/mod_cgid.so
LoadModule alias_module modules/mod_alias.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule authz_host_module modules/mod_authz_host.so
LoadModule mime_module modules/mod_mime.so
LoadModule auth_basic_module modules/mod_auth_basic.so
LoadModule authn_core_module modules/mod_authn_core.so
LoadModule authnz_ldap_module modules/mod_authnz_ldap.so
LoadModule proxy_balancer_module modules/mod_proxy_balancer.so
Listen 443
`;

function copyOf(lines: string): ApacheCopy {
  const vhost = `<VirtualHost 10.0.0.1:443>
SSLEngine on
ServerName mail.contoso.com
SSLCertificateFile /etc/ssl/mail.pem
ProxyPass /owa https://10.1.1.14/owa
${lines}
</VirtualHost>
`;
  const options = { path: '', reader: memoryReader({ 'httpd.conf': HEAD + vhost }) };
  const model = readApache(options);
  const { rules } = importApache(options);
  if (model === undefined || rules === undefined)
    throw new Error(
      importApache(options)
        .diagnostics.map(({ message }) => message)
        .join('\n'),
    );
  return copyApache(model, rules);
}

const MAPPING: Mapping = {
  run: '/copy/run',
  pages: '/copy/pages',
  modules: '/modules',
  hasModule: () => true,
  cert: '/copy/cert',
  key: '/copy/key',
  portOf: (port) => port + 10_000,
  serverPortOf: () => 9999,
  ready: 7,
};

const reasons = ({ takenOut }: ApacheCopy): string[] => takenOut.map(({ code, at }) => `${code} ${at.directive}`);

it('moves addresses, certificates and servers to loopback, and keeps what decides', () => {
  const copy = copyOf('RewriteEngine on\nRewriteRule ^/x http://old.test/y [R]\nRedirect /z https://10.1.1.14/z');
  const text = copy.write(MAPPING);
  expect(text).toContain('<VirtualHost 127.0.0.2:10443>');
  expect(text).toContain('Listen 127.0.0.2:10443 https');
  expect(text).not.toMatch(/^Listen (?!127\.)/m);
  expect(text).toContain('SSLCertificateFile "/copy/cert"');
  expect(text).not.toContain('/etc/ssl');
  expect(text).toContain('ProxyPass /owa http://127.0.0.1:9999/owa');
  // Where clients are sent is what they are to be told.
  expect(text).toContain('RewriteRule ^/x http://old.test/y [R]');
  expect(text).toContain('Redirect /z https://10.1.1.14/z');
  expect(copy.servers.map(({ name }) => name)).toEqual(['https://10.1.1.14:443']);
});

it('never runs a command of the file, and says so', () => {
  const copy = copyOf('CustomLog "|/bin/evil" common\nRewriteMap m prg:/bin/evil\nScriptLog /tmp/x');
  expect(copy.write(MAPPING)).not.toMatch(/evil|ScriptLog|mod_cgid/);
  expect(reasons(copy).filter((each) => each.startsWith('COMMAND'))).toHaveLength(3);
});

it('sends nothing where only the request says, nor to another daemon of the machine', () => {
  const copy = copyOf(
    'RewriteRule ^/a(.*) http://$1/ [P]\nProxyPassMatch ^/b(.*) http://$1/\nProxyPass /c unix:/run/app.sock|http://x/\nProxyPass /d ajp://10.1.1.2/\nProxyRequests On',
  );
  expect(copy.write(MAPPING)).not.toMatch(/\$1|app\.sock|ajp:|ProxyRequests/);
  expect(reasons(copy).filter((each) => each.startsWith('DIRECT'))).toHaveLength(5);
});

it('keeps a pattern with a choice in it, and knows which servers are of one balancer', () => {
  const copy = copyOf(`<Proxy balancer://two>
BalancerMember http://10.1.1.15
BalancerMember http://10.1.1.16
</Proxy>
ProxyPassMatch "^/(ews|oab)(/.*)?$" http://10.1.1.15/$1$2
ProxyPass /ecp balancer://two/ecp`);
  expect(copy.write(MAPPING)).toContain('ProxyPassMatch "^/(ews|oab)(/.*)?$" http://127.0.0.1:9999/$1$2');
  expect(copy.takenOut.filter(({ code }) => code === 'DIRECT_TAKEN_OUT')).toEqual([]);
  expect(copy.servers.map(({ name, balancers }) => [name, balancers?.map(({ balancer }) => balancer)])).toEqual([
    ['https://10.1.1.14:443', undefined],
    ['http://10.1.1.15:80', ['balancer://two']],
    ['http://10.1.1.16:80', ['balancer://two']],
  ]);
});

it('asks no directory for who a client is, and needs no file of types', () => {
  const lines = '<Location /p>\nAuthType Basic\nAuthBasicProvider ldap\nRequire ldap-group cn=x\n</Location>';
  const text = copyOf(`TypesConfig /etc/mime.types\n${lines}`).write(MAPPING);
  expect(text).not.toMatch(/ldap|mime\.types/);
  expect(text).toContain('AuthBasicProvider file\nRequire valid-user');
});

it('asks no DNS for who a client is', () => {
  const text = copyOf('<Location /p>\nRequire host contoso.com\nRequire ip 10.0.0.0/8\n</Location>').write(MAPPING);
  expect(text).toContain('Require all denied');
  expect(text).toContain('Require ip 10.0.0.0/8');
});

it('knows a server in an expression of ProxyMatch, and in a Proxy section with a star', () => {
  const text = copyOf(`<ProxyMatch "^https://10\\.1\\.1\\.14/owa">
Require all denied
</ProxyMatch>
<ProxyMatch "10\\.1\\.1\\.14">
Require all denied
</ProxyMatch>
<ProxyMatch "^https://10\\.1\\.1\\.\\d+/">
Require all denied
</ProxyMatch>
<Proxy https://10.1.1.14*>
Require all denied
</Proxy>`).write(MAPPING);
  expect(text).toContain('<ProxyMatch "^http://127\\.0\\.0\\.1:9999/owa">');
  expect(text).toContain('<ProxyMatch "127\\.0\\.0\\.1:9999">');
  expect(text).toContain('<ProxyMatch "^https://10\\.1\\.1\\.\\d+/">');
  expect(text).toContain('<Proxy http://127.0.0.1:9999*>');
});
