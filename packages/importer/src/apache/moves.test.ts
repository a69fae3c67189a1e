import { describe, expect, it } from 'vitest';
import { importApache, memoryReader, reportText } from '../index.ts';
import { importHost, movedPaths, OWA } from './testing/importhost.ts';

describe('what moves', () => {
  it('is nothing where Apache would not start', () => {
    const translation = importHost(`${OWA}\nNosuch`);
    expect(translation.outcome).toBe('failed');
    expect(reportText(translation)).toContain(
      'Apache itself does not start with this configuration: no module knows Nosuch.',
    );
  });

  it('is nothing where the main server ends TLS itself, and says what to do', () => {
    const lines = ['LoadModule ssl_module m.so', 'Listen 443', 'SSLEngine on', 'SSLCertificateFile /a.pem', ''];
    const reader = memoryReader({ 'httpd.conf': lines.join('\n') });
    const translation = importApache({ path: 'httpd.conf', reader });
    expect(reportText(translation)).toContain('into <VirtualHost _default_:443> and import again');
  });

  it('is nothing where no address speaks TLS', () => {
    const translation = importApache({ path: '', reader: memoryReader({ 'httpd.conf': 'Listen 80' }) });
    expect(translation.outcome).toBe('failed');
    expect(reportText(translation)).toContain('no address speaks TLS');
  });

  it.each([
    ['a path that only Exchange has', 'ProxyPass /owa http://x/owa', ['/owa', '/rpc']],
    ['two that few others have', 'ProxyPass /rpc http://x/rpc\nProxyPass /mapi http://x/mapi', ['/rpc', '/mapi']],
    ['one that others have', 'ProxyPass /rpc http://x/rpc', []],
    ['two of two servers', 'ProxyPass /rpc http://x/rpc\nProxyPass /mapi http://y/mapi', []],
    ['another path of the server', 'ProxyPass /mail http://x/owa', ['/mail', '/mail/']],
    [
      'a path in another case',
      'ProxyPass /autodiscover http://x/Autodiscover\nProxyPass /mapi http://x/mapi',
      ['/autodiscover', '/mapi'],
    ],
    ['slashes that do not agree', 'ProxyPass /ecp http://x/ecp/', []],
    [
      'a pattern of choices',
      'ProxyPassMatch "^/(owa|ecp)(/.*)?$" http://x/$1$2\nProxyPass /rpc http://x/rpc',
      ['/owa', '/ecp', '/rpc'],
    ],
    ['a pattern of more', 'ProxyPassMatch "^/ecp/[a-z]+$" http://x', []],
    [
      'a section for a pattern',
      '<LocationMatch "^/(ews|ecp)">\nProxyPassMatch http://x\n</LocationMatch>',
      ['/ews', '/ecp'],
    ],
    ['a rule with [P]', 'RewriteEngine On\nRewriteRule ^/ecp(.*)$ http://x/ecp$1 [P,L]', ['/ecp']],
    [
      'a rule with [P] for some hosts',
      'RewriteEngine On\nRewriteCond %{HTTP_HOST} ^mail\\. [NC]\nRewriteRule ^/ecp(.*)$ http://x/ecp$1 [P]',
      ['/ecp'],
    ],
    [
      'a rule with [P] that asks for a file',
      'RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule ^/ecp(.*)$ http://x/ecp$1 [P]',
      [],
    ],
    [
      'a path in a section',
      '<Location /owa>\nProxyPass http://x/owa\n</Location>\nProxyPass /rpc http://x/rpc',
      ['/owa', '/rpc'],
    ],
    [
      'the same path in two cases',
      'ProxyPass /owa http://x/owa\nProxyPass /OWA http://x/OWA\nProxyPass /rpc http://x/rpc',
      ['/owa', '/rpc'],
    ],
    ['a path behind a wider one', 'ProxyPass / http://w/\nProxyPass /owa http://x/owa', []],
    [
      'a path whose section is asked before the wider one',
      'ProxyPass / http://w/\n<Location /owa>\nProxyPass http://x/owa\n</Location>\nProxyPass /rpc http://x/rpc',
      ['/owa'],
    ],
    [
      'a path that a rule may rewrite',
      'RewriteEngine On\nRewriteRule ^/o http://w/ [R]\nProxyPass /owa http://x/owa\nProxyPass /ecp http://x/ecp',
      ['/ecp'],
    ],
    ['a path beside a rule', 'RewriteEngine On\nRewriteRule ^/?$ /owa/ [R]\nProxyPass /ecp http://x/ecp', ['/ecp']],
    ['a rule that is switched off', 'RewriteEngine Off\nRewriteRule . - [F]\nProxyPass /ecp http://x/ecp', ['/ecp']],
    ['TLS without SSLProxyEngine', 'ProxyPass /ecp https://x/ecp', []],
    ['a login of Apache', '<Location />\nAuthType Basic\n</Location>\nProxyPass /ecp http://x/ecp', []],
    [
      'a login of Apache elsewhere',
      '<Location /a>\nAuthType Basic\n</Location>\nProxyPass /ecp http://x/ecp',
      ['/ecp'],
    ],
    ['Satisfy', '<Location /ecp>\nSatisfy any\n</Location>\nProxyPass /ecp http://x/ecp', []],
    ['an If section that does nothing', '<If "true">\n</If>\nProxyPass /ecp http://x/ecp', ['/ecp']],
    ['an If section for all', '<If "true">\nRequire all denied\n</If>\nProxyPass /ecp http://x/ecp', []],
    ['a header that depends on more', 'RequestHeader set X-A "%{REMOTE_USER}s"\nProxyPass /ecp http://x/ecp', []],
  ])('%s', (_, lines, paths) => {
    const translation = importHost(lines);
    expect(translation.summary.malformed, reportText(translation)).toBe(0);
    expect(movedPaths(translation)).toEqual(paths);
  });

  it('has the headers, the Host and the way back of Apache', () => {
    const translation = importHost(
      'RequestHeader set Front-End-Https On\nRequestHeader unset Accept-Encoding\nHeader always set X-Frame-Options DENY\nProxyPass /ecp http://x:81/ecp\nProxyPassReverse /ecp http://x:81/ecp',
    );
    expect(translation.rules?.upstreams.get('exchange')).toMatchObject({ frontEndHttps: true, host: 'x:81' });
    expect(translation.rules?.routes[0]).toMatchObject({
      requestHeaders: [{ remove: ['Accept-Encoding'] }],
      responseHeaders: [{ add: { 'X-Frame-Options': ['DENY'] } }],
      rewrite: { location: [{ from: 'http://x:81/ecp', to: '/ecp' }] },
    });
  });

  it('keeps with Apache what a rule takes first, and no more', () => {
    const { rules } = importHost(
      'RewriteEngine On\nRewriteRule ^/$ /owa/ [R]\nProxyPass / http://x/\nProxyPassReverse / http://x/owa',
    );
    expect(rules).toBeDefined();
    const { rules: whole } = importHost(
      'RewriteEngine On\nRewriteRule ^/ecp/old /ecp/ [R]\nRewriteCond %{HTTP_USER_AGENT} ^bad\nRewriteRule . - [F]\nProxyPass /ecp http://x/ecp',
    );
    expect(whole?.routes.slice(0, 3)).toMatchObject([
      {
        to: 'apache',
        when: {
          all: [{ path: [{ prefix: '/ecp' }] }, { path: [{ regex: '^/ecp/old', ignoreCase: true }, { regex: ';' }] }],
        },
      },
      {
        to: 'apache',
        when: { headers: [{ name: 'User-Agent', regex: '^bad' }] },
      },
      { to: 'exchange', when: { path: [{ prefix: '/ecp' }] } },
    ]);
  });

  it('brings the servers of a balancer into one upstream', () => {
    const members =
      'BalancerMember http://a:8080 loadfactor=2\nBalancerMember http://b:8080\nBalancerMember http://c:8080 status=+H';
    const translation = importHost(
      `<Proxy balancer://mail>\n${members}\nProxySet stickysession=ROUTEID\n</Proxy>\nProxyPreserveHost On\nProxyPass /ecp balancer://mail/ecp`,
    );
    expect(translation.rules?.upstreams.get('exchange')).toMatchObject({
      servers: ['http://a:8080', 'http://b:8080'],
      affinity: 'cookie',
    });
    const told = translation.diagnostics.filter(({ code }) => code === 'APACHE_BALANCER').map(({ message }) => message);
    expect(told.join('\n')).toMatch(/cookie of Outrigger.*\n.*loadfactor.*\n.*http:\/\/c:8080 is left out/);
  });

  it('asks a hot standby behind the one server it stands by for', () => {
    const members = 'BalancerMember http://b:8080 status=+H\nBalancerMember http://a:8080';
    const translation = importHost(`<Proxy balancer://mail>\n${members}\n</Proxy>\nProxyPass /ecp balancer://mail/ecp`);
    expect(translation.rules?.upstreams.get('exchange')).toMatchObject({ servers: ['http://a:8080', 'http://b:8080'] });
    expect(translation.rules?.upstreams.get('exchange')?.affinity).toBeUndefined();
  });

  it('is everything proxied with --lift all, and says of each line that stays why', () => {
    const lines =
      'ProxyPass /a http://w/a timeout=30\nProxyPass /b !\nProxyPass /c fcgi://127.0.0.1:9000/c\nProxyPass /d http://w/e/';
    const { rules } = importHost(lines, 'ProxyPreserveHost On', { lift: 'all' });
    expect(rules?.upstreams.get('web')).toMatchObject({
      servers: ['http://w:80'],
      ambiguousPaths: 'refuse',
      rpcOverHttp: false,
    });
    expect(rules?.routes.map(({ to, when }) => [to, when?.path])).toEqual([
      ['web', [{ exact: '/a' }, { prefix: '/a/' }]],
      ['apache', undefined],
    ]);
    const report = reportText(importHost(lines, 'ProxyPreserveHost On', { lift: 'all' }));
    expect(report).toContain('only Apache speaks the protocol behind it');
    expect(report).toContain('its slashes do not agree with those of its target');
    expect(reportText(importHost(lines))).toContain('with --lift all it moves');
  });

  it('maps cookies and paths as Apache did', () => {
    const { rules } = importHost(
      'ProxyPreserveHost On\nProxyPass /mail http://x/owa\nProxyPassReverse /mail http://x/owa\nProxyPassReverseCookiePath /owa /mail',
    );
    expect(rules?.routes[0]?.rewrite).toEqual({
      path: { from: '/mail', to: '/owa' },
      location: [{ from: 'http://x/owa', to: '/mail' }],
      cookiePath: [{ from: '/owa', to: '/mail' }],
    });
  });

  it('is never wider: an access line that cannot be said keeps the path with Apache', () => {
    const translation = importHost(
      'ProxyPass /ecp http://x/ecp\n<Location /ecp>\nRequire host contoso.com\n</Location>',
    );
    expect(movedPaths(translation)).toEqual([]);
    expect(translation.diagnostics).toContainEqual(
      expect.objectContaining({
        code: 'APACHE_NOT_MOVED',
        message: expect.stringContaining('no rule knows Require host (line'),
      }),
    );
  });
});
