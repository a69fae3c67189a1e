// Room: TLS that is not ended here: unread, whole, both ways; and every other name still goes by the rules.
import { connect as connectTls } from 'node:tls';
import { createAuthority, type Leaf } from '@outrigger/tools/certs';
import { freePort } from '@outrigger/tools/daemons';
import { expectResponse } from '@outrigger/tools/wire';
import { afterEach, beforeAll, expect, it } from 'vitest';
import type { PassThroughRecord } from './accesslog.ts';
import { recordLevel, recordText } from './accesslog.ts';
import { proxyHeaderBytes, readProxyHeader } from './proxyheader.ts';
import { type Proxy as Edge, echoing, nextHead, openStage, PATIENCE } from './testing/stage.ts';

const stage = openStage();
afterEach(() => stage.close());

let ours: Leaf;
let theirs: Leaf;
beforeAll(async () => {
  const authority = await createAuthority();
  ours = await authority.issue({ names: ['www.a.test'] });
  theirs = await authority.issue({ names: ['mail.a.test'] });
});
const readFile = (path: string): Buffer => Buffer.from(path === 'key' ? ours.keyPem : ours.certPem);

async function passing(
  server: number,
  more: { listener?: string; servers?: string; upstream?: string } = {},
): Promise<Edge> {
  const web = await stage.server(echoing('web'));
  return stage.proxy(
    `
listen:
  - address: '127.0.0.1:0'
    name: front
    tls: { certificates: [{ cert: crt, key: key }] }
    passThrough: [{ hosts: [.a.test, '!www.a.test'], to: exchange }]
    ${more.listener ?? ''}
upstreams:
  exchange: { servers: ['https://127.0.0.1:${server}'${more.servers ?? ''}] ${more.upstream ?? ''} }
  web: { servers: ['http://127.0.0.1:${web}'] }
access: [{ allow: {} }]
routes: [{ to: web }]
`,
    readFile,
  );
}

const secure = () => ({ cert: theirs.certPem, key: theirs.keyPem });
const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: mail.a.test\r\n\r\n`;

async function told({ records }: Edge): Promise<PassThroughRecord> {
  const is = (record: Edge['records'][number]): record is PassThroughRecord => record.kind === 'passThrough';
  await expect.poll(() => records.some(is), { timeout: PATIENCE, interval: 5 }).toBe(true);
  const record = records.find(is);
  if (record === undefined) throw new Error('no record');
  return record;
}

it('carries a connection to the server that has the certificate, and tells who came and how much passed', async () => {
  const port = await stage.server(echoing('exchange'), secure());
  const proxy = await passing(port);
  const wire = await proxy.wire({ tls: { servername: 'mail.a.test', rejectUnauthorized: false } });
  for (const path of ['/ecp', '/second']) {
    await wire.send(ask(path));
    expect((await expectResponse(wire)).body.toString()).toBe(`exchange 1 ${path}`);
  }
  expect(wire.tls?.serverCertificate.equals(Buffer.from(theirs.certPem.split('-----')[2] ?? '', 'base64'))).toBe(true);
  wire.finish();
  await wire.inlet.rest(PATIENCE);
  await wire.close();
  const record = await told(proxy);
  expect(record).toMatchObject({
    client: `127.0.0.1:${wire.localPort}`,
    listener: 'front',
    serverName: 'mail.a.test',
    upstream: 'exchange',
    server: `https://127.0.0.1:${port}`,
  });
  expect(Math.min(record.bytesUp, record.bytesDown)).toBeGreaterThan(100);
  expect(recordText(record)).toMatch(
    / front TLS mail\.a\.test unread -> exchange https:\S+ up=\d+ down=\d+ ms=\d+ end=/,
  );
  expect(recordLevel(record)).toBe('info');
  expect(proxy.records.filter(({ kind }) => kind !== 'passThrough')).toEqual([]);
});

it.each(['www.a.test', 'other.test', ''])(
  'ends TLS itself where the name is %j, however the hello is cut',
  async (servername) => {
    const proxy = await passing(1);
    for (const cut of [false, true]) {
      const wire = await proxy.wire({
        tls: { servername, rejectUnauthorized: false, ...(cut && { maxVersion: 'TLSv1.2' }) },
      });
      await wire.send(ask('/page'));
      expect((await expectResponse(wire)).body.toString()).toMatch(/^web \d \/page$/);
    }
  },
);

it('passes FIN as FIN, both ways', async () => {
  const seen: string[] = [];
  const port = await stage.server(async (connection) => {
    const got = await connection.inlet.rest(PATIENCE);
    seen.push(got.kind);
    await connection.send(Buffer.from('late'));
    connection.finish();
  });
  const proxy = await passing(port);
  const wire = await proxy.wire();
  // A hello and no more: to us it is TLS, to the server whatever it likes.
  const hello = await clientHello('mail.a.test');
  await wire.trickle(hello, { size: 40, pause: 0 });
  wire.finish();
  expect((await wire.inlet.rest(PATIENCE)).bytes.toString()).toBe('late');
  expect(seen).toEqual(['bytes']);
  expect(await told(proxy)).toMatchObject({
    bytesUp: hello.length,
    bytesDown: 4,
    ending: { how: 'closed', by: 'client' },
  });
});

it('breaks off both legs where one breaks', async () => {
  const ends: string[] = [];
  const port = await stage.server(async (connection) => {
    await connection.inlet.some(PATIENCE);
    ends.push('begun');
    ends.push((await connection.inlet.rest(PATIENCE)).kind);
    await connection.close();
  });
  const proxy = await passing(port);
  const wire = await proxy.wire();
  await wire.send(await clientHello('mail.a.test'));
  await expect.poll(() => ends).toEqual(['begun']);
  wire.reset();
  expect((await told(proxy)).ending).toEqual({ how: 'reset', by: 'client' });
  await expect.poll(() => ends.length).toBe(2);
});

it('goes to the server that health checks find well, and past one that cannot be reached', async () => {
  const unwell = await stage.server(async (connection) => {
    await nextHead(connection);
    await connection.send(Buffer.from('HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n'));
  }, secure());
  const gone = await freePort();
  const well = await stage.server(echoing('well'), secure());
  const proxy = await passing(unwell, {
    servers: `, 'https://127.0.0.1:${gone}', 'https://127.0.0.1:${well}'`,
    upstream: ', tls: { verify: false }, health: { path: /, interval: 1h }',
  });
  await expect
    .poll(() => proxy.records.filter((record) => 'code' in record && record.code === 'SERVER_DOWN'))
    .toHaveLength(2);
  const wire = await proxy.wire({ tls: { servername: 'mail.a.test', rejectUnauthorized: false } });
  await wire.send(ask('/'));
  expect((await expectResponse(wire)).body.toString()).toMatch(/^well /);
});

it('says why where the server cannot be reached', async () => {
  const closed = await stage.server(() => {});
  await stage.close();
  const proxy = await passing(closed);
  await expect(proxy.wire({ tls: { servername: 'mail.a.test' } })).rejects.toThrow();
  const record = await told(proxy);
  expect(record).toMatchObject({ code: 'UPSTREAM_REFUSED', ending: { how: 'refused', by: 'proxy' } });
  expect(recordLevel(record)).toBe('warn');
});

it('reads a PROXY header first and sends one on', async () => {
  const ends = { source: { address: '203.0.113.7', port: 5 }, destination: { address: '192.0.2.1', port: 443 } };
  const got: Buffer[] = [];
  const port = await stage.server(async (connection) => {
    const some = await connection.inlet.some(PATIENCE);
    got.push(some.bytes);
    await connection.close();
  });
  const proxy = await passing(port, { listener: 'proxyProtocol: [127.0.0.1]', upstream: ', proxyProtocol: v2' });
  const wire = await proxy.wire();
  await wire.send(proxyHeaderBytes('v1', ends), await clientHello('mail.a.test'));
  await expect.poll(() => got.length).toBe(1);
  await wire.close();
  expect(readProxyHeader(got[0] ?? Buffer.alloc(0))).toMatchObject({ kind: 'header', ends });
  expect((await told(proxy)).client).toBe('203.0.113.7:5');
});

it('closes what passes through at the end of its grace, and leaves plain HTTP to the TLS of the listener', async () => {
  const port = await stage.server(echoing('exchange'), secure());
  const proxy = await passing(port);
  const wire = await proxy.wire({ tls: { servername: 'mail.a.test', rejectUnauthorized: false } });
  const plain = await proxy.wire();
  await plain.send(ask('/'));
  expect((await proxy.notice('TLS_PLAIN_HTTP')).listener).toBe('front');
  await proxy.edge.close();
  await wire.inlet.rest(PATIENCE);
  expect(proxy.edge.connections()).toBe(0);
});

/** The first flight of a real client. */
async function clientHello(servername: string): Promise<Buffer> {
  let bytes: Buffer | undefined;
  const port = await stage.server(async (connection) => {
    bytes = (await connection.inlet.some(PATIENCE)).bytes;
    await connection.close();
  });
  const socket = connectTls({ host: '127.0.0.1', port, servername });
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('close', resolve));
  if (bytes === undefined) throw new Error('no hello');
  return bytes;
}
