import { readFileSync } from 'node:fs';
import { createAuthority } from '@outrigger/tools/certs';
import { expectResponse, readResponse } from '@outrigger/tools/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { LOOK, UNSENT_LIMIT } from './leg.ts';
import { later, nextHead, openStage, PATIENCE, simpleRules } from './testing/stage.ts';

// What a fault gets, for whole kinds of faults: the README's table, where no other test holds a row of it.

const stage = openStage();
afterEach(() => stage.close());

type Serve = Parameters<typeof stage.server>[0];

const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;
const POST = 'POST / HTTP/1.1\r\nHost: a.test\r\n';

const LANES = [
  ['relay', ''],
  ['rewrite', ', rewrite: { location: [{ from: /a, to: /b }] }'],
] as const;

/** A client of an edge with one server, everything in this lane. */
async function through(rewrite: string, serve: Serve, settings = '') {
  const rules = simpleRules(await stage.server(serve), settings).replace('{ to: one }', `{ to: one${rewrite} }`);
  const proxy = await stage.proxy(rules);
  return { proxy, wire: await proxy.wire() };
}

describe('a request that could end in two places', () => {
  const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;

  it.each([
    ['two lengths', 'CONTENT_LENGTH', `${POST}Content-Length: 3\r\nContent-Length: 0\r\n\r\nabc`],
    ['one length twice', 'CONTENT_LENGTH', `${POST}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`],
    ['a list of lengths', 'CONTENT_LENGTH', `${POST}Content-Length: 3, 3\r\n\r\nabc`],
    ['a length with a sign', 'CONTENT_LENGTH', `${POST}Content-Length: +3\r\n\r\nabc`],
    ['a hexadecimal length', 'CONTENT_LENGTH', `${POST}Content-Length: 0x3\r\n\r\nabc`],
    ['an empty length', 'CONTENT_LENGTH', `${POST}Content-Length:\r\n\r\nabc`],
    [
      'length and coding',
      'LENGTH_AND_CODING',
      `${POST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['chunked twice', 'TRANSFER_ENCODING', `${POST}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`],
    [
      'chunked on two lines',
      'TRANSFER_ENCODING',
      `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['chunked with a parameter', 'TRANSFER_ENCODING', `${POST}Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n`],
    ['chunked in quotes', 'TRANSFER_ENCODING', `${POST}Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n`],
    [
      'chunked in HTTP/1.0',
      'TRANSFER_ENCODING',
      'POST / HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a blank before the colon', 'FIELD_NAME', `${POST}Content-Length : 3\r\n\r\nabc`],
    ['a folded length', 'OBS_FOLD', `${POST}Content-Length:\r\n 3\r\n\r\nabc`],
    ['a bare LF', 'BARE_LF', `${POST}X: y\nContent-Length: 3\r\n\r\nabc`],
    ['a bare CR', 'BARE_CR', `${POST}X: y\rContent-Length: 3\r\n\r\nabc`],
    ['a chunk size with a prefix', 'CHUNK_SIZE', `${CHUNKED}0x3\r\nabc\r\n0\r\n\r\n`],
    ['a chunk size with a sign', 'CHUNK_SIZE', `${CHUNKED}+3\r\nabc\r\n0\r\n\r\n`],
    ['a chunk size that ends in LF', 'CHUNK_SIZE', `${CHUNKED}3\nabc\r\n0\r\n\r\n`],
    ['a chunk size beyond all numbers', 'CHUNK_SIZE', `${CHUNKED}ffffffffffffffff3\r\nabc\r\n0\r\n\r\n`],
    ['a control byte in an extension', 'CHUNK_EXTENSION', `${CHUNKED}3;a\0b\r\nabc\r\n0\r\n\r\n`],
    ['a chunk longer than its size', 'CHUNK_END', `${CHUNKED}3\r\nabcd\r\n0\r\n\r\n`],
    ['a folded trailer', 'TRAILER', `${CHUNKED}0\r\nX: y\r\n z\r\n\r\n`],
  ])('is answered 400, the connection ends, and nothing behind it is a request: %s', async (_what, code, bytes) => {
    const seen: string[] = [];
    const { proxy, wire } = await through('', async (connection) => {
      seen.push((await connection.inlet.rest(PATIENCE)).bytes.toString('latin1'));
    });
    await wire.send(bytes, GET('/hidden'));
    expect((await expectResponse(wire)).status).toBe(400);
    expect(await wire.inlet.rest(PATIENCE)).toEqual({ kind: 'bytes', bytes: Buffer.alloc(0) });
    wire.finish();
    await expect.poll(() => proxy.edge.connections()).toBe(0);
    expect(proxy.records).toMatchObject([{ code }]);
    expect(seen.join()).not.toContain('/hidden');
  });
});

it('answers 408 to a head that trickles on beyond its time, and ends the connection', async () => {
  const proxy = await stage.proxy(`${simpleRules(1)}limits: { headTime: 150ms }\n`);
  const wire = await proxy.wire();
  const sending = wire.trickle(GET(`/${'x'.repeat(500)}`), { pause: 5 });
  expect((await expectResponse(wire)).status).toBe(408);
  expect(await wire.inlet.rest(PATIENCE)).toMatchObject({ kind: 'bytes', bytes: Buffer.alloc(0) });
  await wire.close();
  await sending;
  expect(await proxy.notice('HEAD_TIMEOUT')).toBeDefined();
});

describe.each(LANES)('a server behind the %s lane', (_lane, rewrite) => {
  const sends = (bytes: string): Serve => {
    return async (connection) => {
      await nextHead(connection);
      await connection.send(Buffer.from(bytes));
      await connection.inlet.whenOver();
    };
  };

  it.each<[string, number, string, Serve]>([
    ['resets on accept', 502, 'UPSTREAM_RESET', (connection) => connection.reset()],
    [
      'closes instead of answering',
      502,
      'UPSTREAM_CLOSED',
      (connection) => nextHead(connection).then(connection.finish),
    ],
    [
      'closes inside its head',
      502,
      'UPSTREAM_CLOSED',
      async (connection) => {
        await nextHead(connection);
        await connection.send(Buffer.from('HTTP/1.1 200 O'));
        connection.finish();
      },
    ],
    ['speaks no HTTP', 502, 'UPSTREAM_BAD_ANSWER', sends('220 mail.test ESMTP\r\n')],
    [
      'answers in two ways',
      502,
      'UPSTREAM_BAD_ANSWER',
      sends('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'),
    ],
    ['says nothing', 504, 'UPSTREAM_ANSWER_TIMEOUT', (connection) => connection.inlet.whenOver()],
    ['stops inside its head', 504, 'UPSTREAM_ANSWER_TIMEOUT', sends('HTTP/1.1 200 OK\r\nX: ')],
  ])('is named in the log where it %s: %i %s', async (_what, status, code, serve) => {
    const { proxy, wire } = await through(rewrite, serve, 'timeouts: { answer: 300ms }');
    await wire.send(GET('/'));
    expect((await expectResponse(wire)).status).toBe(status);
    const record = await proxy.request('/');
    expect(record).toMatchObject({ status, code, upstream: 'one' });
    expect(record.message).toMatch(/^one \(http:\/\/127\.0\.0\.1:\d+\)/);
  });

  const CHUNKS = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ncut\r\n';
  it.each<[string, string, string, string]>([
    ['a length', 'FIN', '1.1', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut'],
    ['a length', 'RST', '1.1', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut'],
    ['chunks', 'FIN', '1.1', CHUNKS],
    ['chunks', 'RST', '1.1', CHUNKS],
    ['chunks, inside one', 'FIN', '1.1', CHUNKS.replace('3\r\ncut\r\n', '9\r\ncut')],
    ['chunks, before the last CRLF', 'FIN', '1.1', `${CHUNKS}0\r\n`],
    ['no end but that of the connection', 'RST', '1.1', 'HTTP/1.1 200 OK\r\n\r\ncut'],
    ['no end but that of the connection', 'RST', '1.0', 'HTTP/1.0 200 OK\r\n\r\ncut'],
    ['a length', 'FIN', '1.0', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut'],
    ...(rewrite === ''
      ? []
      : [
          // The lane takes the chunks out for such a client: its end of the connection would be the end of a whole body.
          ['chunks', 'FIN', '1.0', CHUNKS] satisfies [string, string, string, string],
          ['chunks', 'RST', '1.0', CHUNKS] satisfies [string, string, string, string],
        ]),
  ])(
    'that dies inside an answer with %s, by %s, to HTTP/%s, ends the connection and makes up no end',
    async (_framing, how, version, bytes) => {
      const { proxy, wire } = await through(rewrite, async (connection) => {
        await nextHead(connection);
        await connection.send(Buffer.from(bytes));
        await connection.inlet.some(50); // a reset on the heels of the bytes overtakes them
        if (how === 'FIN') connection.finish();
        else connection.reset();
      });
      await wire.send(GET('/').replace('HTTP/1.1', `HTTP/${version}`));
      expect(['ended', 'failed']).toContain((await readResponse(wire)).kind);
      wire.finish();
      expect(await proxy.request('/')).toMatchObject({ status: 200, ending: { by: 'server' } });
      await expect.poll(() => proxy.edge.connections()).toBe(0);
    },
  );
});

describe.each([
  ['plain', 'relay', LANES[0][1]],
  ['plain', 'rewrite', LANES[1][1]],
  ['TLS', 'relay', LANES[0][1]],
])('a client that dies over %s, in the %s lane', (transport, _lane, rewrite) => {
  it('is missed also while nothing of its upload is read', async () => {
    const begun = later<void>();
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      begun.resolve();
    });
    const tls = transport === 'TLS' ? 'tls: { certificates: [{ cert: crt, key: key }] }' : '';
    const rules = simpleRules(port, '', tls).replace('{ to: one }', `{ to: one${rewrite} }`);
    const leaf = await (await createAuthority()).issue({ names: ['a.test'] });
    const proxy = await stage.proxy(rules, (path) => Buffer.from(path === 'crt' ? leaf.certPem : leaf.keyPem));
    const wire = await proxy.wire(transport === 'TLS' ? { tls: { rejectUnauthorized: false } } : {});
    void wire.send(`${POST}Content-Length: 100000000\r\n\r\n`, Buffer.alloc(16_000_000));
    await begun.promise;
    await new Promise((resolve) => setTimeout(resolve, 500)); // every buffer on the way fills up
    wire.reset();
    await expect.poll(() => proxy.edge.connections(), { timeout: LOOK + PATIENCE }).toBe(0);
    expect(await proxy.request('/')).toMatchObject({ ending: { how: 'reset', by: 'client' } });
  });
});

describe.each(LANES)('a client of the %s lane that dies', (_lane, rewrite) => {
  const LONG = 'HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n';
  it.each<[string, string, string]>([
    ['while the answer is awaited', GET('/'), ''],
    ['under its upload', `${POST}Content-Length: 1000\r\n\r\nabc`, ''],
    ['under its upload in chunks', `${POST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`, ''],
    ['with its next request sent, which waits its turn', GET('/') + GET('/next'), ''],
    ['inside the answer', GET('/'), `${LONG}abc`],
    ['without reading an answer that has filled every buffer', GET('/'), LONG + 'x'.repeat(16_000_000)],
  ])('takes its connection to the server along at once: %s', async (_when, request, response) => {
    const [begun, over] = [later<void>(), later<void>()];
    const { proxy, wire } = await through(rewrite, async (connection) => {
      await nextHead(connection);
      const sent = connection.send(Buffer.from(response));
      if (response.length < UNSENT_LIMIT) await sent;
      else await connection.inlet.some(300);
      begun.resolve();
      await connection.inlet.whenOver();
      over.resolve();
    });
    await wire.send(request);
    await begun.promise;
    if (response.endsWith('abc')) await wire.inlet.until('abc', PATIENCE);
    wire.reset();
    await over.promise;
    await expect.poll(() => proxy.edge.connections()).toBe(0);
    expect(await proxy.request('/')).toMatchObject({ ending: { by: 'client' } });
  });
});

it('keeps a test behind every row of the README that says what a fault gets', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const section = readme.split('## What a fault gets')[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => /^\| (?!fault|-)/.test(line));
  expect(rows.length).toBeGreaterThan(10);
  for (const row of rows) {
    const held = [...row.matchAll(/`([\w/]+\.test\.ts)`: ([^;|]+?)(?=;| \|)/g)];
    expect(held, row).not.toEqual([]);
    for (const [, file = '', name] of held) {
      expect(readFileSync(new URL(file, import.meta.url), 'utf8'), row).toContain(`'${name}'`);
    }
  }
});
