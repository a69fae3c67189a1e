import { importSquid, memoryReader } from '@outrigger/importer';
import { compileRules } from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { squidAnnouncements } from './announcements.ts';
import { compareOutcomes, isAnnounced, type Knowledge, readingsOf } from './compare.ts';
import { factsOf } from './comparison.ts';
import { pairEntrances } from './mapped.ts';
import type { Fields, Outcome, Probe, Reached } from './probe.ts';
import { copySquid } from './squid/copy.ts';

const CONF = `http_port 80 accel defaultsite=x.test
cache_peer 10.0.0.1 parent 80 0 originserver name=web login=PASS
cache_peer 10.0.0.2 parent 80 0 originserver name=exch
acl owa urlpath_regex ^/owa
acl staff proxy_auth REQUIRED
acl closed urlpath_regex ^/closed
acl open urlpath_regex ^/open
cache_peer_access exch allow owa
cache_peer_access web deny owa
deny_info https://sorry.test/%h closed
http_access deny closed
http_access allow open staff
http_access deny open
http_access allow all
`;
const files = { files: ['squid.conf'], reader: memoryReader({ 'squid.conf': CONF }) };
const { rules: ruleSet, ledger } = importSquid(files);
if (ruleSet === undefined) throw new Error('the file gave no rules');
const rules = compileRules(ruleSet);
const config = copySquid(files);
const pairs = pairEntrances(config.entrances, ruleSet);

const knowledge: Knowledge = {
  servers: config.servers,
  standIns: new Map([
    ['web-stand-in', 'web'],
    ['exch-stand-in', 'exch'],
  ]),
  upstreams: ruleSet.upstreams,
  known: squidAnnouncements({ rules, ledger, config, factsOf: (each) => factsOf(each, pairs, rules.trusts) }),
  asked: (each) => ({ ...each, hasSite: true }),
};
const probe: Probe = { entrance: '80', client: '192.0.2.1', method: 'GET', target: '/', host: 'x.test', fields: [] };

const head = (server: string, fields: Fields = [['Host', 'x.test']], more: Partial<Reached> = {}): Reached => ({
  server,
  method: 'GET',
  target: '/',
  version: '1.1',
  fields,
  ...more,
});
const reached = (...heads: Reached[]): Outcome => ({ kind: 'answered', status: 200, reached: heads });
const answered = (status: number, code?: string): Outcome => ({
  kind: 'answered',
  status,
  reached: [],
  ...(code !== undefined && { code }),
});
const compared = (theirs: Outcome, ours: Outcome, asked = probe) => {
  const found = compareOutcomes(asked, theirs, ours, knowledge);
  const codes = found.map(({ announced }) => announced?.code);
  return {
    aspects: found.map(({ announced: _, ...aspect }) => aspect),
    announced: found.length > 0 && isAnnounced(found) ? codes : undefined,
  };
};

it('finds nothing where both reached one server with one head', () => {
  expect(compared(reached(head('web')), reached(head('web-stand-in')))).toEqual({ aspects: [], announced: undefined });
});

it('tells another upstream from the same one under another name', () => {
  const { aspects, announced } = compared(reached(head('exch')), reached(head('web-stand-in')));
  expect(aspects).toEqual([{ kind: 'upstream', theirs: 'exch', ours: 'web' }]);
  expect(announced).toBeUndefined();
  const renamed = { ...knowledge, servers: knowledge.servers.map((each) => ({ ...each, name: `old-${each.name}` })) };
  const again = compareOutcomes(probe, reached(head('old-web')), reached(head('web-stand-in')), renamed);
  expect(again.filter(({ kind }) => kind === 'upstream')).toEqual([]);
});

it('tells another status, and a broken connection from an answer', () => {
  expect(compared(answered(403), { kind: 'reset', reached: [], code: 'DENIED' })).toEqual({
    aspects: [{ kind: 'status', theirs: '403', ours: 'connection reset' }],
    announced: undefined,
  });
});

it.each<[string, Outcome, Outcome, string]>([
  ['405 of a tunnel method', reached(head('web')), answered(405, 'METHOD_NOT_TUNNELLED'), 'DIFFERS_METHOD_REFUSED'],
  ['503 where Squid said 502', answered(502), answered(503, 'NO_ROUTE'), 'DIFFERS_NO_ROUTE'],
  ['400 for two Hosts', reached(head('web')), answered(400, 'HOST_REPEATED'), 'DIFFERS_HOST_REFUSED'],
])('takes %s for announced', (_, theirs, ours, code) => {
  expect(compared(theirs, ours).announced).toEqual([code]);
});

it.each<[string, Outcome, Outcome]>([
  ['the same status for another reason', reached(head('web')), answered(405, 'CONNECT')],
  ['no route where Squid had a server', reached(head('web')), answered(503, 'NO_ROUTE')],
  ['no route where Squid denied', answered(403), answered(503, 'NO_ROUTE')],
  ['a refusal that nothing announces', reached(head('web')), answered(403, 'DENIED')],
])('does not take %s for announced', (_, theirs, ours) => {
  expect(compared(theirs, ours).announced).toBeUndefined();
});

it('takes what Squid answers itself for announced only with the status it then gives', () => {
  const purge = { ...probe, method: 'PURGE' };
  expect(compared(answered(403), reached(head('web-stand-in')), purge).announced).toEqual(['DIFFERS_ODD_REQUEST']);
  expect(compared(answered(502), reached(head('web-stand-in')), purge).announced).toBeUndefined();
});

it.each<[string, string, string, boolean]>([
  ['via', '1.1 vm (squid/5.7)', '', true],
  ['x-forwarded-for', '9.9.9.9', '192.0.2.1', true],
  ['cache-control', 'max-age=259200', '', true],
  ['cache-control', 'no-store, max-age=259200', 'no-store', true],
  ['cache-control', 'max-age=1', '', true],
  ['cache-control', 'no-cache', '', false],
  ['cache-control', 'max-age=1', 'no-cache', false],
  ['host', 'x.test', 'X.Test.:80', true],
  ['host', 'y.test', 'x.test', false],
  ['x-anything', 'a', 'b', false],
  ['front-end-https', 'On', '', false],
])('of the field %s, %s here and %s there is announced: %s', (name, theirs, ours, expected) => {
  const fields = (value: string): Fields => (value === '' ? [] : [[name, value]]);
  const result = compared(reached(head('web', fields(theirs))), reached(head('web-stand-in', fields(ours))));
  expect(result.aspects).toHaveLength(1);
  expect(result.announced !== undefined).toBe(expected);
});

it('is a fault where one of two aspects is', () => {
  const theirs = reached(head('web', [['Via', '1.1 vm']], { target: '/other' }));
  expect(compared(theirs, reached(head('web-stand-in', []))).announced).toBeUndefined();
});

it('never shows the value of Authorization or Cookie', () => {
  const theirs = reached(head('web', [['Authorization', 'Basic c2VjcmV0']]));
  const { aspects } = compared(theirs, reached(head('web-stand-in', [['Cookie', 'sid=secret']])));
  expect(JSON.stringify(aspects)).not.toMatch(/c2VjcmV0|secret/);
  expect(aspects).toHaveLength(2);
});

it('reads a known method in capitals once more, and no other', () => {
  const methods = ['post', 'POST', 'frobnicate'].map((method) => ({ ...probe, method }));
  expect(methods.map((each) => readingsOf(each, knowledge).map((reading) => reading.probe.method))).toEqual([
    ['POST'],
    [],
    [],
  ]);
});

describe('what a line announced', () => {
  const at = (target: string): Probe => ({ ...probe, target });
  const credentials: Fields = [['Authorization', 'Basic x']];

  it('explains a field where the request reached the server the line defines, and nowhere else', () => {
    const without = (server: string): Outcome => reached(head(server, []));
    const [exch, web] = ['exch', 'web'].map((name) =>
      compared(without(name), reached(head(`${name}-stand-in`, credentials))),
    );
    expect(exch?.announced).toEqual(['SQUID_PEER_LOGIN']);
    expect(web?.announced).toBeUndefined();
  });

  it('explains a denial for the requests it concerns, and for no other', () => {
    const denied = answered(403, 'DENIED');
    expect(compared(reached(head('web')), denied, at('/open')).announced).toEqual(['SQUID_ALLOW_LEFT_OUT']);
    expect(compared(reached(head('web')), denied, at('/other')).announced).toBeUndefined();
  });

  it('explains another answer to a denial, but not a request that was let in', () => {
    const denied = answered(403, 'DENIED');
    expect(compared(answered(302), denied, at('/closed')).announced).toEqual(['SQUID_DENY_INFO']);
    expect(compared(answered(302), denied, at('/other')).announced).toBeUndefined();
    expect(compared(reached(head('web')), denied, at('/closed')).announced).toBeUndefined();
  });
});
