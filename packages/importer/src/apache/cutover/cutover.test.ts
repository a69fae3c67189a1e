import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { loadRules, type RuleSet } from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { type CutoverPlan, type CutoverResult, memoryReader, planApache, unifiedDiff } from '../../index.ts';

const MODULES = ['authz_core', 'authz_host', 'log_config', 'macro', 'rewrite', 'setenvif', 'ssl'].map(
  (name) => `LoadModule ${name}_module modules/mod_${name}.so`,
);
const SITE = '<VirtualHost *:443>\nServerName www.contoso.com\nSSLEngine on\nSSLCertificateFile /a.pem\n</VirtualHost>';

function rulesOf(given: Record<string, string> = { '*:443': 'https://127.0.0.1:8443' }, more = ''): RuleSet {
  const doors = Object.entries(given);
  const tls = 'tls: { certificates: [{ cert: /a.pem, key: /a.pem }] }';
  const text = [
    'listen:',
    ...doors.map(([address]) => `  - { address: '${address}', ${tls} }`),
    'upstreams:',
    ...doors.map(([, server], at) => `  apache${at}: { servers: ['${server}']${more} }`),
    'access: [{ allow: {} }]',
    'routes:',
    ...doors.map(([address], at) => `  - { when: { listeners: ['${address}'] }, to: apache${at} }`),
  ].join('\n');
  const { rules, diagnostics } = loadRules(text, 'rules.yaml');
  if (rules === undefined) throw new Error(JSON.stringify(diagnostics));
  return rules;
}

function planned(lines: string[], rules = rulesOf(), files: Record<string, string> = {}): CutoverResult {
  const text = [...MODULES, ...lines, ''].join('\n');
  return planApache({ path: '/h', reader: memoryReader({ '/h/httpd.conf': text, ...files }), rules });
}

/** Lines a plan puts in and takes out. */
function turned(result: CutoverResult): string[] {
  if (result.kind === 'failed') return [`${result.note.code}: ${result.note.message}`];
  return unifiedDiff(result.files)
    .split('\n')
    .filter((line) => /^[-+](?!\+\+ |-- )/.test(line));
}
const REMOTE_IP = [
  '+# Written by outrigger plan: the client is whom Outrigger names, and nobody else is believed.',
  '+LoadModule remoteip_module modules/mod_remoteip.so',
  '+RemoteIPHeader X-Forwarded-For',
  '+RemoteIPInternalProxy 127.0.0.1',
];

describe('the plan of a cut-over', () => {
  it('moves Listen to loopback, says https there, and gives each site a second address', () => {
    expect(turned(planned(['Listen 80', 'Listen 443', SITE]))).toEqual([
      '-Listen 443',
      '+Listen 127.0.0.1:8443 https',
      '-<VirtualHost *:443>',
      '+<VirtualHost *:443 127.0.0.1:8443>',
      ...REMOTE_IP,
    ]);
  });

  it('gives each address of its own a place, to its own sites', () => {
    const own = SITE.replace('*:443', '203.0.113.11:443');
    const rules = rulesOf({
      '203.0.113.10:443': 'https://127.0.0.1:8443',
      '203.0.113.11:443': 'https://127.0.0.1:9443',
    });
    const lines = ['Listen 203.0.113.10:443 https', 'Listen 203.0.113.11:443', own, SITE.replace('*', '203.0.113.10')];
    expect(turned(planned(lines, rules)).slice(0, 8)).toEqual([
      '-Listen 203.0.113.10:443 https',
      '+Listen 127.0.0.1:8443 https',
      '-Listen 203.0.113.11:443',
      '+Listen 127.0.0.1:9443 https',
      '-<VirtualHost 203.0.113.11:443>',
      '+<VirtualHost 203.0.113.11:443 127.0.0.1:9443>',
      '-<VirtualHost 203.0.113.10:443>',
      '+<VirtualHost 203.0.113.10:443 127.0.0.1:8443>',
    ]);
  });

  it('takes TLS off the sites where it ends before Apache, and tells them of https', () => {
    const result = turned(planned(['Listen 443', SITE], rulesOf({ '*:443': 'http://127.0.0.1:8080' })));
    expect(result.filter((line) => line.startsWith('+')).slice(0, 6)).toEqual([
      '+Listen 127.0.0.1:8080 http',
      '+<VirtualHost *:443 127.0.0.1:8080>',
      '+\tSSLEngine off',
      '+\tSetEnvIf X-Forwarded-Proto "^https$" HTTPS=on',
      '+ServerName https://www.contoso.com:443',
      '+# SSLEngine on',
    ]);
  });

  it('takes the PROXY protocol where the rules send it, and no field then', () => {
    const result = turned(planned(['Listen 443', SITE], rulesOf(undefined, ', proxyProtocol: v2')));
    expect(result).toContain('+\tRemoteIPProxyProtocol On');
    expect(result.join('\n')).not.toContain('RemoteIPHeader');
  });

  it('uses the folders of Debian for what it adds', () => {
    const result = planned(
      ['IncludeOptional mods-enabled/*.load', 'IncludeOptional conf-enabled/*.conf', 'Listen 443', SITE],
      rulesOf(),
      {
        '/h/mods-available/remoteip.load': 'LoadModule remoteip_module modules/mod_remoteip.so\n',
        '/h/mods-enabled/ssl.load': '',
        '/h/conf-available/x.conf': '',
        '/h/conf-enabled/x.conf': '',
      },
    );
    expect(result.kind === 'plan' ? result.files.slice(1) : result).toMatchObject([
      { kind: 'link', path: '/h/mods-enabled/remoteip.load', target: '../mods-available/remoteip.load' },
      { kind: 'create', path: '/h/conf-available/outrigger.conf' },
      { kind: 'link', path: '/h/conf-enabled/outrigger.conf', target: '../conf-available/outrigger.conf' },
    ]);
  });

  it('writes into the main file where that reads no such folder', () => {
    const result = planned(['Listen 443', SITE], rulesOf(), { '/h/conf.d/x.conf': '' });
    expect(result.kind === 'plan' && result.files.map(({ path }) => path)).toEqual(['/h/httpd.conf']);
  });

  it('has nothing to change where Apache is behind Outrigger already', () => {
    const first = planned(['Listen 443', SITE]) as CutoverPlan;
    const [file] = first.files;
    const text = file?.kind === 'edit' ? file.after : '';
    expect(planApache({ path: '/h', reader: memoryReader({ '/h/httpd.conf': text }), rules: rulesOf() })).toMatchObject(
      {
        kind: 'plan',
        files: [],
      },
    );
  });

  it.each([
    ['a place that is taken', ['Listen 443', 'Listen 8443', SITE], rulesOf(), /CUTOVER_NO_PLACE: .*8443 already/],
    [
      'rules that send the rest elsewhere',
      ['Listen 443', SITE],
      rulesOf({ '*:443': 'https://10.1.1.1:443' }),
      /CUTOVER_NO_PLACE: .*no single server on loopback/,
    ],
    [
      'a macro that is used for two ports',
      ['Listen 80', 'Listen 443', '<Macro S $p>', SITE.replace('443', '$p'), '</Macro>', 'Use S 80', 'Use S 443'],
      rulesOf(),
      /CUTOVER_BY_HAND: other virtual hosts would answer/,
    ],
    [
      'another field for the client',
      ['LoadModule remoteip_module x.so', 'RemoteIPHeader X-Real-IP', 'Listen 443', SITE],
      rulesOf(),
      /CUTOVER_BY_HAND: .*another field/,
    ],
    ['an Apache that does not start', ['Listen 443', 'Nosuch'], rulesOf(), /APACHE_REFUSED/],
  ])('changes nothing for %s, and says why', (_, lines, rules, expected) => {
    expect(turned(planned(lines, rules)).join('\n')).toMatch(expected);
  });

  it('names the rules on addresses and the logs of who connects', () => {
    const result = planned([
      'Listen 443',
      'LogFormat "%{c}a %r" x',
      '<Location /a>',
      'Require local',
      '</Location>',
      SITE,
    ]);
    expect(result.kind === 'plan' && result.notes.map(({ code, at }) => [code, at.directive])).toEqual([
      ['CUTOVER_LOG', 'LogFormat "%{c}a %r" x'],
      ['CUTOVER_ADDRESS_RULE', 'Require local'],
    ]);
  });

  const PLAIN = rulesOf({ '*:443': 'http://127.0.0.1:8080' });
  const TOLD = rulesOf(undefined, ', proxyProtocol: v2');
  it.each<[string, RuleSet, string[]]>([
    ['UseCanonicalPhysicalPort On', rulesOf(), ['CUTOVER_OWN_PLACE']],
    ['UseCanonicalPhysicalPort Off', rulesOf(), []],
    ['LogFormat "%A %{local}p %h" x', rulesOf(), ['CUTOVER_OWN_PLACE']],
    ['SetEnvIf Server_Addr "^203" OUT', rulesOf(), ['CUTOVER_OWN_PLACE']],
    ['RewriteCond %{CONN_REMOTE_ADDR} ^10', rulesOf(), ['CUTOVER_CONNECTIONS']],
    ['RewriteCond %{CONN_REMOTE_ADDR} ^10', TOLD, []],
    ['LogFormat "%{c}a %r" x', TOLD, []],
    ['RewriteCond %{REMOTE_ADDR} ^10', rulesOf(), ['CUTOVER_ADDRESS_RULE']],
    ['LoadModule qos_module x.so\nQS_SrvMaxConnPerIP 50', rulesOf(), ['CUTOVER_CONNECTIONS']],
    ['RemoteIPHeader X-Forwarded-For\nRemoteIPTrustedProxy 10.0.0.5', rulesOf(), ['CUTOVER_PROXIES']],
    ['RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 127.0.0.1', rulesOf(), []],
    ['SSLVerifyClient require', rulesOf(), ['CUTOVER_CLIENT_CERTIFICATE']],
    ['SSLVerifyClient none', rulesOf(), []],
    ['SSLVerifyClient require', PLAIN, []],
    ['RewriteCond %{HTTPS} !=on', PLAIN, ['CUTOVER_PLAIN']],
    ['RewriteCond %{HTTPS} !=on', rulesOf(), []],
  ])('knows what %j sees behind Outrigger', (line, rules, codes) => {
    const result = planned(['LoadModule remoteip_module x.so', line, 'Listen 443', SITE], rules);
    expect(result.kind === 'plan' ? result.notes.map(({ code }) => code) : result).toEqual(codes);
  });

  it('names certificates that Apache itself renews', () => {
    const result = planned(['LoadModule md_module x.so', 'MDomain www.contoso.com', 'Listen 443', SITE]);
    expect(result.kind === 'plan' && result.notes.map(({ code, at }) => [code, at.directive])).toEqual([
      ['CUTOVER_RENEWAL', 'MDomain www.contoso.com'],
    ]);
  });

  it('prints a diff that patch takes, forth and back', () => {
    const filler = Array.from({ length: 9 }, (_, at) => `# ${at}`);
    const result = planned(['Listen 443', ...filler, SITE, ...filler, SITE]) as CutoverPlan;
    const folder = mkdtempSync(join(tmpdir(), 'outrigger-diff-'));
    try {
      for (const file of result.files) {
        mkdirSync(dirname(join(folder, file.path)), { recursive: true });
        if (file.kind === 'edit') writeFileSync(join(folder, file.path), file.before);
      }
      const patch = (...options: string[]): unknown =>
        execFileSync('patch', ['-s', '-d', folder, '-p1', ...options], { input: unifiedDiff(result.files) });
      patch();
      for (const file of result.files)
        if (file.kind === 'edit') expect(readFileSync(join(folder, file.path), 'utf8')).toBe(file.after);
      patch('-R');
      for (const file of result.files)
        if (file.kind === 'edit') expect(readFileSync(join(folder, file.path), 'utf8')).toBe(file.before);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
