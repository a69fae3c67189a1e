import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectResponse } from '@outrigger/tools/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStage, type Stage, simpleRules } from './testing/stage.ts';

let stage: Stage;
let folder: string;
beforeEach(() => {
  stage = openStage();
  folder = mkdtempSync(join(tmpdir(), 'outrigger-unix-'));
});
afterEach(async () => {
  await stage.close();
  rmSync(folder, { recursive: true });
});

const GET = 'GET /page HTTP/1.1\r\nHost: a.test\r\n\r\n';

/** A server on a socket: answers each request, and once its client has half-closed says a last word. */
async function serveOn(path: string): Promise<{ connections: number }> {
  const counted = { connections: 0 };
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    counted.connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nunix'));
    socket.on('end', () => socket.end());
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  stage.keep({
    close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      return closed;
    },
  });
  return counted;
}

const rules = (path: string, settings = ''): string =>
  simpleRules(1, settings).replace(/'http:\/\/127[^']*'/, `'unix:${path}'`);

describe('a server on a unix socket', () => {
  it.each([
    ['relay', ''],
    ['rewrite', ', rewrite: { path: { from: /page, to: /page } }'],
  ])('is reached through the %s lane, on one connection for a client', async (_, rewrite) => {
    const path = join(folder, 'web.sock');
    const server = await serveOn(path);
    const proxy = await stage.proxy(rules(path).replace('{ to: one }', `{ to: one${rewrite} }`));
    const wire = await proxy.wire();
    for (let round = 0; round < 2; round++) {
      await wire.send(GET);
      expect((await expectResponse(wire)).body.toString()).toBe('unix');
    }
    expect(server.connections).toBe(1);
    expect(await proxy.request('/page')).toMatchObject({ server: `unix:${path}`, ending: { how: 'complete' } });
  });

  it('that is not there is answered 502, and the log says what to look at', async () => {
    const path = join(folder, 'missing.sock');
    const proxy = await stage.proxy(rules(path));
    const wire = await proxy.wire();
    await wire.send(GET);
    expect((await expectResponse(wire)).status).toBe(502);
    const record = await proxy.request('/page');
    expect(record).toMatchObject({ code: 'UPSTREAM_UNREACHABLE' });
    expect(record.message).toMatch(/^one \(unix:.*missing\.sock\) has no socket there \(ENOENT\)/);
  });

  it('is watched like any other', async () => {
    const path = join(folder, 'late.sock');
    const proxy = await stage.proxy(rules(path, 'health: { path: /ok, interval: 100ms }'));
    await proxy.notice('SERVER_DOWN');
    await serveOn(path);
    await proxy.notice('SERVER_UP');
  });
});
