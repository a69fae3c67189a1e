import type { Wire } from '@outrigger/tools/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { echoing, openStage, PATIENCE } from '../testing/stage.ts';
import { block, END_HEADERS, END_STREAM, frame, frameUntil, HELLO, type Received } from './testing/frames.ts';
import { site } from './testing/site.ts';

const stage = openStage();
afterEach(() => stage.close());

type Field = [name: string, value: string];
const PROTOCOL_ERROR = 1;
const ENHANCE_YOUR_CALM = 11;

/** A client of frames in front of a server that writes down every byte it gets. */
async function attack({ more = '', silent = false } = {}) {
  const bytes: Buffer[] = [];
  const port = await stage.server(async (connection) => {
    for (;;) {
      const some = await connection.inlet.some(PATIENCE);
      if (some.kind !== 'bytes') return;
      bytes.push(Buffer.from(some.bytes));
      if (!silent) await connection.send(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
    }
  });
  const proxy = await site(stage, port, { more });
  const tls = { rejectUnauthorized: false, servername: 'www.test', ALPNProtocols: ['h2'] };
  const wire = await proxy.wire({ tls });
  await wire.send(HELLO);
  return { wire, proxy, seen: () => Buffer.concat(bytes).toString('latin1') };
}

function get(overrides: Field[] = [], more: Field[] = []): Buffer {
  const base: Field[] = [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/'],
    [':authority', 'www.test'],
  ];
  const fields = base.map(([name, value]): Field => [name, overrides.find(([other]) => other === name)?.[1] ?? value]);
  return block([...fields, ...more]);
}

/** What becomes of a stream: reset, a head, or the end of the connection. */
function outcome(wire: Wire): Promise<Received | undefined> {
  return frameUntil(
    wire,
    ({ type, stream }) => (stream === 1 && ['reset', 'headers'].includes(type)) || type === 'goAway',
  );
}

describe('a request that could be read in two ways as HTTP/1.1', () => {
  it.each<[string, Buffer]>([
    ['upper case in a name', get([], [['X-Upper', '1']])],
    ['connection', get([], [['connection', 'close']])],
    ['proxy-connection', get([], [['proxy-connection', 'close']])],
    ['keep-alive', get([], [['keep-alive', '1']])],
    ['upgrade', get([], [['upgrade', 'h2c']])],
    ['transfer-encoding', get([], [['transfer-encoding', 'chunked']])],
    ['te other than trailers', get([], [['te', 'chunked']])],
    [
      'two lengths',
      get(
        [],
        [
          ['content-length', '1'],
          ['content-length', '2'],
        ],
      ),
    ],
    ['a length that is none', get([], [['content-length', '+1']])],
    ['a length without a body', get([], [['content-length', '5']])],
    ['a line break in the method', get([[':method', 'GET / HTTP/1.1\r\nX: 1']])],
    ['a blank in the method', get([[':method', 'GET /evil']])],
    ['a line break in the path', get([[':path', '/ HTTP/1.1\r\nX: 1']])],
    ['a blank in the path', get([[':path', '/ /evil']])],
    ['a fragment', get([[':path', '/a#b']])],
    ['an absolute target', get([[':path', 'http://mail.test/rpc']])],
    ['a target without a slash', get([[':path', 'evil']])],
    ['an empty target', get([[':path', '']])],
    ['a star for GET', get([[':path', '*']])],
    ['another scheme', get([[':scheme', 'http']])],
    ['a Host that is not the authority', get([], [['host', 'mail.test']])],
    ['two paths', get([], [[':path', '/evil']])],
    [
      'a pseudo-field behind a field',
      get(
        [],
        [
          ['x', '1'],
          [':path', '/evil'],
        ],
      ),
    ],
    ['an unknown pseudo-field', get([], [[':protocol', 'websocket']])],
  ])('with %s is reset, and the server sees nothing', async (_what, head) => {
    const { wire, seen } = await attack();
    await wire.send(frame('headers', END_STREAM | END_HEADERS, 1, head));
    expect(await outcome(wire)).toMatchObject({ type: 'reset', code: PROTOCOL_ERROR });
    expect(seen()).toBe('');
  });

  it.each<[string, Field]>([
    ['a line break', ['x-a', '1\r\nEvil: 1']],
    ['a bare LF', ['x-a', '1\nEvil: 1']],
    ['NUL', ['x-a', '1\0Evil']],
    ['a blank before it', ['x-a', ' Evil']],
    ['a name that is none', ['x a', 'Evil']],
    ['a colon in its name', ['x-a:b', 'Evil']],
  ])('loses a field with %s on the way', async (_what, field) => {
    const { wire, seen } = await attack();
    await wire.send(frame('headers', END_STREAM | END_HEADERS, 1, get([], [field, ['x-good', '1']])));
    expect(await outcome(wire)).toMatchObject({ type: 'headers' });
    expect(seen()).toMatch(/^GET \/ HTTP\/1.1\r\nhost: www.test\r\nx-good: 1\r\n/);
    expect(seen()).not.toMatch(/evil/i);
  });

  it('with more body than its length says is broken off before the excess', async () => {
    const { wire, seen } = await attack({ silent: true });
    const head = get([[':method', 'POST']], [['content-length', '4']]);
    await wire.send(frame('headers', END_HEADERS, 1, head), frame('data', 0, 1, 'body'));
    await expect.poll(seen).toMatch(/body$/);
    await wire.send(frame('data', END_STREAM, 1, 'GET /evil HTTP/1.1\r\nHost: www.test\r\n\r\n'));
    // Newer Nodes end the connection, older ones the stream.
    expect((await outcome(wire))?.code).toBeGreaterThan(0);
    expect(seen()).not.toMatch(/evil/);
  });

  it('with less is never made whole', async () => {
    const { wire, proxy } = await attack({ silent: true });
    const head = get([[':method', 'POST']], [['content-length', '9']]);
    await wire.send(frame('headers', END_HEADERS, 1, head), frame('data', END_STREAM, 1, 'body'));
    expect(await outcome(wire)).toMatchObject({ code: PROTOCOL_ERROR });
    expect((await proxy.request('/')).ending).toEqual({ how: 'closed', by: 'client' });
  });

  it('with trailers that decide what came before them is broken off', async () => {
    const { wire, seen } = await attack({ silent: true });
    await wire.send(frame('headers', END_HEADERS, 1, get([[':method', 'POST']])), frame('data', 0, 1, 'body'));
    await wire.send(frame('headers', END_STREAM | END_HEADERS, 1, block([['authorization', 'Evil']])));
    expect(await frameUntil(wire, ({ type }) => type === 'reset')).toMatchObject({ code: PROTOCOL_ERROR });
    expect(seen()).not.toMatch(/evil/i);
  });
});

describe('a client that wants too much', () => {
  it.each([
    ['bytes', Array.from({ length: 40 }, (_, index): Field => [`x-${index}`, 'v'.repeat(110)])],
    ['lines', Array.from({ length: 1_100 }, (): Field => ['a', ''])],
  ])('of %s in a head does not reach a server', async (_what, fields) => {
    const { wire, seen } = await attack({ more: 'limits: { head: 4KiB }' });
    const head = get([], fields);
    await wire.send(frame('headers', END_STREAM | END_HEADERS, 1, head.subarray(0, 16_384)));
    const end = await outcome(wire);
    expect(end?.type === 'headers' ? 'refused with a status' : end?.type).toMatch(/reset|refused/);
    expect(seen()).toBe('');
  });

  it('and breaks off stream after stream is sent away', async () => {
    const { wire, proxy } = await attack();
    const reset = Buffer.from([0, 0, 0, 8]);
    for (let stream = 1; stream < 1_400; stream += 40) {
      const some = Array.from({ length: 20 }, (_, index) => stream + 2 * index);
      const frames = some.flatMap((id) => [
        frame('headers', END_STREAM | END_HEADERS, id, get()),
        frame('reset', 0, id, reset),
      ]);
      await wire.send(...frames);
    }
    expect(await frameUntil(wire, ({ type }) => type === 'goAway')).toMatchObject({ code: ENHANCE_YOUR_CALM });
    await proxy.notice('HTTP2_FLOOD');
    await expect.poll(() => proxy.edge.connections()).toBe(0);
  });

  it('and opens more than a hundred streams at once, loses the connection', async () => {
    const port = await stage.server(() => {});
    const proxy = await site(stage, port);
    const wire = await proxy.wire({
      tls: { rejectUnauthorized: false, servername: 'www.test', ALPNProtocols: ['h2'] },
    });
    await wire.send(HELLO);
    const settings = await frameUntil(wire, ({ type, flags }) => type === 'settings' && flags === 0);
    expect(settings?.payload.toString('hex')).toContain('000300000064');
    await wire.send(frame('settings', 1, 0));
    const ids = Array.from({ length: 101 }, (_, index) => 1 + 2 * index);
    await wire.send(...ids.map((id) => frame('headers', END_STREAM | END_HEADERS, id, get())));
    await proxy.notice('HTTP2_PROTOCOL');
    await expect.poll(() => proxy.edge.connections()).toBe(0);
  });

  it('and says nothing is left after the idle limit', async () => {
    const { wire, proxy } = await attack({ more: 'limits: { keepAlive: 100ms }' });
    expect(await frameUntil(wire, ({ type }) => type === 'goAway')).toMatchObject({ code: 0 });
    await wire.close();
    await expect.poll(() => proxy.edge.connections()).toBe(0);
  });

  it('and speaks something else after the handshake ends its own connection alone', async () => {
    const proxy = await site(stage, await stage.server(echoing('web')));
    const wire = await proxy.wire({
      tls: { rejectUnauthorized: false, servername: 'www.test', ALPNProtocols: ['h2'] },
    });
    await wire.send('GET / HTTP/1.1\r\nHost: www.test\r\n\r\n');
    await proxy.notice('HTTP2_PROTOCOL');
    await expect.poll(() => proxy.edge.connections()).toBe(0);
  });
});
