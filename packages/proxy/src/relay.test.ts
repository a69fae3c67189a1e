import { createHash, randomBytes } from 'node:crypto';
import { expectResponse, readResponseHead } from '@outrigger/tools/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { UNSENT_LIMIT } from './leg.ts';
import { answer, echoing, later, nextHead, openStage, PATIENCE, pathOf, simpleRules } from './testing/stage.ts';

const stage = openStage();
afterEach(() => stage.close());

const GET = (path: string, ...fields: string[]): string =>
  [`GET ${path} HTTP/1.1`, 'Host: a.test', ...fields, '', ''].join('\r\n');
const IN = (length = 1_073_741_824): string =>
  `RPC_IN_DATA /rpc/rpcproxy.dll?EXCH1:6001 HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${length}\r\n\r\n`;
const OUT = 'RPC_OUT_DATA /rpc/rpcproxy.dll?EXCH1:6001 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\n';

describe('the way of bytes', () => {
  it('passes a head that comes byte by byte', async () => {
    const proxy = await stage.proxy(simpleRules(await stage.server(echoing('one'))));
    const wire = await proxy.wire();
    await wire.trickle(GET('/slow'));
    expect((await expectResponse(wire)).body.toString()).toBe('one 1 /slow');
  });

  it('sends a head and the PDU that came with it in one segment, before anything else', async () => {
    const first = later<Buffer>();
    const port = await stage.server(async (connection) => {
      const taken = await connection.inlet.some(PATIENCE);
      first.resolve(taken.bytes);
    });
    const wire = await (await stage.proxy(simpleRules(port))).wire();
    await wire.send(IN(), 'first PDU');
    const text = (await first.promise).toString('latin1');
    expect(text).toMatch(/^RPC_IN_DATA /);
    expect(text).toMatch(/\r\n\r\nfirst PDU$/);
  });

  it('carries 3 MB up with a length, and chunked, byte for byte', async () => {
    const body = randomBytes(3_000_000);
    const hashes: string[] = [];
    const port = await stage.server(async (connection) => {
      for (const end of [body.length, Number.NaN]) {
        await nextHead(connection);
        const taken = Number.isNaN(end)
          ? await connection.inlet.until('\r\n0\r\n\r\n', PATIENCE)
          : await connection.inlet.exactly(end, PATIENCE);
        hashes.push(createHash('sha256').update(taken.bytes).digest('hex'));
        await connection.send(answer('ok'));
      }
    });
    const wire = await (await stage.proxy(simpleRules(port))).wire();
    const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
    await wire.send(`PUT /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${body.length}\r\n\r\n`, body);
    expect((await expectResponse(wire)).body.toString()).toBe('ok');
    const size = body.length.toString(16);
    const chunked = Buffer.concat([Buffer.from(`${size}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);
    await wire.send('PUT /b HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n', chunked);
    expect((await expectResponse(wire)).body.toString()).toBe('ok');
    expect(hashes).toEqual([sha(body), sha(chunked)]);
  });

  it('passes trailers both ways as they came, and finds the next head behind them', async () => {
    const body = '3\r\nabc\r\n0\r\nDigest: x\r\nX-Odd:  y\r\n\r\n';
    const got = later<string>();
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      const taken = await connection.inlet.exactly(body.length, PATIENCE);
      got.resolve(taken.bytes.toString());
      await connection.send(
        Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Digest\r\n\r\n${body}`),
      );
      await nextHead(connection);
      await connection.send(answer('second'));
    });
    const wire = await (await stage.proxy(simpleRules(port))).wire();
    await wire.send(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
    expect(await got.promise).toBe(body);
    expect((await readResponseHead(wire)).kind).toBe('head');
    expect((await wire.inlet.exactly(body.length, PATIENCE)).bytes.toString()).toBe(body);
    await wire.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await expectResponse(wire)).body.toString()).toBe('second');
  });

  it('keeps names, order and repetitions of fields as spelled, both ways', async () => {
    const seen = later<string>();
    const response =
      'HTTP/1.1 401 Nein\r\nWWW-Authenticate: Negotiate\r\nwww-authenticate: NTLM\r\nX-b: 1\r\nX-A:  2 \r\nWWW-Authenticate: Basic realm="x"\r\ncontent-length: 0\r\n\r\n';
    const port = await stage.server(async (connection) => {
      seen.resolve(await nextHead(connection));
      await connection.send(Buffer.from(response));
    });
    const wire = await (await stage.proxy(simpleRules(port))).wire();
    await wire.send('GET / HTTP/1.1\r\nhOST: a.test\r\nX-b: 1\r\nCookie: x={"y"}\r\nX-A:2\r\nx-B: 3\r\n\r\n');
    const taken = await wire.inlet.until('\r\n\r\n', PATIENCE);
    expect(taken.bytes.toString()).toBe(response);
    expect(await seen.promise).toMatch(
      /^GET \/ HTTP\/1.1\r\nhOST: a.test\r\nX-b: 1\r\nCookie: x=\{"y"\}\r\nX-A:2\r\nx-B: 3\r\n/,
    );
  });

  it('passes 1xx heads on, a 100 exactly once, and does not answer Expect itself', async () => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      expect((await connection.inlet.some(50)).kind).toBe('late'); // the body waits for the 100
      await connection.send(Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n'));
      const body = await connection.inlet.exactly(4, PATIENCE);
      await connection.send(answer(body.bytes.toString()));
    });
    const wire = await (await stage.proxy(simpleRules(port))).wire();
    await wire.send('POST / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n');
    expect(await readResponseHead(wire)).toMatchObject({ head: { status: 103 } });
    expect(await readResponseHead(wire)).toMatchObject({ head: { status: 100 } });
    await wire.send('body');
    const response = await expectResponse(wire);
    expect([response.interim, response.body.toString()]).toEqual([[], 'body']);
  });

  it.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5000\r\n\r\n'],
    ['GET', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'],
  ])('finds the end of the answer to %s: %j', async (method, response) => {
    const port = await stage.server(async (connection) => {
      for (;;) {
        if (pathOf(await nextHead(connection)) === '/next') return connection.send(answer('next'));
        await connection.send(Buffer.from(response));
      }
    });
    const wire = await (await stage.proxy(simpleRules(port))).wire();
    await wire.send(`${method} / HTTP/1.1\r\nHost: a.test\r\n\r\n`, GET('/next'));
    await wire.inlet.exactly(response.length, PATIENCE);
    expect((await expectResponse(wire)).body.toString()).toBe('next');
  });

  it('ends a body that ends with its connection, and closes', async () => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await connection.send(Buffer.from('HTTP/1.0 200 OK\r\n\r\nall '));
      await connection.send(Buffer.from('of it'));
      connection.finish();
    });
    const proxy = await stage.proxy(simpleRules(port));
    const wire = await proxy.wire();
    await wire.send(GET('/'));
    expect((await wire.inlet.rest(PATIENCE)).bytes.toString()).toBe('HTTP/1.0 200 OK\r\n\r\nall of it');
    expect(await proxy.request('/')).toMatchObject({ status: 200, bytesDown: 9, ending: { how: 'complete' } });
  });

  it('reads no more from a server than its client takes', async () => {
    const sent = { bytes: 0 };
    const piece = Buffer.alloc(64 * 1024);
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await connection.send(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n'));
      while (await connection.send(piece)) sent.bytes += piece.length;
    });
    const wire = await (await stage.proxy(simpleRules(port))).wire();
    await wire.send(GET('/'));
    await settled(() => sent.bytes);
    // Ours, and what the kernel holds for four sockets on loopback.
    expect(sent.bytes).toBeGreaterThan(UNSENT_LIMIT);
    expect(sent.bytes).toBeLessThan(24 * 1024 * 1024);
  });

  it('goes on reading IN while OUT is blocked', async () => {
    const piece = Buffer.alloc(64 * 1024);
    let up = 0;
    const port = await stage.server(async (connection) => {
      const head = await nextHead(connection);
      if (head.startsWith('RPC_IN_DATA')) {
        for (let read = await connection.inlet.some(PATIENCE); read.kind === 'bytes'; ) {
          up += read.bytes.length;
          read = await connection.inlet.some(PATIENCE);
        }
        return;
      }
      await connection.send(Buffer.from('HTTP/1.1 200 Success\r\nContent-Length: 1073741824\r\n\r\n'));
      while (await connection.send(piece));
    });
    const proxy = await stage.proxy(simpleRules(port));
    const out = await proxy.wire();
    await out.send(OUT, 'abcd');
    const into = await proxy.wire();
    await into.send(IN(), randomBytes(2_000_000));
    await expect.poll(() => up, { timeout: PATIENCE }).toBe(2_000_000);
  });
});

describe('half-close', () => {
  it('delivers every byte of 64 numbered PDUs when the client half-closes mid-stream', async () => {
    const pdus = Array.from({ length: 64 }, (_, number) => Buffer.alloc(500, number));
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await connection.inlet.exactly(4, PATIENCE);
      await connection.send(Buffer.from('HTTP/1.1 200 Success\r\nContent-Length: 1073741824\r\n\r\n'));
      for (const [number, pdu] of pdus.entries()) {
        if (number === 10) await connection.inlet.whenOver();
        await connection.send(pdu);
      }
      connection.finish();
    });
    const proxy = await stage.proxy(simpleRules(port));
    const wire = await proxy.wire();
    await wire.send(OUT, 'abcd');
    await readResponseHead(wire);
    await wire.inlet.exactly(500 * 5, PATIENCE);
    wire.finish();
    expect((await wire.inlet.rest(PATIENCE)).bytes.equals(Buffer.concat(pdus.slice(5)))).toBe(true);
    expect(await proxy.request('/rpc')).toMatchObject({
      status: 200,
      bytesDown: 32_000,
      channel: 'EXCH1:6001',
      ending: { how: 'closed', by: 'client' },
    });
  });

  it('lets the client send on after the server has said its last on IN', async () => {
    const late = later<string>();
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      connection.finish();
      const taken = await connection.inlet.exactly(8, PATIENCE);
      late.resolve(taken.bytes.toString());
    });
    const wire = await (await stage.proxy(simpleRules(port))).wire();
    await wire.send(IN());
    expect((await wire.inlet.rest(PATIENCE)).kind).toBe('bytes');
    await wire.send('late PDU');
    expect(await late.promise).toBe('late PDU');
  });

  it('answers a client that has ended its side behind a whole request', async () => {
    const proxy = await stage.proxy(simpleRules(await stage.server(echoing('one'))));
    const wire = await proxy.wire();
    await wire.send(GET('/last'));
    wire.finish();
    expect((await wire.inlet.rest(PATIENCE)).bytes.toString()).toMatch(/one 1 \/last$/);
  });
});

describe('ends', () => {
  it('passes a 401 that answers IN before its 1 GiB, and closes without a reset', async () => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await connection.send(
        Buffer.from('HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\nConnection: close\r\n\r\nsorry'),
      );
      connection.finish();
    });
    const proxy = await stage.proxy(simpleRules(port));
    const wire = await proxy.wire();
    await wire.send(IN(), Buffer.alloc(200_000));
    expect((await expectResponse(wire)).body.toString()).toBe('sorry');
    await wire.send(Buffer.alloc(200_000)); // would meet a RST if the connection had been destroyed
    expect((await wire.inlet.rest(PATIENCE)).kind).toBe('bytes');
    wire.finish();
    expect(await proxy.request('/rpc')).toMatchObject({ status: 401, code: 'CHANNEL_LOGIN_REFUSED' });
  });

  it('passes a 401 also from a server that breaks off under the body of IN', async () => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await connection.send(Buffer.from('HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nsorry'));
      void connection.close(); // bytes of IN are unread: a reset
    });
    const proxy = await stage.proxy(simpleRules(port));
    for (let round = 0; round < 20; round++) {
      const wire = await proxy.wire();
      await wire.send(IN());
      const sending = wire.trickle(Buffer.alloc(2_000_000), { size: 64_000, pause: 0 });
      expect((await expectResponse(wire)).status).toBe(401);
      await wire.close();
      await sending;
    }
  });

  it('closes after a 200 of 1 GiB on OUT that the server ended early, with nothing made up', async () => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await connection.send(Buffer.from('HTTP/1.1 200 Success\r\nContent-Length: 1073741824\r\n\r\nPDU'));
      connection.finish();
    });
    const proxy = await stage.proxy(simpleRules(port));
    const wire = await proxy.wire();
    await wire.send(OUT, 'abcd');
    expect((await wire.inlet.rest(PATIENCE)).bytes.toString()).toMatch(/\r\n\r\nPDU$/);
    wire.finish();
    expect(await proxy.request('/rpc')).toMatchObject({
      bytesUp: 4,
      bytesDown: 3,
      ending: { how: 'closed', by: 'server' },
    });
  });

  it('breaks off when the server does inside a body that would end with its connection', async () => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await connection.send(Buffer.from('HTTP/1.1 200 OK\r\n\r\nhalf'));
      await connection.inlet.some(50);
      connection.reset();
    });
    const wire = await (await stage.proxy(simpleRules(port))).wire();
    await wire.send(GET('/'));
    expect((await wire.inlet.rest(PATIENCE)).kind).toBe('failed');
  });

  it('ends the upstream connection at once when the client is gone', async () => {
    const [begun, over] = [later<void>(), later<void>()];
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      begun.resolve();
      await connection.inlet.whenOver();
      over.resolve();
    });
    const proxy = await stage.proxy(simpleRules(port));
    const wire = await proxy.wire();
    await wire.send(IN());
    await begun.promise;
    wire.reset();
    await over.promise;
    expect(await proxy.request('/rpc')).toMatchObject({
      ending: { how: 'reset', by: 'client' },
      code: 'CHANNEL_NO_B1',
    });
  });

  it('answers 502 when the server closes instead of answering, 504 when it says nothing', async () => {
    const port = await stage.server(async (connection) => {
      if (pathOf(await nextHead(connection)) === '/close') connection.finish();
    });
    const proxy = await stage.proxy(simpleRules(port, 'timeouts: { answer: 100ms }'));
    const [first, second] = [await proxy.wire(), await proxy.wire()];
    await first.send(GET('/close'));
    await second.send(GET('/silent'));
    expect((await expectResponse(first)).status).toBe(502);
    expect((await expectResponse(second)).status).toBe(504);
    expect(await proxy.request('/close')).toMatchObject({ status: 502, code: 'UPSTREAM_CLOSED' });
    expect(await proxy.request('/silent')).toMatchObject({ status: 504, code: 'UPSTREAM_ANSWER_TIMEOUT' });
  });

  it('has no limit for the answer to IN, and ends a channel that is silent both ways', async () => {
    const port = await stage.server((connection) => connection.inlet.whenOver());
    const proxy = await stage.proxy(simpleRules(port, 'timeouts: { answer: 20ms, idle: 20ms, tunnelIdle: 300ms }'));
    const wire = await proxy.wire();
    await wire.send(IN(), 'PDU');
    expect((await wire.inlet.some(150)).kind).toBe('late');
    await wire.send('PDU');
    expect((await wire.inlet.some(200)).kind).toBe('late'); // counted anew from the second PDU
    expect((await wire.inlet.rest(PATIENCE)).bytes.length).toBe(0);
    wire.finish();
    expect(await proxy.request('/rpc')).toMatchObject({ bytesUp: 6, ending: { how: 'silent', by: 'proxy' } });
  });

  it('refuses an answer that could be read in two ways', async () => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await connection.send(
        Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'),
      );
    });
    const proxy = await stage.proxy(simpleRules(port));
    const wire = await proxy.wire();
    await wire.send(GET('/'));
    expect((await expectResponse(wire)).status).toBe(502);
    expect(await proxy.request('/')).toMatchObject({ code: 'UPSTREAM_BAD_ANSWER' });
  });

  it('takes no bytes behind an answer for the answer to the next request', async () => {
    let count = 0;
    const port = await stage.server(async (connection) => {
      count += 1;
      const number = count;
      await nextHead(connection);
      await connection.send(
        Buffer.concat([answer(`true ${number}`), number === 1 ? answer('planted') : Buffer.alloc(0)]),
      );
      await connection.inlet.whenOver();
    });
    const proxy = await stage.proxy(simpleRules(port));
    const wire = await proxy.wire();
    await wire.send(GET('/1'));
    expect((await expectResponse(wire)).body.toString()).toBe('true 1');
    await wire.send(GET('/2'));
    expect((await wire.inlet.rest(PATIENCE)).bytes.toString()).not.toContain('planted');
  });

  it('takes nothing behind a refused Expect for a request', async () => {
    const seen: string[] = [];
    const port = await stage.server(async (connection) => {
      seen.push(await nextHead(connection));
      await connection.send(Buffer.from('HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n'));
      seen.push(await nextHead(connection).catch(() => ''));
    });
    const wire = await (await stage.proxy(simpleRules(port))).wire();
    await wire.send('POST / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 50\r\n\r\n');
    expect((await expectResponse(wire)).status).toBe(417);
    await wire.send(GET('/hidden'));
    expect((await wire.inlet.rest(PATIENCE)).bytes.length).toBe(0);
    wire.finish();
    expect(seen.join()).not.toContain('/hidden');
  });
});

describe('upgrades', () => {
  const UPGRADE = GET('/ws', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: SGMDS@^QS@[MUNE');

  it('is opaque both ways after 101, also for bytes that look like a request', async () => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await connection.send(Buffer.from('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nhello'));
      const taken = await connection.inlet.rest(PATIENCE);
      await connection.send(taken.bytes);
      connection.finish();
    });
    const proxy = await stage.proxy(simpleRules(port));
    const wire = await proxy.wire();
    const frames = Buffer.concat([Buffer.from(GET('/not-a-request')), randomBytes(100_000)]);
    await wire.send(UPGRADE, frames.subarray(0, 1000));
    await wire.send(frames.subarray(1000));
    wire.finish();
    const all = (await wire.inlet.rest(PATIENCE)).bytes;
    expect(all.subarray(all.indexOf('hello') + 5).equals(frames)).toBe(true);
    expect(await proxy.request('/ws')).toMatchObject({ status: 101, bytesUp: frames.length });
  });

  it('leaves the connection usable where the upgrade is refused', async () => {
    const port = await stage.server(echoing('one'));
    const wire = await (await stage.proxy(simpleRules(port))).wire();
    await wire.send(UPGRADE, GET('/after'));
    expect((await expectResponse(wire)).body.toString()).toBe('one 1 /ws');
    expect((await expectResponse(wire)).body.toString()).toBe('one 1 /after');
  });

  it('refuses a 101 that nobody asked for', async () => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await connection.send(Buffer.from('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'));
    });
    const wire = await (await stage.proxy(simpleRules(port))).wire();
    await wire.send(GET('/'));
    expect((await expectResponse(wire)).status).toBe(502);
  });
});

/** Waits until a number has stood still for a while. */
async function settled(value: () => number): Promise<void> {
  for (let last = -1, same = 0; same < 5; ) {
    same = value() === last && last > 0 ? same + 1 : 0;
    last = value();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
