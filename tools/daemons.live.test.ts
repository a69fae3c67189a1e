import { execFile } from 'node:child_process';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { startApache as startStandIn } from './apache/index.ts';
import { createAuthority, saveLeaf } from './certs.ts';
import { type Daemon, daemonOrSkip, freePort, startApache, startSquid } from './daemons.ts';
import { ANNA, startExchange } from './exchange/index.ts';
import { field } from './message.ts';
import { openVirtualConnection } from './outlook/index.ts';
import { connect, expectResponse } from './wire.ts';

const run = promisify(execFile);
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function folder() {
  const dir = await mkdtemp(join(tmpdir(), 'daemons-'));
  closers.push(() => rm(dir, { recursive: true }));
  return dir;
}

async function askThrough(port: number, tls?: { rejectUnauthorized: boolean }) {
  const wire = await connect({ host: '127.0.0.1', port, ...(tls && { tls }) });
  closers.push(() => wire.close());
  await wire.send('GET /headers HTTP/1.1\r\nHost: contoso.com\r\n\r\n');
  return expectResponse(wire);
}

describe.runIf(daemonOrSkip('squid'))('the installed Squid', () => {
  it('serves through TLS in front of a stand-in, two at a time, and is gone after stop', async () => {
    const web = await startStandIn();
    closers.push(() => web.close());
    const leaf = await (await createAuthority()).issue({ names: ['contoso.com'] });
    const squids: Daemon[] = [];
    for (const _ of ['one', 'two']) {
      const [dir, port] = [await folder(), await freePort()];
      const { cert, key } = await saveLeaf(leaf, dir, 'leaf');
      const conf = [
        `https_port 127.0.0.1:${port} accel defaultsite=contoso.com cert=${cert} key=${key}`,
        `cache_peer 127.0.0.1 parent ${web.port} 0 no-query no-digest originserver name=web`,
        'cache deny all',
        'http_access allow all',
      ].join('\n');
      squids.push(await startSquid({ dir, conf }));
      const response = await askThrough(port, { rejectUnauthorized: false });
      expect(field(response.fields, 'x-stand-in')).toBe('apache');
    }
    for (const squid of squids) {
      await squid.stop();
      expect(() => process.kill(squid.pid, 0)).toThrow('ESRCH');
    }
  });

  it('says why it does not start', async () => {
    const conf = `http_port 127.0.0.1:${await freePort()} accel nonsense=1\nacl x nonsense y\n`;
    await expect(startSquid({ dir: await folder(), conf })).rejects.toThrow(
      /squid does not listen on 127\.0\.0\.1:\d+:\n[\s\S]*nonsense/,
    );
  });
});

describe.runIf(daemonOrSkip('apache2'))('the installed Apache', () => {
  it('serves in front of a stand-in, keeps its files to its folder, and is gone after stop', async () => {
    const web = await startStandIn();
    closers.push(() => web.close());
    const [dir, port] = [await folder(), await freePort()];
    const apache = await startApache({
      dir,
      conf: `Listen 127.0.0.1:${port}\nProxyPass / http://${web.address}/\n`,
      modules: ['proxy', 'proxy_http'],
    });
    const response = await askThrough(port).finally(() => access(join(dir, 'run', 'apache.pid')));
    expect(field(response.fields, 'x-stand-in')).toBe('apache');
    await apache.stop();
    expect(() => process.kill(apache.pid, 0)).toThrow('ESRCH');
  });

  it('holds back RPC_IN_DATA until 1 GiB has come, which is why there is a product', async () => {
    const [dir, port, exchange] = [await folder(), await freePort(), await startExchange({ auth: 'none' })];
    const conf = `Listen 127.0.0.1:${port}\nProxyPass / http://${exchange.address}/\n`;
    const apache = await startApache({ dir, conf, modules: ['proxy', 'proxy_http'] });
    closers.push(
      () => apache.stop(),
      () => exchange.close(), // first, or Apache would wait for it
    );
    // No login: Apache lends its connections by turns, so the two legs of an NTLM login may not even meet one server connection.
    const attempt = openVirtualConnection({
      connect: { host: '127.0.0.1', port },
      credentials: ANNA,
      auth: 'none',
      patience: 1_000,
    });
    await expect(attempt).rejects.toThrow(
      'OUT channel: no CONN/C2 within 1000 ms after CONN/B1; the proxy holds back the request on IN',
    );
  });
});

describe.runIf(daemonOrSkip('curl'))('the installed curl', () => {
  const curl = async (...args: string[]) => (await run('curl', ['-s', '--max-time', '5', ...args])).stdout;

  it('logs in to the stand-in Exchange with NTLM on one connection', async () => {
    const exchange = await startExchange();
    closers.push(() => exchange.close());
    const said = await curl(
      '--ntlm',
      '-u',
      `${ANNA.domain}\\${ANNA.user}:${ANNA.password}`,
      '-X',
      'RPC_OUT_DATA',
      '--data-binary',
      'ABCD',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code} %{num_connects} %{size_download}',
      `http://${exchange.address}/rpc/rpcproxy.dll?mbx1:6001`,
    );
    expect(said).toBe('200 1 20');
    expect(exchange.events.map(({ kind }) => kind)).toContain('authenticated');
  });

  it('is turned away with a wrong password', async () => {
    const exchange = await startExchange();
    closers.push(() => exchange.close());
    const url = `http://${exchange.address}/ews/exchange.asmx`;
    expect(await curl('--ntlm', '-u', 'CONTOSO\\anna:wrong', '-o', '/dev/null', '-w', '%{http_code}', url)).toBe('401');
  });
});
