import { memoryReader, readSquid } from '@outrigger/importer';
import { expect, it } from 'vitest';
import type { Difference, Verified } from './comparison.ts';
import { verifiedJson, verifiedText } from './report.ts';

const CONF = 'cache_peer 10.0.0.1 parent 80 0 originserver login=admin:Tr0ub4dor\n';
const { redactor } = readSquid({ files: ['squid.conf'], reader: memoryReader({ 'squid.conf': CONF }) });

const at = (line: number, directive: string) => ({ file: 'squid.conf', line, directive });
const via = { code: 'DIFFERS_VIA', text: 'No Via is added.' };
const login = { code: 'SQUID_PEER_LOGIN', text: 'Authorization passes', at: at(1, 'cache_peer') };

function difference(target: string, ...aspects: Difference['aspects']): Difference {
  const probe = { entrance: '80', client: '192.0.2.1', method: 'GET', target, host: 'x.test', fields: [] };
  return {
    probe,
    aspects,
    rules: [{ ...at(9, 'routes[0]'), file: 'rules.yaml' }],
    old: [at(3, 'http_access allow all')],
  };
}

const VERIFIED: Verified = {
  kind: 'verified',
  probes: 7,
  differences: [
    difference(
      '/?p=Tr0ub4dor',
      { kind: 'status', theirs: '200', ours: '403' },
      { kind: 'head', field: 'via', theirs: '1.1 vm', ours: 'absent', announced: via },
    ),
  ],
  announced: [
    difference('/a', { kind: 'head', field: 'via', theirs: '1.1 vm', ours: 'absent', announced: via }),
    difference('/b', { kind: 'head', field: 'authorization', theirs: 'absent', ours: 'present', announced: login }),
  ],
  takenOut: [4, 5].map((line) => ({
    severity: 'note' as const,
    code: 'COMMAND_TAKEN_OUT' as const,
    at: at(line, 'auth_param'),
    message: 'starts a program',
  })),
  unpaired: [{ name: '81', address: '*:81', tls: false, at: at(6, 'http_port') }],
  oracle: 'Squid 5.7',
  redactor,
};

it('tells each difference with the lines responsible, what was announced by reason, and ends with a count', () => {
  expect(
    verifiedText(VERIFIED),
  ).toBe(`note: the copy is without auth_param (squid.conf:4), auth_param (squid.conf:5): it starts a program. [COMMAND_TAKEN_OUT]
squid.conf:6: note: no listener of the rules stands for 81: not asked. [NO_LISTENER]
GET /?p=*** (Host x.test, from 192.0.2.1, on 80)
  status: Squid 5.7 200, Outrigger 403 [VERIFY_STATUS]
  rules.yaml:9  routes[0]
  squid.conf:3  http_access allow all
announced, 1 times: No Via is added. [DIFFERS_VIA]
announced, 1 times: squid.conf:1: Authorization passes [SQUID_PEER_LOGIN]
7 probes: 1 differ from Squid 5.7; 2 differ as the import announces.
`);
});

it('says that nothing differs', () => {
  const same = { ...VERIFIED, differences: [], announced: [], takenOut: [], unpaired: [] };
  expect(verifiedText(same)).toBe('7 probes: no difference from Squid 5.7 that was not announced.\n');
});

it('lists everything for a script, without secrets', () => {
  const told = verifiedJson(VERIFIED);
  expect(told).not.toContain('Tr0ub4dor');
  expect(JSON.parse(told)).toMatchObject({ probes: 7, oracle: 'Squid 5.7', announced: [{}, {}] });
});
