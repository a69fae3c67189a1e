import { createHash, randomBytes } from 'node:crypto';
import { startApache } from '@outrigger/tools/apache/index';
import { field } from '@outrigger/tools/message';
import { expectResponse } from '@outrigger/tools/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answer, breakingUnderSecond, echoing, later, nextHead, openStage, PATIENCE, pathOf } from './testing/stage.ts';

const stage = openStage();
const warnings: Error[] = [];
const warn = (warning: Error): void => void warnings.push(warning);
beforeEach(() => void process.on('warning', warn));
afterEach(async () => {
  await stage.close();
  process.off('warning', warn);
  expect(warnings).toEqual([]); // http-proxy 1.18 is old; no deprecation may reach an administrator's log
});

const GET = (path: string, ...fields: string[]): string =>
  [`GET ${path} HTTP/1.1`, 'Host: a.test', ...fields, '', ''].join('\r\n');

/** /app is /inner on the server, which names itself and its paths in answers; everything else is relayed. */
const rules = (port: number, settings = ''): string => `
listen: [{ address: '127.0.0.1:0' }]
upstreams:
  one: { servers: ['http://127.0.0.1:${port}'] ${settings && `, ${settings}`} }
access: [{ allow: {} }]
routes:
  - when: { path: { prefix: /app } }
    to: one
    rewrite:
      path: { from: /app, to: /inner }
      location: [{ from: /inner, to: /app }]
      cookieDomain: [{ from: inner.test, to: a.test }]
      cookiePath: [{ from: /inner, to: /app }]
  - to: one
`;

describe('what is rewritten', () => {
  it('maps path, Location and cookies, and leaves names, order and repetitions alone', async () => {
    const seen = later<string>();
    const port = await stage.server(async (connection) => {
      seen.resolve(await nextHead(connection));
      const fields = [
        `Location: http://127.0.0.1:${port}/inner/b?x=1`,
        'Set-Cookie: s={1;2}; Path=/inner/; Domain=inner.test; HttpOnly',
        'X-b: 1',
        'set-cookie: t=2',
        'x-B: 2',
      ];
      await connection.send(Buffer.from(`HTTP/1.1 302 Dort\r\n${fields.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`));
    });
    const wire = await (await stage.proxy(rules(port))).wire();
    await wire.send(GET('/app//b/%2e?q=//x', 'X-b: 1', 'Cookie: a="{b}"', 'x-B: 2'));
    const head = (await wire.inlet.until('\r\n\r\n', PATIENCE)).bytes.toString();
    expect(head.split('\r\n').slice(0, 7)).toEqual([
      'HTTP/1.1 302 Dort',
      'Location: http://a.test/app/b?x=1',
      'Set-Cookie: s={1;2}; Path=/app; Domain=a.test; HttpOnly',
      'X-b: 1',
      'set-cookie: t=2',
      'x-B: 2',
      'Content-Length: 0',
    ]);
    const request = await seen.promise;
    expect(request).toMatch(
      /^GET \/inner\/b\/\?q=\/\/x HTTP\/1.1\r\nHost: a.test\r\nX-b: 1\r\nCookie: a="\{b\}"\r\nx-B: 2\r\n/,
    );
    expect(request).toMatch(/X-Forwarded-For: 127.0.0.1\r\n/);
  });

  it('relays an upgrade on such a route with its path mapped', async () => {
    const port = await stage.server(async (connection) => {
      const path = pathOf(await nextHead(connection));
      await connection.send(Buffer.from(`HTTP/1.1 101 Ok\r\nUpgrade: websocket\r\n\r\n${path}`));
      connection.finish();
    });
    const wire = await (await stage.proxy(rules(port))).wire();
    await wire.send(GET('/app/ws', 'Connection: Upgrade', 'Upgrade: websocket'));
    expect((await wire.inlet.rest(PATIENCE)).bytes.toString()).toMatch(/\r\n\r\n\/inner\/ws$/);
  });
});

describe('bodies', () => {
  it.each(['DELETE', 'OPTIONS', 'GET', 'POST'])(
    'keeps the chunked body of %s, which is no second request',
    async (method) => {
      const apache = stage.keep(await startApache());
      const wire = await (await stage.proxy(rules(apache.port))).wire();
      const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n';
      const chunk = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
      await wire.send(`${method} /app/x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`);
      await expectResponse(wire);
      await wire.send(GET('/app/next'));
      await expectResponse(wire);
      expect(apache.requests.map(({ target }) => target)).toEqual(['/inner/x', '/inner/next']);
      expect(apache.requests[0]?.body).toMatchObject({ bytes: hidden.length, whole: true });
    },
  );

  it('carries 3 MB up and down intact', async () => {
    const apache = stage.keep(await startApache());
    const wire = await (await stage.proxy(rules(apache.port))).wire();
    const body = randomBytes(3_000_000);
    await wire.send(`PUT /app/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${body.length}\r\n\r\n`, body);
    expect((await expectResponse(wire)).status).toBe(200);
    expect(apache.requests[0]?.body.sha256).toBe(createHash('sha256').update(body).digest('hex'));
  });

  it('announces no body where a POST has none', async () => {
    const seen = later<string>();
    const port = await stage.server(async (connection) => {
      seen.resolve(await nextHead(connection));
      await connection.send(answer('ok'));
    });
    const wire = await (await stage.proxy(rules(port))).wire();
    await wire.send('POST /app/x HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await expectResponse(wire);
    expect(await seen.promise).toMatch(/\r\nContent-Length: 0\r\n/);
  });

  it('answers a client that has ended its side, and one that speaks HTTP/1.0 without chunks', async () => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await connection.send(
        Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n'),
      );
    });
    const proxy = await stage.proxy(rules(port));
    const [half, old] = [await proxy.wire(), await proxy.wire()];
    await half.send(GET('/app/x'));
    half.finish();
    expect((await expectResponse(half)).body.toString()).toBe('abcdef');
    await old.send('GET /app/x HTTP/1.0\r\nHost: a.test\r\n\r\n');
    expect((await old.inlet.rest(PATIENCE)).bytes.toString()).toMatch(/\r\n\r\nabcdef$/);
  });

  it('does not make a whole answer of one that the server broke off', async () => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await connection.send(Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'));
      connection.reset();
    });
    const proxy = await stage.proxy(rules(port));
    const wire = await proxy.wire();
    await wire.send(GET('/app/x'));
    expect((await wire.inlet.rest(PATIENCE)).bytes.toString('latin1')).not.toContain('\r\n0\r\n');
    wire.finish();
    expect(await proxy.request('/app')).toMatchObject({ ending: { by: 'server' } });
  });
});

describe('connections', () => {
  it('keeps one upstream connection for each client, over all its requests, and shares none', async () => {
    const proxy = await stage.proxy(rules(await stage.server(echoing('one'))));
    const wires = [await proxy.wire(), await proxy.wire()];
    for (const path of ['/app/a', '/app/b', '/app/c']) {
      for (const [index, wire] of wires.entries()) {
        await wire.send(GET(path));
        expect((await expectResponse(wire)).body.toString()).toBe(`one ${index + 1} ${path.replace('app', 'inner')}`);
      }
    }
  });

  it('answers a pipelined pair through both lanes in order', async () => {
    const wire = await (await stage.proxy(rules(await stage.server(echoing('one'))))).wire();
    await wire.send(GET('/app/a') + GET('/b') + GET('/app/c'));
    const bodies = [];
    for (let count = 0; count < 3; count++) bodies.push((await expectResponse(wire)).body.toString());
    expect(bodies).toEqual(['one 1 /inner/a', 'one 2 /b', 'one 1 /inner/c']);
  });

  it.each([
    ['while it reads an answer', 'GET'],
    ['before its answer began', 'POST'],
  ])('ends the upstream connection of a client that leaves %s', async (_when, method) => {
    const [begun, over] = [later<void>(), later<void>()];
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      if (method === 'GET') await connection.send(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc'));
      begun.resolve();
      await connection.inlet.whenOver();
      over.resolve();
    });
    const proxy = await stage.proxy(rules(port));
    const wire = await proxy.wire();
    await wire.send(`${method} /app/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n`);
    if (method === 'GET') await wire.inlet.until('abc', PATIENCE);
    await begun.promise;
    wire.reset();
    await over.promise;
    await expect.poll(() => proxy.edge.connections()).toBe(0);
  });

  it('repeats a GET where a kept connection dies under it', async () => {
    const port = await stage.server(breakingUnderSecond().serve);
    const wire = await (await stage.proxy(rules(port))).wire();
    for (const expected of ['1', '2']) {
      await wire.send(GET('/app/x'));
      expect((await expectResponse(wire)).body.toString()).toBe(expected);
    }
  });

  it('answers 502 and 504 as the relay does, and says why', async () => {
    const silent = await stage.server((connection) => connection.inlet.whenOver());
    const slow = await stage.proxy(rules(silent, 'timeouts: { answer: 80ms }'));
    const refused = await stage.proxy(rules(1));
    const wires = [await slow.wire(), await refused.wire()];
    for (const wire of wires) await wire.send(GET('/app/x'));
    expect(await Promise.all(wires.map(async (wire) => (await expectResponse(wire)).status))).toEqual([504, 502]);
    expect(await slow.request('/app')).toMatchObject({ code: 'UPSTREAM_ANSWER_TIMEOUT' });
    expect(await refused.request('/app')).toMatchObject({ code: 'UPSTREAM_REFUSED', server: 'http://127.0.0.1:1' });
  });

  it('answers 501 to a method that node does not take, and says so', async () => {
    const proxy = await stage.proxy(rules(await stage.server(echoing('one'))));
    const wire = await proxy.wire();
    await wire.send('FROBNICATE /app/x HTTP/1.1\r\nHost: a.test\r\n\r\n');
    const response = await expectResponse(wire);
    expect([response.status, field(response.fields, 'connection')]).toEqual([501, 'close']);
    expect(await proxy.request('/app')).toMatchObject({ status: 501, code: 'REWRITE_METHOD' });
  });
});
