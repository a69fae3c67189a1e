import { field } from '@outrigger/tools/message';
import { expectResponse, readResponseHead } from '@outrigger/tools/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { browse, site } from './http2/testing/site.ts';
import { answer, later, nextHead, openStage, PATIENCE, simpleRules } from './testing/stage.ts';

// Header changes and answers to denials, through the running edge.

const stage = openStage();
afterEach(() => stage.close());

const CHANGES = `requestHeaders: { remove: [User-Agent, X-Forwarded-Host], set: { X-Forwarded-Proto: tls, X-Set: '{client}' }, add: { Accept: text/x } },
    responseHeaders: { remove: [Server], set: { X-Frame-Options: DENY } }`;

/** The head a server gets and the answer its client gets. */
async function pass(rules: (port: number) => string, request: string, reply: Buffer) {
  const seen = later<string>();
  const port = await stage.server(async (connection) => {
    seen.resolve(await nextHead(connection));
    await connection.send(reply);
  });
  const wire = await (await stage.proxy(rules(port))).wire();
  await wire.send(request);
  return { seen: seen.promise, wire };
}

describe.each([
  ['relay', ''],
  ['rewrite', ', rewrite: { location: [{ from: /a, to: /b }] }'],
])('the %s lane', (_, rewrite) => {
  const rules = (port: number): string => simpleRules(port, CHANGES).replace('{ to: one }', `{ to: one${rewrite} }`);

  it('changes what the rules name, its own fields included, and nothing else', async () => {
    const request =
      'GET / HTTP/1.1\r\nHost: a.test\r\nUSER-agent: x\r\nX-set: forged\r\nAccept: */*\r\nx-Other: 1\r\n\r\n';
    const reply = answer('body', 'server: IIS', 'X-frame-options: ALLOW', 'X-Kept: 1');
    const { seen, wire } = await pass(rules, request, reply);
    const response = await expectResponse(wire);
    expect(response.body.toString()).toBe('body');
    expect(response.fields.map(([name, value]) => `${name}: ${value}`)).toEqual(
      expect.arrayContaining(['X-Kept: 1', 'X-Frame-Options: DENY']),
    );
    expect(field(response.fields, 'server')).toBeUndefined();
    expect(response.fields.filter(([name]) => name.toLowerCase() === 'x-frame-options')).toHaveLength(1);
    const head = await seen;
    expect(head).toContain('\r\nAccept: */*\r\nx-Other: 1\r\n');
    expect(head).toMatch(/\r\nX-Forwarded-Proto: tls\r\nX-Set: 127\.0\.0\.1\r\nAccept: text\/x\r\n/);
    expect(head).not.toMatch(/user-agent|x-set: forged|x-forwarded-host|x-forwarded-proto: http/i);
  });
});

describe.each([
  ['relay', ''],
  ['rewrite', ', rewrite: { location: [{ from: /a, to: /b }] }'],
])('the %s lane, where rules say what stays', (_, rewrite) => {
  const rules = (port: number): string =>
    simpleRules(
      port,
      'requestHeaders: [{ keep: [Accept, X-Kept, User-Agent] }, { replace: { User-agent: none } }], responseHeaders: [{ keep: [Content-Type, Server] }, { replace: { Server: s, ETag: e } }]',
    ).replace('{ to: one }', `{ to: one${rewrite} }`);

  it('keeps these, Host, and what says how the bodies come, and nothing of its own', async () => {
    const request =
      'POST /x HTTP/1.1\r\nHost: a.test\r\nCookie: a\r\nX-KEPT: 1\r\nuser-agent: a\r\nuser-agent: b\r\nContent-Length: 2\r\nX-Forwarded-For: 9.9.9.9\r\n\r\nhi';
    const { seen, wire } = await pass(rules, request, answer('body', 'SERVER: IIS', 'Set-Cookie: a=b', 'X-Other: 1'));
    const response = await expectResponse(wire);
    expect(response.body.toString()).toBe('body');
    const names = response.fields
      .map(([name, value]) => `${name}: ${value}`)
      .filter((line) => !/^connection:/i.test(line));
    expect(names.sort()).toEqual(['Content-Length: 4', 'SERVER: s']);
    const [, ...fields] = (await seen).trimEnd().split('\r\n');
    expect(fields.filter((line) => !/^connection:/i.test(line)).sort()).toEqual(
      ['Content-Length: 2', 'Host: a.test', 'X-KEPT: 1', 'user-agent: none', 'user-agent: none'].sort(),
    );
  });
});

describe('tunnels', () => {
  it('get header changes; their framing and connection fields stay as they came', async () => {
    const request =
      'RPC_OUT_DATA /rpc/rpcproxy.dll?m:6001 HTTP/1.1\r\nHost: a.test\r\nUser-Agent: MSRPC\r\nContent-Length: 76\r\nConnection: Keep-Alive\r\nPragma: SessionId=1\r\n\r\n';
    const reply = Buffer.from('HTTP/1.1 200 OK\r\nServer: IIS\r\nContent-Length: 1073741824\r\n\r\nfirst');
    const { seen, wire } = await pass((port) => simpleRules(port, CHANGES), request, reply);
    const read = await readResponseHead(wire);
    if (read.kind !== 'head') throw new Error(read.kind);
    expect(read.head.fields).toEqual([
      ['Content-Length', '1073741824'],
      ['X-Frame-Options', 'DENY'],
    ]);
    expect((await wire.inlet.exactly(5, PATIENCE)).bytes.toString()).toBe('first');
    const head = await seen;
    expect(head).toContain('\r\nContent-Length: 76\r\nConnection: Keep-Alive\r\nPragma: SessionId=1\r\n');
    expect(head).not.toContain('MSRPC');
  });

  it('get a 101 as the server wrote it', async () => {
    const request = 'GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    const switching = 'HTTP/1.1 101 Switching\r\nServer: IIS\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    const { wire } = await pass((port) => simpleRules(port, CHANGES), request, Buffer.from(`${switching}frame`));
    expect((await wire.inlet.exactly(switching.length + 5, PATIENCE)).bytes.toString()).toBe(`${switching}frame`);
  });
});

describe('X-Forwarded-For', () => {
  it.each([
    ['replace', 'X-Forwarded-For: 127.0.0.1\r\n'],
    ['unknown', 'X-Forwarded-For: unknown\r\n'],
    ['remove', ''],
    ['pass', 'X-FORWARDED-for: 9.9.9.9\r\n'],
  ])('%s', async (policy, expected) => {
    const request = 'GET / HTTP/1.1\r\nHost: a.test\r\nX-FORWARDED-for: 9.9.9.9\r\nX_Forwarded_For: 8.8.8.8\r\n\r\n';
    const { seen, wire } = await pass((port) => simpleRules(port, `forwardedFor: ${policy}`), request, answer(''));
    await expectResponse(wire);
    const lines = (await seen).match(/^x.forwarded.for:.*\r\n/gim) ?? [];
    expect(lines.join('')).toBe(expected);
  });
});

describe('a denied request', () => {
  const denying = (given: string): string =>
    simpleRules(1).replace('[{ allow: {} }]', `[{ deny: {}, answer: ${given} }]`);

  it.each([
    ['{ status: 404 }', 404, undefined],
    ['{ status: 418 }', 418, undefined],
    ["{ redirect: 'https://{host}{target}', status: 301 }", 301, 'https://a.test/x?y%22'],
  ])('is answered %s, and told', async (given, status, location) => {
    const proxy = await stage.proxy(denying(given));
    const wire = await proxy.wire();
    await wire.send('GET /x?y" HTTP/1.1\r\nHost: A.test\r\n\r\n');
    const response = await expectResponse(wire);
    expect([response.status, field(response.fields, 'Location')]).toEqual([status, location]);
    expect(field(response.fields, 'Connection')).toBe('close');
    expect(await proxy.request('/x')).toMatchObject({
      status,
      code: 'DENIED',
      ending: { how: 'refused', by: 'proxy' },
    });
  });

  it('is answered the same over HTTP/2', async () => {
    const port = await stage.server(() => {});
    const proxy = await site(stage, port, {
      access: "  - deny: { path: { prefix: /moved } }\n    answer: { redirect: 'https://{host}/', status: 308 }\n",
    });
    const client = await browse(stage, proxy);
    expect(await client.fetch('/moved')).toMatchObject({ status: 308, headers: { location: 'https://www.test/' } });
  });
});
