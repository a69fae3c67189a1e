import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Accepted } from '@outrigger/tools/acceptor';
import { expectResponse, readResponseHead } from '@outrigger/tools/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { later, nextHead, openStage, PATIENCE, simpleRules } from './testing/stage.ts';

// Remote Desktop Gateway (MS-TSGU) as FreeRDP and mstsc speak it, and what both method families have in common: gateways whose
// sessions died behind other proxies did so for one of these.

const stage = openStage();
afterEach(() => stage.close());

const CHALLENGE = 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM TlRMTVNTUAAC\r\nContent-Length: 0\r\n\r\n';
const EMPTY_200 = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

/** A request of FreeRDP 2.11: fields in its order, no field that it does not send. */
const rdg = (method: string, ...fields: string[]): string =>
  [
    `${method} /remoteDesktopGateway/ HTTP/1.1`,
    'Cache-Control: no-cache',
    'Pragma: no-cache',
    'Accept: */*',
    'User-Agent: MS-RDGateway/1.0',
    'Host: gw.contoso.com',
    ...fields,
    '',
    '',
  ].join('\r\n');
const LOGIN = ['Content-Length: 0', 'Authorization: NTLM TlRMTVNTUAAB'];
const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-Websocket-Version: 13',
  'Sec-Websocket-Key: SGMDS@^QS@[MUNE',
];

const say = (connection: Accepted, text: string): Promise<boolean> => connection.send(Buffer.from(text, 'latin1'));

describe('the channel IN', () => {
  it('brings the third RDG_IN_DATA, which has no Authorization, to the connection its login was made on', async () => {
    const heads: string[][] = [];
    const chunks = later<string>();
    const port = await stage.server(async (connection) => {
      const own: string[] = [];
      heads.push(own);
      own.push(await nextHead(connection));
      await say(connection, CHALLENGE);
      own.push(await nextHead(connection));
      await say(connection, EMPTY_200);
      own.push(await nextHead(connection));
      chunks.resolve((await connection.inlet.until('\r\nEND\r\n', PATIENCE)).bytes.toString('latin1'));
    });
    const wire = await (await stage.proxy(simpleRules(port))).wire();
    for (const status of [401, 200]) {
      await wire.send(rdg('RDG_IN_DATA', 'Connection: Keep-Alive', ...LOGIN));
      expect((await expectResponse(wire)).status).toBe(status);
    }
    await wire.send(rdg('RDG_IN_DATA', 'Connection: Keep-Alive', 'Transfer-Encoding: chunked'));
    await wire.send('5\r\nfirst\r\n');
    await wire.send('3;x=y\r\nEND\r\n');
    expect(await chunks.promise).toBe('5\r\nfirst\r\n3;x=y\r\nEND\r\n'); // as they came: nothing is chunked anew
    expect(heads.map(({ length }) => length)).toEqual([3]);
    expect(heads[0]?.[2]).not.toMatch(/authorization/i);
  });

  it('goes on taking chunks after the server has answered and keeps reading', async () => {
    const late = later<string>();
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await say(connection, EMPTY_200);
      late.resolve((await connection.inlet.until('late', PATIENCE)).bytes.toString('latin1'));
    });
    const wire = await (await stage.proxy(simpleRules(port))).wire();
    await wire.send(rdg('RDG_IN_DATA', 'Transfer-Encoding: chunked'));
    expect((await expectResponse(wire)).status).toBe(200);
    await wire.send('5\r\nfirst\r\n');
    await wire.send('4\r\nlate\r\n');
    expect(await late.promise).toContain('late');
  });

  it('stays up where its OUT was answered 401: no state is kept across channels', async () => {
    const pdu = later<string>();
    const port = await stage.server(async (connection) => {
      const head = await nextHead(connection);
      if (head.startsWith('RPC_OUT_DATA')) await say(connection, CHALLENGE);
      else pdu.resolve((await connection.inlet.until('after', PATIENCE)).bytes.toString());
    });
    const proxy = await stage.proxy(simpleRules(port));
    const [into, out] = [await proxy.wire(), await proxy.wire()];
    const rpc = (method: string, length: number): string =>
      `${method} /rpc/rpcproxy.dll?EXCH1:6001 HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${length}\r\n\r\n`;
    await into.send(rpc('RPC_IN_DATA', 1_073_741_824), 'before ');
    await out.send(rpc('RPC_OUT_DATA', 0));
    expect((await expectResponse(out)).status).toBe(401);
    await out.close();
    await into.send('after');
    expect(await pdu.promise).toBe('before after');
  });
});

describe('the channel OUT', () => {
  it('passes a 200 without a length as it came, chunks it never, and ends with its connection', async () => {
    const response = 'HTTP/1.1 200 OK\r\nServer: Microsoft-IIS/10.0\r\n\r\n';
    const seed = '\0\x01seed bytes';
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await say(connection, response + seed);
      await connection.inlet.some(30);
      await say(connection, 'more');
      connection.finish();
    });
    const proxy = await stage.proxy(simpleRules(port));
    const wire = await proxy.wire();
    await wire.send(rdg('RDG_OUT_DATA', 'Connection: Keep-Alive', 'Content-Length: 0'));
    expect((await wire.inlet.rest(PATIENCE)).bytes.toString('latin1')).toBe(`${response}${seed}more`);
    wire.finish();
    expect(await proxy.request('/remoteDesktopGateway/')).toMatchObject({ status: 200, bytesDown: seed.length + 4 });
  });

  it.each([
    'HTTP/1.1 403 Forbidden\r\nX-Reason:  a  b \r\nContent-Type: text/html\r\ncontent-length: 6\r\n\r\n<no/>\n',
    'HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.0 503 RPC Error: 6ba, EEInfo: AQAAAA==\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
  ])('passes an error answer of the gateway byte for byte: %j', async (response) => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await say(connection, response);
      await connection.inlet.whenOver();
    });
    for (const method of ['RDG_OUT_DATA', 'RPC_OUT_DATA']) {
      const wire = await (await stage.proxy(simpleRules(port))).wire();
      await wire.send(rdg(method, 'Connection: Keep-Alive', 'Content-Length: 0'));
      expect((await wire.inlet.exactly(response.length, PATIENCE)).bytes.toString('latin1')).toBe(response);
    }
  });

  it('breaks off its client at once where the server dies, and its server where the client does', async () => {
    const [die, over] = [later<void>(), later<string>()];
    const port = await stage.server(async (connection) => {
      const head = await nextHead(connection);
      await say(connection, 'HTTP/1.1 200 OK\r\n\r\nup');
      if (head.includes('X-Die')) {
        await die.promise;
        connection.reset();
      } else over.resolve(await connection.inlet.whenOver());
    });
    const proxy = await stage.proxy(simpleRules(port));
    const [dies, leaves] = [await proxy.wire(), await proxy.wire()];
    await dies.send(rdg('RDG_OUT_DATA', 'Content-Length: 0', 'X-Die: 1'));
    await dies.inlet.until('up', PATIENCE);
    die.resolve();
    expect((await dies.inlet.rest(PATIENCE)).kind).toBe('failed');
    await leaves.send(rdg('RDG_OUT_DATA', 'Content-Length: 0'));
    await leaves.inlet.until('up', PATIENCE);
    leaves.reset();
    expect(await over.promise).toBeTypeOf('string');
  });
});

describe('the upgrade', () => {
  it('passes with its odd key, is refused and granted on one connection, and is opaque from then on', async () => {
    const heads: string[] = [];
    const port = await stage.server(async (connection) => {
      heads.push(await nextHead(connection));
      await say(connection, CHALLENGE);
      heads.push(await nextHead(connection));
      await say(connection, 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
      const frame = await connection.inlet.exactly(6, PATIENCE);
      await connection.send(frame.bytes);
    });
    const proxy = await stage.proxy(simpleRules(port));
    const wire = await proxy.wire();
    await wire.send(rdg('RDG_OUT_DATA', ...UPGRADE, ...LOGIN));
    expect((await expectResponse(wire)).status).toBe(401);
    await wire.send(rdg('RDG_OUT_DATA', ...UPGRADE, ...LOGIN));
    expect(await readResponseHead(wire)).toMatchObject({ head: { status: 101 } });
    const frame = Buffer.from([0x82, 0x80, 0xff, 0x00, 0x0d, 0x0a]); // masked, empty, and no frame a reader would like
    await wire.send(frame);
    expect((await wire.inlet.exactly(6, PATIENCE)).bytes).toEqual(frame);
    expect(heads).toHaveLength(2);
    for (const head of heads) for (const line of UPGRADE) expect(head).toContain(`\r\n${line}\r\n`);
  });

  it('leaves its connection usable where it is refused with 404, and becomes a channel OUT where the answer is a plain 200', async () => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await say(connection, 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
      await nextHead(connection);
      await say(connection, 'HTTP/1.1 200 OK\r\n\r\nseed');
    });
    const wire = await (await stage.proxy(simpleRules(port))).wire();
    await wire.send(rdg('RDG_OUT_DATA', ...UPGRADE, ...LOGIN));
    expect((await expectResponse(wire)).status).toBe(404);
    await wire.send(rdg('RDG_OUT_DATA', ...UPGRADE, ...LOGIN));
    expect((await wire.inlet.until('seed', PATIENCE)).kind).toBe('bytes');
  });
});

describe('silence', () => {
  const LIMITS = 'timeouts: { answer: 30ms, idle: 30ms, tunnelIdle: 10h }';
  const shortLimits = (port: number): string =>
    `${simpleRules(port, LIMITS)}limits: { headTime: 30ms, keepAlive: 30ms }\n`;

  it.each([
    ['a channel OUT', 'HTTP/1.1 200 OK\r\n\r\n', ['Content-Length: 0']],
    ['an upgraded connection', 'HTTP/1.1 101 Go\r\nUpgrade: websocket\r\n\r\n', [...UPGRADE, 'Content-Length: 0']],
  ])('beyond every ordinary limit does not end %s', async (_what, response, fields) => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await say(connection, response);
      await connection.inlet.some(200);
      await say(connection, 'still here');
    });
    const wire = await (await stage.proxy(shortLimits(port))).wire();
    await wire.send(rdg('RDG_OUT_DATA', ...fields));
    expect((await wire.inlet.until('still here', PATIENCE)).kind).toBe('bytes');
  });

  it.skipIf(process.platform !== 'linux')('is probed by TCP keepalive on both legs within a minute', async () => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await say(connection, 'HTTP/1.1 200 OK\r\n\r\nup');
      await connection.inlet.whenOver();
    });
    const proxy = await stage.proxy(simpleRules(port));
    const wire = await proxy.wire();
    await wire.send(rdg('RDG_OUT_DATA', 'Content-Length: 0'));
    await wire.inlet.until('up', PATIENCE);
    // An acknowledgement still owed shows as another timer for a moment.
    await expect.poll(() => keepAliveSeconds({ local: proxy.port }), { timeout: PATIENCE }).toEqual([within(60)]);
    await expect.poll(() => keepAliveSeconds({ remote: port }), { timeout: PATIENCE }).toEqual([within(60)]);
  });
});

/**
 * Seconds until the kernel's keepalive timer fires, of this process's established IPv4 sockets with that port; proc(5),
 * /proc/net/tcp. Sockets of others may have the same number as their own port.
 */
function keepAliveSeconds(wanted: { local: number } | { remote: number }): number[] {
  const [ESTABLISHED, KEEPALIVE, JIFFIES_PER_SECOND] = ['01', '02', 100];
  const portOf = (address = ''): number => Number.parseInt(address.split(':')[1] ?? '', 16);
  const ours = new Set(readdirSync('/proc/self/fd').map((fd) => descriptor(fd)));
  return readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, remote, state, , , , , , inode]) => {
      const port = 'local' in wanted ? portOf(local) === wanted.local : portOf(remote) === wanted.remote;
      return port && state === ESTABLISHED && ours.has(`socket:[${inode}]`);
    })
    .flatMap(([, , , , , timer = '']) => {
      const [kind, jiffies = ''] = timer.split(':');
      return kind === KEEPALIVE ? [Number.parseInt(jiffies, 16) / JIFFIES_PER_SECOND] : [];
    });
}

/** A number of seconds from 0 to the limit. */
function within(limit: number): unknown {
  return { asymmetricMatch: (value: unknown) => typeof value === 'number' && value >= 0 && value <= limit };
}

/** What a file descriptor of this process is, `socket:[INODE]` for a socket; empty where it was closed meanwhile. */
function descriptor(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}
