import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { daemonOrSkip, findDaemon, freePort } from './daemons.ts';

it('finds a program that is there', () => {
  expect(findDaemon('curl') ?? '/usr/bin/curl').toMatch(/\/curl$/);
});

it('says one loud line, and gives undefined, where a daemon is missing on somebody’s machine', () => {
  const lines: string[] = [];
  const asked = daemonOrSkip('squid', { find: () => undefined, ci: false, say: (line) => void lines.push(line) });
  expect(asked).toBeUndefined();
  expect(lines).toEqual([
    'SKIPPED: squid is not installed (Debian package squid-openssl): live tests against it did not run',
  ]);
});

it('fails in CI where a daemon is missing', () => {
  expect(() => daemonOrSkip('samba', { find: () => undefined, ci: true })).toThrow('Debian package python3-samba');
});

it('gives the path where a daemon is there, and says nothing', () => {
  const say = () => expect.unreachable();
  expect(daemonOrSkip('curl', { find: () => '/usr/bin/curl', ci: true, say })).toBe('/usr/bin/curl');
});

it('gives no port twice in a row, and none that the kernel may give to somebody else', async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, () => freePort()));
  expect(new Set(ports).size).toBe(20);
  for (const port of ports) expect(port).toBeLessThan(32_768);
});

it('passes over a port that is taken', async () => {
  const [taken, free] = [createServer(), await freePort()];
  await new Promise<void>((resolve, reject) => taken.once('error', reject).listen(free + 1, '127.0.0.1', resolve));
  expect(await freePort()).not.toBe(free + 1);
  await new Promise((resolve) => taken.close(resolve));
});

it('gives a port that can be listened on', async () => {
  const server = createServer();
  const port = await freePort();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  await new Promise((resolve) => server.close(resolve));
});
