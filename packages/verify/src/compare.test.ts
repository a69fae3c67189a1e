import { announcedDifferences, importSquid, memoryReader } from '@outrigger/importer';
import { compileRules } from '@outrigger/rules';
import { expect, it } from 'vitest';
import { compareOutcomes, type Knowledge, readingsOf } from './compare.ts';
import type { Fields, Outcome, Probe, Reached } from './probe.ts';

const CONF = `http_port 80 accel
cache_peer 10.0.0.1 parent 80 0 originserver name=web
cache_peer 10.0.0.2 parent 80 0 originserver name=exch front-end-https=on
acl rpc method RPC_IN_DATA
acl owa urlpath_regex ^/owa
cache_peer_access exch allow owa
cache_peer_access web deny owa
http_access allow all
`;
const { rules } = importSquid({ files: ['squid.conf'], reader: memoryReader({ 'squid.conf': CONF }) });
if (rules === undefined) throw new Error('the file gave no rules');

const knowledge: Knowledge = {
  servers: ['web', 'exch'].map((name, index) => ({
    name,
    url: `http://10.0.0.${index + 1}:80`,
    at: { file: 'squid.conf', line: index + 2, directive: '' },
  })),
  standIns: new Map([
    ['web-stand-in', { upstream: 'web', server: 'http://10.0.0.1:80' }],
    ['exch-stand-in', { upstream: 'exch', server: 'http://10.0.0.2:80' }],
  ]),
  upstreams: rules.upstreams,
  announced: announcedDifferences(compileRules(rules)),
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
  const { aspects, announced } = compareOutcomes(asked, theirs, ours, knowledge);
  return { aspects, announced: announced?.map(({ code }) => code) };
};

it('finds nothing where both reached one server with one head', () => {
  expect(compared(reached(head('web')), reached(head('web-stand-in')))).toEqual({ aspects: [], announced: undefined });
});

it('tells another upstream from the same one under another name', () => {
  const { aspects, announced } = compared(reached(head('exch')), reached(head('web-stand-in')));
  expect(aspects).toEqual([{ kind: 'upstream', theirs: 'exch', ours: 'web' }]);
  expect(announced).toBeUndefined();
  const renamed = { ...knowledge, servers: knowledge.servers.map((each) => ({ ...each, name: `old-${each.name}` })) };
  expect(compareOutcomes(probe, reached(head('old-web')), reached(head('web-stand-in')), renamed).aspects).toEqual([]);
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
  expect(compared(answered(403), reached(head('web-stand-in')), purge).announced).toEqual(['DIFFERS_OWN_REPLY']);
  expect(compared(answered(502), reached(head('web-stand-in')), purge).announced).toBeUndefined();
});

it.each<[string, string, string, boolean]>([
  ['via', '1.1 vm (squid/5.7)', '', true],
  ['x-forwarded-for', '9.9.9.9', '192.0.2.1', true],
  ['cache-control', 'max-age=259200', '', true],
  ['cache-control', 'no-store, max-age=259200', 'no-store', true],
  ['cache-control', 'max-age=1', '', false],
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
  expect(methods.map((each) => readingsOf(each, knowledge.announced).map((reading) => reading.probe.method))).toEqual([
    ['POST'],
    [],
    [],
  ]);
});
