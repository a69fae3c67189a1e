import {
  compileRules,
  fallbackDecisions,
  loadRules,
  type RequestFacts,
  type RuleSet,
  requestFacts,
} from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { explainFallback, explainForwarding, NOWHERE, printedFallback, printedForwarding } from './forwarding.ts';

const SERVERS = 'servers: [https://10.1.1.1, https://mbx2.corp.test, http://10.1.1.3]';

const TO = { upstream: 'exchange' };

function rulesWith(settings: string): RuleSet {
  const { rules } = loadRules(
    `listen: [{ address: '*:443' }]
upstreams: { exchange: { ${SERVERS}, rpcOverHttp: true ${settings} } }
routes: [{ to: exchange }]
`,
    'test.yaml',
  );
  if (rules === undefined) throw new Error('rules of a test load');
  return rules;
}

function factsOf(rules: RuleSet, method: string, client: string, fields: [string, string][] = []): RequestFacts {
  const [listener] = rules.listen;
  if (listener === undefined) throw new Error('rules have a listener');
  const head = { method, target: '/', version: '1.1', fields: [['Host', 'contoso.com'], ...fields] } as const;
  const read = requestFacts(head, { listener, client, time: { day: 'wed', minute: 720 } });
  if (read.kind === 'bad') throw new Error(read.message);
  return read.facts;
}

function order(settings: string, method: string, client: string, fields: [string, string][] = []): string[] {
  const rules = rulesWith(settings);
  return explainForwarding(rules, TO, factsOf(rules, method, client, fields)).servers.map(({ url }) => url);
}

describe('the servers of a request, explained', () => {
  it('stand in the order of the rules, with the name sent to each', () => {
    const rules = rulesWith('');
    const explained = explainForwarding(rules, TO, factsOf(rules, 'GET', '192.0.2.1'));
    expect(printedForwarding(explained)).toEqual([
      ['server', 'https://10.1.1.1 (SNI contoso.com)'],
      ['tls', expect.stringMatching(/^its certificate must be for 10\.1\.1\.1, signed by an authority of the system/)],
      ['  then', 'https://mbx2.corp.test (SNI mbx2.corp.test)'],
      ['tls', expect.stringMatching(/^its certificate must be for mbx2\.corp\.test/)],
      ['  then', 'http://10.1.1.3'],
      ['affinity', 'none: the first that can be reached'],
      ['limits', 'connect 10s, answer 65m, idle 65m'],
    ]);
  });

  it('stand in the order of the client with affinity', () => {
    const byClient = Array.from({ length: 20 }, (_, index) => order(', affinity: client', 'GET', `192.0.2.${index}`));
    expect(new Set(byClient.map(([first]) => first)).size).toBe(3);
    const visits = [
      'AAAAAAAAAAAAAAAAAAAAAA',
      'BBBBBBBBBBBBBBBBBBBBBB',
      'CCCCCCCCCCCCCCCCCCCCCC',
      'DDDDDDDDDDDDDDDDDDDDDD',
    ];
    const byCookie = visits.map((visit) =>
      order(', affinity: cookie', 'GET', '192.0.2.1', [['Cookie', `outrigger=${visit}`]]),
    );
    expect(new Set(byCookie.map(([first]) => first)).size).toBeGreaterThan(1);
  });

  it('come with their weights and limits', () => {
    const rules = rulesWith(', affinity: client, weights: [3, 1, 1], connectionsPerServer: [200, 100, 0]');
    const explained = explainForwarding(rules, TO, factsOf(rules, 'GET', '192.0.2.1'));
    expect(
      printedForwarding(explained)
        .filter(([row]) => /server|then/.test(row))
        .map(([, text]) => text)
        .sort(),
    ).toEqual([
      'http://10.1.1.3, weight 1',
      'https://10.1.1.1 (SNI contoso.com), weight 3, 200 connections',
      'https://mbx2.corp.test (SNI mbx2.corp.test), weight 1, 100 connections',
    ]);
  });

  it('say that a channel goes by the address, cookie or not', () => {
    const rules = rulesWith(', affinity: cookie');
    const affinity = (method: string) => explainForwarding(rules, TO, factsOf(rules, method, '192.0.2.1')).affinity;
    expect([affinity('GET'), affinity('RPC_IN_DATA')]).toEqual(['cookie', 'client']);
  });

  it('come with the limits that hold: of the route, else of the upstream; for a channel its own', () => {
    const rules = rulesWith(', timeouts: { answer: 30m }');
    const route = { to: 'exchange', timeouts: { idle: 60_000 } };
    const limits = (method: string) =>
      explainForwarding(rules, { ...TO, route }, factsOf(rules, method, '192.0.2.1')).limits;
    expect(limits('GET')).toEqual({ connect: 10_000, answer: 1_800_000, idle: 60_000 });
    expect(limits('RDG_OUT_DATA')).toEqual({ connect: 10_000, tunnelIdle: 36_000_000 });
  });

  it('are none where no route matches', () => {
    const rules = rulesWith('');
    expect(explainForwarding(rules, {}, factsOf(rules, 'GET', '192.0.2.1'))).toEqual(NOWHERE);
    expect(printedForwarding(NOWHERE)).toEqual([]);
  });
});

describe('the fallback of a request, explained', () => {
  const { rules } = loadRules(
    `listen: [{ address: '*:443' }]
upstreams:
  exchange: { servers: [https://10.1.1.1], rpcOverHttp: true }
  standby: { servers: [https://10.2.2.2, https://10.2.2.3], rpcOverHttp: true, affinity: client }
  web: { servers: [http://127.0.0.1:8080], requestHeaders: { remove: Authorization } }
access: [{ allow: {} }]
routes: [{ to: exchange, fallback: [web, standby] }]
`,
    'test.yaml',
  );
  if (rules === undefined) throw new Error('rules of a test load');
  const told = (method: string): [string, string][] => {
    const facts = factsOf(rules, method, '192.0.2.1');
    return printedFallback(explainFallback(rules, fallbackDecisions(compileRules(rules), facts), facts));
  };

  it('names each upstream with its servers in their order', () => {
    expect(told('GET')).toEqual([
      ['fallback', 'web, http://127.0.0.1:8080'],
      ['fallback', expect.stringMatching(/^standby, https:\/\/10.2.2.[23] \(SNI contoso.com\), then https:/)],
    ]);
  });

  it('says of one that would not take it why', () => {
    expect(told('RPC_IN_DATA')[0]).toEqual(['fallback', expect.stringMatching(/^not web: RPC_IN_DATA is let through/)]);
  });
});
