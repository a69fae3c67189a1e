import { loadRules, type RequestFacts, type RuleSet, requestFacts } from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { explainServers, NO_SERVERS, printedServers } from './forwarding.ts';

const SERVERS = 'servers: [https://10.1.1.1, https://mbx2.corp.test, http://10.1.1.3]';

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
  const read = requestFacts(head, { listener, client });
  if (read.kind === 'bad') throw new Error(read.message);
  return read.facts;
}

function order(settings: string, method: string, client: string, fields: [string, string][] = []): string[] {
  const rules = rulesWith(settings);
  return explainServers(rules, 'exchange', factsOf(rules, method, client, fields)).servers.map(({ url }) => url);
}

describe('the servers of a request, explained', () => {
  it('stand in the order of the rules, with the name sent to each', () => {
    const rules = rulesWith('');
    const explained = explainServers(rules, 'exchange', factsOf(rules, 'GET', '192.0.2.1'));
    expect(printedServers(explained)).toEqual([
      ['server', 'https://10.1.1.1 (SNI contoso.com)'],
      ['  then', 'https://mbx2.corp.test (SNI mbx2.corp.test)'],
      ['  then', 'http://10.1.1.3'],
      ['affinity', 'none: the first that can be reached'],
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

  it('say that a channel goes by the address, cookie or not', () => {
    const rules = rulesWith(', affinity: cookie');
    const affinity = (method: string) =>
      explainServers(rules, 'exchange', factsOf(rules, method, '192.0.2.1')).affinity;
    expect([affinity('GET'), affinity('RPC_IN_DATA')]).toEqual(['cookie', 'client']);
  });

  it('are none where no route matches', () => {
    const rules = rulesWith('');
    expect(explainServers(rules, undefined, factsOf(rules, 'GET', '192.0.2.1'))).toEqual(NO_SERVERS);
    expect(printedServers(NO_SERVERS)).toEqual([]);
  });
});
