import { expect, it } from 'vitest';
import { endpointList, parseEndpoint } from './endpoint.ts';
import { compileRules, route } from './route.ts';
import { factsOf, load, rulesText } from './testing/rules.ts';

it.each([
  ['mbx1:6001', { host: 'mbx1', first: 6001, last: 6001 }],
  ['MBX1.Contoso.Com:6001-6004', { host: 'mbx1.contoso.com', first: 6001, last: 6004 }],
  ['*:593', { first: 593, last: 593 }],
  ['2b7f-11@contoso.com:6001', { host: '2b7f-11@contoso.com', first: 6001, last: 6001 }],
  ['mbx1', undefined],
  [':6001', undefined],
  ['mbx1:', undefined],
  ['mbx1:0', undefined],
  ['mbx1:65536', undefined],
  ['mbx1:6004-6001', undefined],
  ['mbx*:6001', undefined],
  ['mbx1:6001 ', undefined],
  ['a:b:6001', undefined],
])('reads %s', (text, expected) => {
  expect(parseEndpoint(text)).toEqual(expected);
});

it.each([
  ['?mbx1:6001', true],
  ['?MBX1:6001', true],
  ['?mbx2:6003', true],
  ['', true],
  ['?', true],
  ['?mbx1:445', false],
  ['?mbx2:6005', false],
  ['?mbx1:06001', true], // the same number to whoever reads it as one
  ['?mbx1:6001-6002', false],
  ['?*:6002', false],
  ['?mbx1%3A6001', false],
  ['?mbx1:6001%00', false],
  ['?mbx1:6001&mbx1:445', false],
  ['?x=mbx1:6001', false],
  ['?mbx1:6001?mbx1:445', false],
])('a list of mbx1:6001 and *:6002-6004 lets %j through: %s', (query, expected) => {
  expect(endpointList(['mbx1:6001', '*:6002-6004'])(`/rpc/rpcproxy.dll${query}`)).toBe(expected);
});

it.each([
  ['RPC_IN_DATA', '/rpc/rpcproxy.dll?dc1:389', 'ENDPOINT_REFUSED'],
  ['RPC_OUT_DATA', '/rpc/rpcproxy.dll?dc1:389', 'ENDPOINT_REFUSED'],
  ['RPC_IN_DATA', '/rpc/rpcproxy.dll?MBX1:6001', 'exchange'],
  ['RPC_IN_DATA', '/rpc/rpcproxy.dll', 'exchange'],
  ['GET', '/owa/?dc1:389', 'exchange'],
  ['RDG_OUT_DATA', '/remoteDesktopGateway/?clmTk=abc', 'exchange'],
])('%s for %s: %s', (method, target, expected) => {
  const upstreams = '{ exchange: { servers: ["https://a:1"], rpcOverHttp: true, rpcEndpoints: ["mbx1:6001-6004"] } }';
  const rules = load(rulesText({ upstreams, routes: '[{ to: exchange }]' }));
  const decision = route(compileRules(rules), factsOf(rules, { method, target }));
  expect(decision.refusal?.code ?? decision.upstream).toBe(expected);
  if (decision.refusal !== undefined) expect(decision.refusal).toMatchObject({ status: 403 });
});
