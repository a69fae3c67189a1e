import { createHash } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { createAuthority } from '../certs.ts';
import { field } from '../message.ts';
import { connect, expectResponse, readResponse } from '../wire.ts';
import { type ApacheOptions, startApache } from './index.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function wired(options: ApacheOptions = {}) {
  const apache = await startApache(options);
  closers.push(() => apache.close());
  const tls = { rejectUnauthorized: false };
  const wire = await connect({ host: '127.0.0.1', port: apache.port, ...(options.tls && { tls }) });
  closers.push(() => wire.close());
  return { apache, wire };
}

it('shows a page for any path and says who it is', async () => {
  const { wire } = await wired();
  await wire.send('GET /blog/ HTTP/1.1\r\nHost: x\r\n\r\n');
  const response = await expectResponse(wire);
  expect([response.status, field(response.fields, 'x-stand-in')]).toEqual([200, 'apache']);
  expect(response.body.toString()).toContain('/blog/');
});

it('gives back the head as it arrived: order, spelling, repeats', async () => {
  const { apache, wire } = await wired();
  await wire.send('GET /headers?q=1 HTTP/1.1\r\nhOST: x\r\nX-A: 1\r\nX-A: 2\r\n\r\n');
  const seen = JSON.parse((await expectResponse(wire)).body.toString());
  expect(seen).toMatchObject({ method: 'GET', target: '/headers?q=1', version: '1.1', connection: 1 });
  expect(seen.fields).toEqual([
    ['hOST', 'x'],
    ['X-A', '1'],
    ['X-A', '2'],
  ]);
  expect(apache.requests).toEqual([seen]);
});

it('counts and digests uploads over TLS, and records one that broke off as such', async () => {
  const leaf = await (await createAuthority()).issue({ names: ['localhost'] });
  const { apache, wire } = await wired({ tls: { cert: leaf.certPem, key: leaf.keyPem } });
  const body = Buffer.alloc(1_000_000, 'outrigger');
  await wire.send(`POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`, body);
  const report = { bytes: body.length, whole: true, sha256: createHash('sha256').update(body).digest('hex') };
  expect(JSON.parse((await expectResponse(wire)).body.toString())).toEqual(report);
  await wire.send('POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345');
  await wire.close();
  expect(await apache.until('the cut one', ({ body: { bytes } }) => bytes === 5)).toMatchObject({
    body: { whole: false },
  });
});

it('sends chunks and events piece by piece', async () => {
  const { wire } = await wired();
  await wire.send('GET /chunked?count=2 HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(await expectResponse(wire)).toMatchObject({
    framing: { kind: 'chunked' },
    body: Buffer.from('chunk 1\nchunk 2\n'),
  });
  await wire.send('GET /events?count=3&pause=60 HTTP/1.1\r\nHost: x\r\n\r\n');
  expect((await wire.inlet.until('data: 1', 1_000)).kind).toBe('bytes');
  expect((await wire.inlet.until('data: 3', 20)).kind).toBe('late');
  expect((await wire.inlet.until('data: 3', 1_000)).kind).toBe('bytes');
});

it('redirects, sets cookies and misses pages on order', async () => {
  const { wire } = await wired();
  const ask = async (target: string) => {
    await wire.send(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
    return expectResponse(wire);
  };
  expect(field((await ask('/redirect?to=http%3A%2F%2Finside%2Fx')).fields, 'location')).toBe('http://inside/x');
  expect(field((await ask('/cookie?set=a%3Db%3B%20Path%3D%2Fx')).fields, 'set-cookie')).toBe('a=b; Path=/x');
  expect((await ask('/missing')).status).toBe(404);
});

it('breaks off, resets and delays on order', async () => {
  for (const [order, kind] of [
    ['bytes=90000&die-after=5000', 'ended'],
    ['bytes=90000&reset-after=5000', 'failed'],
    ['slow=50', 'response'],
  ]) {
    const { wire } = await wired();
    await wire.send(`GET /?${order} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect((await readResponse(wire)).kind).toBe(kind);
  }
});

it('echoes whatever follows an upgrade', async () => {
  const { wire } = await wired();
  await wire.send('GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n', 'early');
  expect((await wire.inlet.until('\r\n\r\n', 1_000)).bytes.toString()).toMatch(/^HTTP\/1.1 101 /);
  await wire.send(' and late');
  expect((await wire.inlet.exactly(14, 1_000)).bytes.toString()).toBe('early and late');
});
