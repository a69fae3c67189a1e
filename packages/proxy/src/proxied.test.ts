// Room: the PROXY protocol on the wire: in, at a listener, and out, ahead of a server's TLS.

import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { createAuthority, type Leaf } from '@outrigger/tools/certs';
import { connect, expectResponse } from '@outrigger/tools/wire';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { proxyHeaderBytes, readProxyHeader } from './proxyheader.ts';
import { answer, echoing, nextHead, openStage, PATIENCE, simpleRules } from './testing/stage.ts';

const stage = openStage();
afterEach(() => stage.close());

let leaf: Leaf;
beforeAll(async () => {
  leaf = await (await createAuthority()).issue({ names: ['a.test'] });
});
const readFile = (path: string): Buffer => Buffer.from(path.endsWith('key') ? leaf.keyPem : leaf.certPem);

const GET = 'GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n';
const ENDS = { source: { address: '203.0.113.7', port: 51_000 }, destination: { address: '192.0.2.1', port: 443 } };
const V2 = proxyHeaderBytes('v2', ENDS);

function rulesWith(port: number, listener: string, upstream = ''): string {
  return simpleRules(port, upstream, listener);
}
const LISTED = 'proxyProtocol: [127.0.0.0/8]';
const SECURE = 'tls: { certificates: [{ cert: crt, key: key }] }';

describe('a listener that wants the PROXY protocol', () => {
  it.each([
    ['version 1', Buffer.from('PROXY TCP4 203.0.113.7 192.0.2.1 51000 443\r\n')],
    ['version 2', V2],
  ])(
    'takes the client from a header of %s: whole, byte by byte, and with the request behind it',
    async (_name, header) => {
      const heads: string[] = [];
      const port = await stage.server(async (connection) => {
        heads.push(await nextHead(connection));
        await connection.send(answer('x'));
        connection.finish();
      });
      const proxy = await stage.proxy(rulesWith(port, LISTED));
      for (const way of ['whole', 'bytes', 'together']) {
        const wire = await proxy.wire();
        if (way === 'bytes') await wire.trickle(header, { pause: 0 });
        else if (way === 'whole') await wire.send(header);
        await wire.send(...(way === 'together' ? [header, GET] : [GET]));
        expect((await expectResponse(wire)).status).toBe(200);
      }
      expect(heads.map((head) => /X-Forwarded-For: (.*)\r/.exec(head)?.[1])).toEqual(Array(3).fill('203.0.113.7'));
      expect((await proxy.request('/a')).client).toBe('203.0.113.7:51000');
    },
  );

  it('closes connections of anybody else unread where it is for its peers alone', async () => {
    const seen: string[] = [];
    const port = await stage.server(echoing('one', seen));
    const proxy = await stage.proxy(rulesWith(port, 'proxyProtocol: [127.0.0.9], proxyProtocolOnly: true'));
    const stranger = await proxy.wire();
    await stranger.send(V2, GET);
    expect(await stranger.inlet.whenOver()).not.toBe('');
    expect((await proxy.notice('PROXY_STRANGER')).client).toMatch(/^127\.0\.0\.1:/);
    const balancer = await proxy.wire({ localAddress: '127.0.0.9' });
    await balancer.send(V2, GET);
    expect((await expectResponse(balancer)).status).toBe(200);
    expect(seen).toEqual(['/a']);
  });

  it('finds TLS behind the header, in one segment or byte by byte, and names the client of a failed handshake', async () => {
    const proxy = await stage.proxy(rulesWith(await stage.server(echoing('one')), `${SECURE}, ${LISTED}`), readFile);
    for (const size of [V2.length, 1]) {
      const front = createServer((incoming) => {
        const wire = connect({ host: '127.0.0.1', port: proxy.port });
        void wire.then(async (out) => {
          await out.trickle(V2, { size, pause: 0 });
          incoming.on('data', (bytes) => void out.send(bytes as Buffer));
          for (;;) {
            const some = await out.inlet.some(PATIENCE);
            if (some.kind !== 'bytes') break;
            incoming.write(some.bytes);
          }
          await out.close();
          incoming.destroy();
        });
      });
      await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
      stage.keep({ close: async () => new Promise((resolve) => front.close(resolve)) });
      const { port } = front.address() as { port: number };
      const wire = stage.keep(await connect({ host: '127.0.0.1', port, tls: { rejectUnauthorized: false } }));
      await wire.send(GET);
      expect((await expectResponse(wire)).status).toBe(200);
      await wire.close();
    }
    expect((await proxy.request('/a')).client).toBe('203.0.113.7:51000');
    const plain = await proxy.wire();
    await plain.send(V2, GET);
    expect((await proxy.notice('TLS_PLAIN_HTTP')).client).toBe('203.0.113.7:51000');
  });

  it('takes the peer itself where the header names nobody', async () => {
    const proxy = await stage.proxy(rulesWith(await stage.server(echoing('one')), LISTED));
    const wire = await proxy.wire();
    await wire.send('PROXY UNKNOWN\r\n', GET);
    expect((await expectResponse(wire)).status).toBe(200);
    expect((await proxy.request('/a')).client).toBe(`127.0.0.1:${wire.localPort}`);
  });

  it.each([
    ['PROXY_MISSING', GET],
    ['PROXY_MISSING', 'P'.repeat(2)],
    ['PROXY_MALFORMED', 'PROXY TCP4 a b 1 2\r\n'],
    ['PROXY_TIMEOUT', 'PROXY TCP4 '],
  ])('refuses with %s a listed peer that sends %j', async (code, bytes) => {
    const proxy = await stage.proxy(rulesWith(1, LISTED));
    const wire = await proxy.wire();
    await wire.send(bytes);
    if (code === 'PROXY_TIMEOUT') wire.finish();
    expect((await proxy.notice(code)).client).toBe(`127.0.0.1:${wire.localPort}`);
    expect((await wire.inlet.rest(PATIENCE)).bytes.length).toBe(0);
  });

  it('says nothing of a balancer that only knocks', async () => {
    const proxy = await stage.proxy(rulesWith(1, LISTED));
    const wire = await proxy.wire();
    await expect.poll(() => proxy.edge.connections()).toBe(1);
    await wire.close();
    await expect.poll(() => proxy.edge.connections()).toBe(0);
    expect(proxy.records).toEqual([]);
  });

  it('believes no header of a peer it does not list', async () => {
    const proxy = await stage.proxy(rulesWith(1, 'proxyProtocol: [192.0.2.1]'));
    for (const header of [V2, 'PROXY TCP4 203.0.113.7 192.0.2.1 51000 443\r\n']) {
      const wire = await proxy.wire();
      await wire.send(header, GET);
      expect((await wire.inlet.rest(PATIENCE)).bytes.toString('latin1')).toMatch(/^HTTP\/1\.1 400 /);
    }
  });
});

describe('an upstream that wants the PROXY protocol', () => {
  it.each(['v1', 'v2'])('gets it, %s, ahead of plain HTTP', async (version) => {
    const seen: Buffer[] = [];
    const port = await stage.server(async (connection) => {
      let bytes: Buffer = Buffer.alloc(0);
      while (!bytes.includes('Host:')) {
        const some = await connection.inlet.some(PATIENCE);
        if (some.kind !== 'bytes') break;
        bytes = Buffer.concat([bytes, some.bytes]);
      }
      seen.push(bytes);
      await connection.send(answer('x'));
      connection.finish();
    });
    const proxy = await stage.proxy(rulesWith(port, 'name: x', `proxyProtocol: ${version}`));
    const wire = await proxy.wire();
    await wire.send(GET);
    expect((await expectResponse(wire)).status).toBe(200);
    const header = readProxyHeader(seen[0] ?? Buffer.alloc(0));
    expect(header).toMatchObject({
      kind: 'header',
      ends: {
        source: { address: '127.0.0.1', port: wire.localPort },
        destination: { address: '127.0.0.1', port: proxy.port },
      },
    });
    expect(header.kind === 'header' && header.rest.toString()).toMatch(/^GET \/a HTTP/);
  });

  it('gets it ahead of TLS, with the client that a header of its own named', async () => {
    const seen: ReturnType<typeof readProxyHeader>[] = [];
    const secure = createTlsServer({ cert: leaf.certPem, key: leaf.keyPem }, (socket) => {
      socket.once('data', () => socket.end(answer('secret')));
    });
    const server = createServer((socket) => {
      socket.once('readable', () => {
        const header = readProxyHeader(socket.read() as Buffer);
        seen.push(header);
        if (header.kind === 'header' && header.rest.length > 0) socket.unshift(header.rest);
        secure.emit('connection', socket);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    stage.keep({ close: async () => new Promise((resolve) => server.close(resolve)) });
    const { port } = server.address() as { port: number };
    const rules = rulesWith(port, LISTED, 'proxyProtocol: v2, tls: { verify: false }').replace('http://', 'https://');
    const proxy = await stage.proxy(rules);
    const wire = await proxy.wire();
    await wire.send(V2, GET);
    expect((await expectResponse(wire)).body.toString()).toBe('secret');
    expect(seen).toMatchObject([{ kind: 'header', ends: ENDS }]);
  });

  it.each(['v1', 'v2'])('gets it, %s, ahead of a health check, for no client', async (version) => {
    const seen: Buffer[] = [];
    const port = await stage.server(async (connection) => {
      const some = await connection.inlet.some(PATIENCE);
      if (some.kind === 'bytes') seen.push(some.bytes);
      await connection.close();
    });
    await stage.proxy(rulesWith(port, 'name: x', `proxyProtocol: ${version}, health: { path: / }`));
    await expect.poll(() => seen.length, { timeout: PATIENCE }).toBe(1);
    const header = readProxyHeader(seen[0] ?? Buffer.alloc(0));
    expect(header.kind).toBe('header');
    expect(header).not.toHaveProperty('ends');
  });

  it('that cannot be reached is told as ever', async () => {
    const closed = await stage.server(() => {});
    await stage.close();
    for (const scheme of ['http', 'https']) {
      const rules = rulesWith(closed, 'name: x', 'proxyProtocol: v1').replace('http://', `${scheme}://`);
      const proxy = await stage.proxy(rules);
      const wire = await proxy.wire();
      await wire.send(GET);
      expect((await expectResponse(wire)).status).toBe(502);
      expect((await proxy.request('/a')).code).toBe('UPSTREAM_REFUSED');
    }
  });
});
