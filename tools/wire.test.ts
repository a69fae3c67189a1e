import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, expect, it } from 'vitest';
import { createAuthority } from './certs.ts';
import { field } from './message.ts';
import { connect, expectResponse, readResponse, reset, type Wire } from './wire.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A server that does as it is told with each connection, and a wire to it. */
async function wired(serve: (socket: Socket) => void): Promise<Wire> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    closers.push(async () => socket.destroy());
    serve(socket);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closers.push(() => new Promise((done) => server.close(done)));
  return track(await connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }));
}

function track(wire: Wire): Wire {
  closers.push(() => wire.close());
  return wire;
}

const answer =
  (...pieces: string[]) =>
  (socket: Socket) => {
    for (const piece of pieces) socket.write(piece, 'latin1');
  };

it('reads a body of announced length and leaves the next response in place', async () => {
  const wire = await wired(answer('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 204 No Content\r\n\r\n'));
  expect((await expectResponse(wire)).body.toString()).toBe('abc');
  expect((await expectResponse(wire)).status).toBe(204);
});

it('reads chunks without their framing, extensions and trailers', async () => {
  const wire = await wired(
    answer(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n',
      'A\r\n0123456789\r\n0\r\nX: y\r\n\r\n',
    ),
  );
  expect((await expectResponse(wire)).body.toString()).toBe('abc0123456789');
});

it('reads to the end of the connection where no length is announced', async () => {
  const wire = await wired((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nall of it'));
  expect(await expectResponse(wire)).toMatchObject({ version: '1.0', framing: { kind: 'close' } });
});

it('keeps 1xx responses apart from the final one', async () => {
  const wire = await wired(answer('HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
  const response = await expectResponse(wire);
  expect([response.interim.map((head) => head.status), response.status]).toEqual([[100], 200]);
});

it('keeps the order and spelling of fields and finds them by any case', async () => {
  const wire = await wired(answer('HTTP/1.1 200 OK\r\nx-ODD: 1\r\nCONTENT-length: 0\r\n\r\n'));
  const { fields } = await expectResponse(wire);
  expect(fields).toEqual([
    ['x-ODD', '1'],
    ['CONTENT-length', '0'],
  ]);
  expect(field(fields, 'X-Odd')).toBe('1');
});

it('takes no body after HEAD', async () => {
  const wire = await wired(answer('HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n'));
  expect((await expectResponse(wire, { method: 'HEAD' })).body.length).toBe(0);
});

const broken: [string, (socket: Socket) => void, string][] = [
  ['ended', (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'), 'abc'],
  ['late', (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'), 'abc'],
  ['bad', (socket) => socket.write('SSH-2.0-OpenSSH\r\n\r\n'), 'SSH-2.0-OpenSSH\r\n\r\n'],
  ['bad', (socket) => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n'), ''],
  ['failed', (socket) => reset(socket), ''],
];
for (const [kind, serve, bytes] of broken) {
  it(`says ${kind}, with what had come, where the response is ${JSON.stringify(bytes)} and no more`, async () => {
    const wire = await wired((socket) => void socket.once('data', () => serve(socket)));
    await wire.send('GET / HTTP/1.1\r\n\r\n');
    const read = await readResponse(wire, { milliseconds: 100 });
    expect(read).toMatchObject({ kind });
    expect(read.kind !== 'response' && read.bytes.toString()).toBe(bytes);
  });
}

it('sends byte by byte, each on its own', async () => {
  const pieces: string[] = [];
  const wire = await wired((socket) => socket.on('data', (piece) => pieces.push(piece.toString())));
  expect(await wire.trickle('abc', { pause: 20 })).toBe(true);
  expect(pieces).toEqual(['a', 'b', 'c']);
});

it('reads on after its own FIN', async () => {
  const wire = await wired((socket) => socket.on('data', () => {}).on('end', () => socket.end('late answer')));
  wire.finish();
  expect((await wire.inlet.rest(2_000)).bytes.toString()).toBe('late answer');
});

for (const secure of [false, true]) {
  it(`resets a ${secure ? 'TLS' : 'plain'} connection with RST, which the server sees as ECONNRESET`, async () => {
    const leaf = await (await createAuthority()).issue({ names: ['localhost'] });
    const seen = new Promise((done) => {
      const serve = (socket: Socket) => socket.on('error', (error) => done((error as NodeJS.ErrnoException).code));
      const server = secure
        ? createTlsServer({ cert: leaf.certPem, key: leaf.keyPem }, (socket) => serve(socket).write('hello'))
        : createServer((socket) => serve(socket).write('hello'));
      closers.push(() => new Promise((closed) => server.close(closed)));
      server.listen(0, '127.0.0.1', async () => {
        const { port } = server.address() as AddressInfo;
        const tls = { rejectUnauthorized: false };
        const wire = await connect({ host: '127.0.0.1', port, ...(secure && { tls }) });
        expect((await wire.inlet.exactly(5, 2_000)).bytes.toString()).toBe('hello');
        wire.reset();
      });
    });
    expect(await seen).toBe('ECONNRESET');
  });
}

it('holds the sender back while nobody reads', async () => {
  let sent = 0;
  const wire = await wired((socket) => {
    const block = Buffer.alloc(65_536);
    const more = () => {
      if (socket.destroyed || sent > 512) return;
      socket.write(block, () => {
        sent += 1;
        more();
      });
    };
    more();
  });
  await new Promise((done) => setTimeout(done, 200));
  expect(sent).toBeLessThan(256); // kernel buffers are a few MiB; 32 MiB would be no push-back
  expect((await wire.inlet.some(1_000)).kind).toBe('bytes');
});
