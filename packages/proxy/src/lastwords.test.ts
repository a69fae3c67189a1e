import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { hearLastWords } from './lastwords.ts';

const open: { destroy?(): unknown; close?(): unknown }[] = [];
afterEach(() => {
  for (const thing of open.splice(0)) thing.destroy === undefined ? thing.close?.() : thing.destroy();
});

/** A client, and the server's half of its connection, which has bytes from it that are not read. */
async function connected(prepare: (client: Socket) => void): Promise<[client: Socket, server: Socket]> {
  const listening = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  open.push(listening);
  await once(listening, 'listening');
  const client = connect((listening.address() as AddressInfo).port, '127.0.0.1');
  const [[server]] = (await Promise.all([once(listening, 'connection'), once(client, 'connect')])) as [
    [Socket],
    unknown,
  ];
  open.push(client, server);
  prepare(client);
  await new Promise((resolve) => client.write('unread', resolve));
  return [client, server];
}

/** The server answers and leaves with a reset; the client's writes fail before it could read. What it heard, and the end. */
async function brokenOff(
  prepare: (client: Socket, tell: (error: NodeJS.ErrnoException) => void) => void,
): Promise<{ heard: string; code: string | undefined }> {
  let heard = '';
  let code: string | undefined;
  const tell = (error: NodeJS.ErrnoException): void => {
    code = error.code;
  };
  const [client, server] = await connected((connecting) => prepare(connecting, tell));
  client.on('data', (chunk) => {
    heard += chunk;
  });
  client.on('error', tell);
  server.write('last words');
  server.destroy();
  client.write('too late');
  client.cork();
  client.write('and');
  client.write('more');
  client.uncork();
  await new Promise((resolve) => client.once('close', resolve)); // once() would reject at the error
  return { heard, code };
}

it('reads what a server said before it broke off, and tells of the reset', async () => {
  expect(await brokenOff((client, tell) => hearLastWords(client, tell))).toEqual({
    heard: 'last words',
    code: 'ECONNRESET',
  });
});

it('is needed: node alone ends such a connection unread', async () => {
  expect((await brokenOff(() => {})).heard).toBe('');
});

it('reports a failed write where the server had said its last before', async () => {
  const [client, server] = await connected((connecting) => hearLastWords(connecting, () => {}));
  client.allowHalfOpen = true;
  client.resume();
  server.end('bye');
  await once(client, 'end');
  server.destroy();
  client.write('one');
  const failed = once(client, 'error');
  client.write('two');
  expect(((await failed) as [NodeJS.ErrnoException])[0].code).toMatch(/ECONNRESET|EPIPE/);
});
