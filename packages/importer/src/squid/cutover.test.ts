import { loadRules, type RuleSet } from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { importSquid, memoryReader, planSquid, type SquidCutover } from '../index.ts';

const PEER = [
  'cache_peer 10.1.1.14 parent 443 0 no-query originserver ssl login=PASS front-end-https=on name=exchange',
  'acl mail dstdomain mail.contoso.com',
  'cache_peer_access exchange allow mail',
  'never_direct allow all',
  'http_access allow mail',
  'http_access deny all',
];
const HTTPS = 'https_port 203.0.113.10:443 accel vhost tls-cert=/a.pem tls-key=/a.key';

/** The plan for a squid.conf of these lines; by default of the rules that its own import gives. */
function planned(
  lines: string[],
  change: (rules: RuleSet) => RuleSet = (rules) => rules,
  path = '/etc/squid/squid.conf',
): SquidCutover {
  const files = { files: [path], reader: memoryReader({ [path]: [...lines, ...PEER, ''].join('\n') }) };
  const { rules } = importSquid(files);
  if (rules === undefined) throw new Error('no rules were made of it');
  return planSquid({ ...files, rules: change(rules) });
}
/** With these listeners in place of those imported. */
const listening =
  (...addresses: string[]) =>
  (rules: RuleSet): RuleSet => {
    const own = addresses.map((address) => `{ address: '${address}' }`);
    const text = `listen: [${own.join(', ')}]\nupstreams: { web: { servers: ['http://127.0.0.1:8080'] } }\naccess: [{ allow: {} }]\nroutes: [{ to: web }]\n`;
    const made = loadRules(text, 'rules.yaml').rules;
    return { ...rules, listen: made?.listen ?? [] };
  };

describe('the plan of a cut-over from Squid', () => {
  it('takes each address of Squid that the rules have', () => {
    expect(planned([HTTPS, 'http_port 203.0.113.10:80 accel vhost'])).toMatchObject({
      kind: 'plan',
      doors: [
        { taken: '203.0.113.10:443', isTls: true },
        { taken: '203.0.113.10:80', isTls: false },
      ],
      notes: [],
    });
  });

  it('takes its addresses also where the rules listen on every one', () => {
    expect(planned([HTTPS], listening('*:443'))).toMatchObject({ kind: 'plan', doors: [{ taken: '*:443' }] });
  });

  it('takes several ports on several addresses, http and https', () => {
    const more = [
      HTTPS,
      HTTPS.replace('.10:443', '.11:443'),
      HTTPS.replace('.10:443', '.10:8443'),
      'http_port 80 accel vhost',
    ];
    const result = planned(more);
    expect(result.kind === 'plan' && result.doors.map(({ taken, isTls }) => `${taken} ${isTls}`)).toEqual([
      '203.0.113.10:443 true',
      '203.0.113.11:443 true',
      '203.0.113.10:8443 true',
      '*:80 false',
    ]);
    const [lost] = [planned(more, listening('*:443', '*:80'))];
    expect(lost).toMatchObject({ kind: 'failed', note: { at: { line: 3 } } });
  });

  it('finds the Squid 3 of old Debian', () => {
    const result = planned([HTTPS], undefined, '/etc/squid3/squid.conf');
    expect(result).toMatchObject({ kind: 'plan', pidFile: '/var/run/squid3.pid' });
  });

  it('names a port that nobody had', () => {
    const result = planned([HTTPS], listening('203.0.113.10:443', '203.0.113.10:8443'));
    expect(result.kind === 'plan' && result.notes.map(({ code }) => code)).toEqual(['CUTOVER_NEW_PORT']);
  });

  it.each([
    [
      'a port that no rule takes',
      [HTTPS, 'http_port 203.0.113.10:80 accel vhost'],
      listening('203.0.113.10:443'),
      /would be lost with Squid/,
      2,
    ],
    ['another address of the same port', [HTTPS], listening('203.0.113.11:443'), /would be lost with Squid/, 1],
    ['a forward proxy beside it', [HTTPS, 'http_port 3128'], undefined, /does more than stand in front/, 2],
  ])('ends no Squid with %s, and names the line', (_, lines, change, message, line) => {
    const result = planned(lines, change);
    expect(result).toMatchObject({ kind: 'failed', note: { code: 'CUTOVER_BY_HAND', at: { line } } });
    expect(result.kind === 'failed' && result.note.message).toMatch(message);
  });

  it.each([
    ['', '/run/squid.pid', 30_000],
    ['pid_filename /var/run/squid3.pid\nshutdown_lifetime 3 seconds', '/var/run/squid3.pid', 3_000],
    ['shutdown_lifetime 2 minutes\npid_filename /run/a.pid\npid_filename /run/b.pid', '/run/b.pid', 120_000],
    ['pid_filename none', undefined, 30_000],
  ])('knows of %j where Squid is found and how long it ends', (lines, pidFile, lifetime) => {
    const result = planned([HTTPS, ...lines.split('\n')]);
    expect(result).toMatchObject({ kind: 'plan', lifetime });
    expect(result.kind === 'plan' && result.pidFile).toBe(pidFile);
  });
});
