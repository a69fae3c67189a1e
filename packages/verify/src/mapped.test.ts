import { loadRules, type RuleSet } from '@outrigger/rules';
import { expect, it } from 'vitest';
import { mappedRules, pairEntrances } from './mapped.ts';
import type { Entrance } from './probe.ts';

function rulesOf(text: string): RuleSet {
  const { rules } = loadRules(text, 'rules.yaml');
  if (rules === undefined) throw new Error('the rules do not load');
  return rules;
}

const RULES = rulesOf(`listen:
  - { address: '203.0.113.10:443', tls: { certificates: [{ cert: a.crt, key: a.key }], minVersion: '1.3' } }
  - { address: '*:8080', name: inside, defaultHost: x.test }
upstreams:
  web:
    servers: ['https://10.0.0.1:443', 'unix:/run/web.sock']
    tls: { verify: false }
    health: { path: / }
    proxyProtocol: v2
access: [{ allow: { listeners: [inside] } }]
routes: [{ to: web }]
limits: { headsPerSecond: 1 }
`);

function entrance(name: string, address: string, tls: boolean): Entrance {
  return { name, address, tls, at: { file: 'squid.conf', line: 1, directive: '' } };
}

function pairs(...entrances: Entrance[]) {
  return pairEntrances(entrances, RULES).map((pair) => [pair.entrance.name, pair.listener.address]);
}

it('pairs by name, by address and by port, in that order, and TLS with TLS alone', () => {
  expect(pairs(entrance('203.0.113.10:443', '203.0.113.10:443', true))).toEqual([
    ['203.0.113.10:443', '203.0.113.10:443'],
  ]);
  expect(pairs(entrance('inside', '10.0.0.9:81', false))).toEqual([['inside', '*:8080']]);
  expect(pairs(entrance('443', '*:443', true))).toEqual([['443', '203.0.113.10:443']]);
  expect(pairs(entrance('443', '*:443', false))).toEqual([]);
});

it('gives a listener to one entrance alone', () => {
  const [first, second] = [entrance('a', '10.0.0.1:8080', false), entrance('b', '*:8080', false)];
  expect(pairs(first, second)).toEqual([['b', '*:8080']]);
});

it('moves listeners and servers to loopback and keeps what rules look at', () => {
  const paired = pairEntrances([entrance('x', '*:443', true), entrance('inside', '*:8080', false)], RULES);
  const mapped = mappedRules(RULES, paired, (standIn) => (standIn === 'web https://10.0.0.1:443' ? 1 : 2));
  expect(mapped.listen).toMatchObject([
    { address: '127.0.0.1:0', name: '203.0.113.10:443', tls: { http2: false }, proxyProtocol: ['127.0.0.1'] },
    { address: '127.0.0.1:0', name: 'inside', defaultHost: 'x.test' },
  ]);
  expect(mapped.upstreams.get('web')?.servers).toEqual(['http://127.0.0.1:1', 'http://127.0.0.1:2']);
  for (const key of ['tls', 'health', 'proxyProtocol']) expect(mapped.upstreams.get('web')).not.toHaveProperty(key);
  expect(mapped.limits).not.toHaveProperty('headsPerSecond');
  expect(mapped.access).toEqual(RULES.access);
});

it('talks TLS to stand-ins by the names of the rules, where it shall', () => {
  const named = rulesOf(`listen: [{ address: '*:80' }]
upstreams:
  exch: { servers: ['https://exch.lan:443'], tls: { ca: /a.pem } }
  mail: { servers: ['https://10.0.0.1'], tls: { serverName: mail.test, verify: false } }
  web: { servers: ['http://web.lan'] }
access: [{ allow: {} }]
routes: [{ to: web }]
`);
  const { upstreams } = mappedRules(named, [], () => 1, { keepsTls: true });
  expect(upstreams.get('exch')).toMatchObject({
    servers: ['https://127.0.0.1:1'],
    tls: { verify: true, serverName: ['exch.lan'], ca: ['verify:authority'] },
  });
  expect(upstreams.get('mail')?.tls).toEqual({ verify: false, serverName: ['mail.test'] });
  expect(upstreams.get('web')).toMatchObject({ servers: ['http://127.0.0.1:1'] });
  expect(upstreams.get('web')).not.toHaveProperty('tls');
});
