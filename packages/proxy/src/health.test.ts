import type { Accepted } from '@outrigger/tools/acceptor';
import { expectResponse } from '@outrigger/tools/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { answer, nextHead, openStage, PATIENCE, pathOf, type Proxy as RunningProxy } from './testing/stage.ts';

const stage = openStage();
afterEach(() => stage.close());

type Server = { port: number; status: number; checks: string[]; open: number };

/** A server that answers /health with the status it has at the time, and every other page with its name. */
async function watched(name: string, status: number): Promise<Server> {
  const server: Server = { port: 0, status, checks: [], open: 0 };
  server.port = await stage.server(async (connection: Accepted) => {
    server.open += 1;
    void connection.inlet.whenOver().then(() => (server.open -= 1));
    const head = await nextHead(connection).catch(() => undefined);
    if (head === undefined) return connection.close();
    if (pathOf(head) !== '/health') {
      await connection.send(answer(name));
      return connection.finish();
    }
    server.checks.push(head);
    if (server.status === 0) return undefined; // an answer that never comes
    await connection.send(Buffer.from(`HTTP/1.1 ${server.status} As Told\r\nContent-Length: 0\r\n\r\n`));
    return connection.finish();
  });
  return server;
}

function rules(servers: Server[], health = ''): string {
  return `
listen: [{ address: '127.0.0.1:0' }]
upstreams:
  farm:
    servers: [${servers.map(({ port }) => `'http://127.0.0.1:${port}'`)}]
    health: { path: /health, interval: 100ms ${health} }
access: [{ allow: {} }]
routes: [{ to: farm }]
`;
}

async function reached(proxy: RunningProxy): Promise<string> {
  const wire = await proxy.wire();
  await wire.send('GET /page HTTP/1.1\r\nHost: a.test\r\n\r\n');
  return (await expectResponse(wire)).body.toString();
}

describe('active health checks', () => {
  it('keep new connections from a server that is unwell, until it is well again, and tell both', async () => {
    const [first, second] = [await watched('first', 503), await watched('second', 204)];
    const proxy = await stage.proxy(rules([first, second]));
    expect(await proxy.notice('SERVER_DOWN')).toMatchObject({
      severity: 'warning',
      message: `farm (http://127.0.0.1:${first.port}) is down: GET /health was answered 503. Other servers of the upstream are tried before it.`,
    });
    expect(await reached(proxy)).toBe('second');
    first.status = 200;
    expect(await proxy.notice('SERVER_UP')).toMatchObject({ severity: 'note' });
    expect(await reached(proxy)).toBe('first');
    expect(proxy.records.filter(({ kind }) => kind === 'notice')).toHaveLength(2);
  });

  it('need two failures in a row once a server was well', async () => {
    const server = await watched('one', 200);
    const proxy = await stage.proxy(rules([server]));
    await expect.poll(() => server.checks.length, { timeout: PATIENCE, interval: 5 }).toBeGreaterThan(0);
    server.status = 500;
    const before = server.checks.length;
    await proxy.notice('SERVER_DOWN');
    expect(server.checks.length).toBeGreaterThanOrEqual(before + 2);
  });

  it('leave no server out where all are unwell', async () => {
    const [first, second] = [await watched('first', 500), await watched('second', 500)];
    const proxy = await stage.proxy(rules([first, second]));
    await expect.poll(() => proxy.records.length, { timeout: PATIENCE, interval: 5 }).toBe(2);
    expect(await reached(proxy)).toBe('first');
  });

  it('ask as they are told, and take the statuses they are told', async () => {
    const server = await watched('one', 401);
    const proxy = await stage.proxy(rules([server], ', host: mail.contoso.com, expect: [401]'));
    await expect.poll(() => server.checks.length, { timeout: PATIENCE, interval: 5 }).toBeGreaterThan(1);
    expect(server.checks[0]).toMatch(/^GET \/health HTTP\/1\.1\r\nHost: mail\.contoso\.com\r\n/);
    expect(proxy.records).toEqual([]);
  });

  it.each([
    ['says nothing', 0, /had no answer within 150 ms/],
    ['speaks no HTTP', 99_999, /had no answer of HTTP\/1/],
  ])('find a server down that %s', async (_, status, message) => {
    const server = await watched('one', status);
    const proxy = await stage.proxy(rules([server], ', timeout: 150ms'));
    expect((await proxy.notice('SERVER_DOWN')).message).toMatch(message);
  });

  it('find a server down that nobody can connect to, and say why', async () => {
    const server = await watched('one', 200);
    await stage.close();
    const proxy = await stage.proxy(rules([server]));
    expect((await proxy.notice('SERVER_DOWN')).message).toMatch(/ECONNREFUSED/);
  });

  it('are gone when the edge is closed, with what was under way', async () => {
    const server = await watched('one', 0);
    const proxy = await stage.proxy(rules([server], ', timeout: 1m'));
    await expect.poll(() => server.open, { timeout: PATIENCE, interval: 5 }).toBe(1);
    await proxy.edge.close();
    await expect.poll(() => server.open, { timeout: PATIENCE, interval: 5 }).toBe(0);
    const { length } = server.checks;
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(server.checks).toHaveLength(length);
    expect(proxy.records).toEqual([]);
  });
});
