import { describe, expect, it } from 'vitest';
import { parseServer } from './server.ts';
import { findings, rulesText } from './testing/rules.ts';

describe('parseServer', () => {
  it.each([
    ['https://10.1.1.14:443', { scheme: 'https', host: '10.1.1.14', port: 443 }],
    ['https://[2001:db8::1]', { scheme: 'https', host: '2001:db8::1', port: 443 }],
    ['http://localhost/', { scheme: 'http', host: 'localhost', port: 80 }],
    ['unix:/run/web.sock', { scheme: 'unix', path: '/run/web.sock' }],
    [`unix:/${'a'.repeat(106)}`, { scheme: 'unix', path: `/${'a'.repeat(106)}` }],
  ])('reads %s', (text, server) => {
    expect(parseServer(text)).toEqual(server);
  });

  it.each([
    'http://a/path',
    'ftp://a',
    'http://a:0',
    'unix:run/web.sock',
    'unix:',
    'unix:/run/a b',
    `unix:/${'a'.repeat(107)}`,
    `unix:/${'ä'.repeat(60)}`,
  ])('takes %j for no server', (text) => {
    expect(parseServer(text)).toBeUndefined();
  });
});

it('warns of Exchange on a socket as of Exchange over plain HTTP', () => {
  const upstreams =
    '{ exchange: { servers: ["unix:/run/x"], rpcOverHttp: true }, apache: { servers: ["unix:/run/a"] } }';
  expect(findings(rulesText({ upstreams }))).toEqual([
    expect.stringMatching(/^outrigger\.yaml:2:\d+: .*RULES_TLS_OFFLOAD/),
  ]);
});
