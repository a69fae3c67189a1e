// Room: where bodies end. Framing of single request heads is pinned in fixtures/http1 as well.

import type { Fields } from '@outrigger/rules';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bodyCounter, type Framing, requestFraming, responseFraming } from './body.ts';
import { CHUNK_EXTENSION, TRAILERS } from './chunked.ts';
import { countBody } from './testing/wire.ts';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const bytes = { raw: Buffer.alloc(0), text: '' };
const CHUNKED: Framing = { kind: 'chunked' };

function framingOf(status: number, fields: Fields, method = 'GET', version: '1.0' | '1.1' = '1.1') {
  return responseFraming({ version, status, reason: '', fields, ...bytes }, method);
}

const LENGTH_5: Fields = [['Content-Length', '5']];
const IN_CHUNKS: Fields = [['transfer-encoding', 'Chunked']];

describe('the framing of a request', () => {
  it.each([
    ['RPC_IN_DATA', [], { kind: 'none' }],
    ['RPC_IN_DATA', [['Content-Length', '1073741824']], { kind: 'length', bytes: 1_073_741_824 }],
    ['GET', LENGTH_5, { kind: 'length', bytes: 5 }],
    ['HEAD', LENGTH_5, { kind: 'length', bytes: 5 }],
    ['RDG_IN_DATA', IN_CHUNKS, { kind: 'chunked' }],
  ] as const)('of %s with %j', (method, fields, framing) => {
    expect(requestFraming({ method, target: '/', version: '1.1', fields, ...bytes })).toEqual(framing);
  });
});

describe('the framing of a response', () => {
  it.each([
    ['101 is a tunnel, even with a length', framingOf(101, LENGTH_5), { kind: 'tunnel' }],
    ['100 has no body', framingOf(100, []), { kind: 'none' }],
    ['103 has no body', framingOf(103, LENGTH_5), { kind: 'none' }],
    ['204 has no body', framingOf(204, LENGTH_5), { kind: 'none' }],
    ['304 has the length of another body', framingOf(304, LENGTH_5), { kind: 'none' }],
    ['the answer to HEAD has a length and no body', framingOf(200, LENGTH_5, 'HEAD'), { kind: 'none' }],
    ['the answer to HEAD may announce chunks', framingOf(200, IN_CHUNKS, 'HEAD'), { kind: 'none' }],
    ['to a method called head it has one', framingOf(200, LENGTH_5, 'head'), { kind: 'length', bytes: 5 }],
    ['a length counts', framingOf(200, LENGTH_5), { kind: 'length', bytes: 5 }],
    ['a length of 0 counts', framingOf(401, [['content-length', '0']]), { kind: 'length', bytes: 0 }],
    ['chunks count', framingOf(200, IN_CHUNKS), { kind: 'chunked' }],
    ['nothing said means until the connection closes', framingOf(200, []), { kind: 'close' }],
    ['so it is in HTTP/1.0', framingOf(200, [], 'GET', '1.0'), { kind: 'close' }],
    [
      'so it is for the OUT of a gateway',
      framingOf(200, [['Connection', 'keep-alive']], 'RDG_OUT_DATA'),
      { kind: 'close' },
    ],
    [
      'closing does not outrank a length',
      framingOf(200, [['Connection', 'close'], ...LENGTH_5]),
      { kind: 'length', bytes: 5 },
    ],
    ['a length may be repeated alike', framingOf(200, [...LENGTH_5, ...LENGTH_5]), { kind: 'length', bytes: 5 }],
  ])('%s', (_case, found, framing) => {
    expect(found).toEqual(framing);
  });

  it.each([
    ['length and chunks', framingOf(200, [...LENGTH_5, ...IN_CHUNKS]), 'LENGTH_AND_CODING'],
    ['length and chunks, even with no body', framingOf(304, [...LENGTH_5, ...IN_CHUNKS]), 'LENGTH_AND_CODING'],
    ['length and chunks, even with 101', framingOf(101, [...LENGTH_5, ...IN_CHUNKS]), 'LENGTH_AND_CODING'],
    ['two lengths', framingOf(200, [...LENGTH_5, ['Content-Length', '05']]), 'CONTENT_LENGTH'],
    ['a list of lengths', framingOf(200, [['Content-Length', '5, 5']]), 'CONTENT_LENGTH'],
    ['an unknown coding', framingOf(200, [['Transfer-Encoding', 'gzip, chunked']]), 'TRANSFER_ENCODING'],
    ['identity', framingOf(200, [['Transfer-Encoding', 'identity']]), 'TRANSFER_ENCODING'],
    ['chunks in HTTP/1.0', framingOf(200, IN_CHUNKS, 'GET', '1.0'), 'TRANSFER_ENCODING'],
  ])('is refused as 502 with %s', (_case, found, code) => {
    expect(found).toMatchObject({ kind: 'bad', code, status: 502 });
  });
});

describe('a counter of bodies', () => {
  it.each([
    [{ kind: 'none' } as const, true],
    [{ kind: 'length', bytes: 0 } as const, true],
    [{ kind: 'length', bytes: 1 } as const, false],
    [CHUNKED, false],
    [{ kind: 'close' } as const, false],
    [{ kind: 'tunnel' } as const, false],
  ])('of %j knows before the first byte whether it is done: %s', (framing, done) => {
    expect(bodyCounter(framing).done).toBe(done);
  });

  it('of a length takes that many bytes and no more', () => {
    expect(countBody({ kind: 'length', bytes: 5 }, latin1('hello'))).toEqual({ kind: 'part', bytes: 5, done: true });
    expect(countBody({ kind: 'length', bytes: 6 }, latin1('hello'))).toEqual({ kind: 'part', bytes: 5, done: false });
    expect(bodyCounter({ kind: 'length', bytes: 5 }).push(latin1('hello!'))).toEqual({
      kind: 'part',
      bytes: 5,
      done: true,
    });
  });

  it('of a finished or absent body takes nothing', () => {
    expect(bodyCounter({ kind: 'none' }).push(latin1('GET'))).toEqual({ kind: 'part', bytes: 0, done: true });
    const chunked = bodyCounter(CHUNKED);
    expect(chunked.push(latin1('0\r\n\r\nGET'))).toEqual({ kind: 'part', bytes: 5, done: true });
    expect(chunked.push(latin1('GET'))).toEqual({ kind: 'part', bytes: 0, done: true });
  });

  it('of a tunnel, and until the connection closes, takes everything', () => {
    for (const kind of ['tunnel', 'close'] as const) {
      expect(countBody({ kind }, latin1('\x82\0\r\n\r\nGET'))).toEqual({ kind: 'part', bytes: 9, done: false });
    }
  });
});

describe('a chunked body', () => {
  it.each([
    ['one chunk', '5\r\nhello\r\n0\r\n\r\n'],
    ['no chunk', '0\r\n\r\n'],
    ['a size in either case, with zeros before it', '00a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n'],
    ['a last chunk of many zeros', '0000000000000000\r\n\r\n'],
    ['data that looks like framing', '7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n'],
    ['an extension', '1;a;b=c;d="e f"\r\nx\r\n0;last\r\n\r\n'],
    ['an extension up to the limit', `1;${'e'.repeat(CHUNK_EXTENSION)}\r\nx\r\n0\r\n\r\n`],
    ['more chunks than a size has digits', `${'1\r\nx\r\n'.repeat(40)}0\r\n\r\n`],
    ['more extensions than one size line may have', `${`1;${'e'.repeat(200)}\r\nx\r\n`.repeat(3)}0\r\n\r\n`],
    ['trailers', '1\r\nx\r\n0\r\nDigest: sha-256=\xe4\r\nX:\r\n\r\n'],
  ])('with %s ends where it ends', (_case, text) => {
    expect(countBody(CHUNKED, latin1(text))).toEqual({ kind: 'part', bytes: text.length, done: true });
  });

  it.each(['', '5', '5\r', '5\r\n', '5\r\nhel', '5\r\nhello', '5\r\nhello\r\n', '0\r\n', '0\r\n\r', '0\r\nX: y\r\n'])(
    'is not done with %j',
    (text) => {
      expect(countBody(CHUNKED, latin1(text))).toEqual({ kind: 'part', bytes: text.length, done: false });
    },
  );

  it.each([
    ['no digit', '\r\n', 'CHUNK_SIZE'],
    ['an extension without a size', ';a\r\n', 'CHUNK_SIZE'],
    ['a sign', '+5\r\nhello\r\n', 'CHUNK_SIZE'],
    ['a minus', '-5\r\nhello\r\n', 'CHUNK_SIZE'],
    ['0x', '0x5\r\nhello\r\n', 'CHUNK_SIZE'],
    ['a letter beyond f', '5g\r\nhello\r\n', 'CHUNK_SIZE'],
    ['a byte whose low bits are a digit', '\xb5\r\nhello\r\n', 'CHUNK_SIZE'],
    ['a blank before the size', ' 5\r\nhello\r\n', 'CHUNK_SIZE'],
    ['a blank after it', '5 \r\nhello\r\n', 'CHUNK_SIZE'],
    ['a blank before an extension', '5 ;a\r\nhello\r\n', 'CHUNK_SIZE'],
    ['a point', '5.0\r\nhello\r\n', 'CHUNK_SIZE'],
    ['17 digits', '00000000000000005\r\nhello\r\n', 'CHUNK_SIZE'],
    ['2^53', '20000000000000\r\n', 'CHUNK_SIZE'],
    ['16 digits of f', 'ffffffffffffffff\r\n', 'CHUNK_SIZE'],
    ['a bare LF after the size', '5\nhello\r\n', 'CHUNK_SIZE'],
    ['a bare CR after the size', '5\rhello\r\n', 'CHUNK_SIZE'],
    ['a NUL in an extension', '5;a\0\r\nhello\r\n', 'CHUNK_EXTENSION'],
    ['a bare LF in an extension', '5;a\nhello\r\n', 'CHUNK_EXTENSION'],
    ['a bare CR in an extension', '5;a\rb\r\nhello\r\n', 'CHUNK_SIZE'],
    ['an extension over the limit', `5;${'e'.repeat(CHUNK_EXTENSION + 1)}`, 'CHUNK_EXTENSION'],
    ['more data than the size', '5\r\nhello!\r\n', 'CHUNK_END'],
    ['less data than the size', '5\r\nhell\r\n0\r\n\r\n', 'CHUNK_END'],
    ['a bare LF after data', '5\r\nhello\n0\r\n\r\n', 'CHUNK_END'],
    ['a bare CR after data', '5\r\nhello\r0\r\n\r\n', 'CHUNK_END'],
    ['a bare LF at the end', '0\r\n\n', 'TRAILER'],
    ['a bare CR at the end', '0\r\n\rX', 'TRAILER'],
    ['a trailer without a colon', '0\r\nnonsense\r\n\r\n', 'TRAILER'],
    ['a trailer without a name', '0\r\n: x\r\n\r\n', 'TRAILER'],
    ['a space before the colon of a trailer', '0\r\nX : y\r\n\r\n', 'TRAILER'],
    ['a folded trailer', '0\r\nX: y\r\n z\r\n\r\n', 'TRAILER'],
    ['a NUL in a trailer', '0\r\nX: \0\r\n\r\n', 'TRAILER'],
    ['a bare LF after a trailer', '0\r\nX: y\n\r\n', 'TRAILER'],
    ['a bare CR in a trailer', '0\r\nX: y\rz\r\n\r\n', 'TRAILER'],
    ['trailers over the limit', `0\r\n${'X: 0123456789\r\n'.repeat(TRAILERS / 15 + 1)}\r\n`, 'TRAILER'],
  ])('with %s is refused', (_case, text, code) => {
    expect(countBody(CHUNKED, latin1(text))).toMatchObject({ kind: 'bad', code });
  });

  it('of 2^53-1 bytes is counted', () => {
    const counter = bodyCounter(CHUNKED);
    expect(counter.push(latin1('1fffffffffffff\r\nx'))).toEqual({ kind: 'part', bytes: 17, done: false });
  });

  it('is counted right under any split, and leaves what follows', () => {
    const chunk = fc.record({
      data: fc.uint8Array({ minLength: 1, maxLength: 40 }),
      upper: fc.boolean(),
      extension: fc.constantFrom('', ';', ';a=b', ';a="\t \xff"'),
    });
    const body = fc.record({
      chunks: fc.array(chunk, { maxLength: 5 }),
      trailers: fc.constantFrom('', 'A: b\r\n', 'A:\r\nB: c\r\n'),
      behind: fc.uint8Array({ maxLength: 20 }),
      cuts: fc.array(fc.nat(), { maxLength: 12 }),
    });
    fc.assert(
      fc.property(body, ({ chunks, trailers, behind, cuts }) => {
        const parts = chunks.map(({ data, upper, extension }) => {
          const size = data.length.toString(16);
          return [latin1(`${upper ? size.toUpperCase() : size}${extension}\r\n`), Buffer.from(data), latin1('\r\n')];
        });
        const own = Buffer.concat([...parts.flat(), latin1(`0\r\n${trailers}\r\n`)]);
        const wire = Buffer.concat([own, Buffer.from(behind)]);
        const ends = [...new Set([...cuts.map((cut) => cut % (wire.length + 1)), wire.length])].sort((a, b) => a - b);
        const counter = bodyCounter(CHUNKED);
        let counted = 0;
        let from = 0;
        for (const end of ends) {
          const result = counter.push(wire.subarray(from, end));
          if (result.kind === 'bad') throw new Error(result.message);
          counted += result.bytes;
          expect(result.done).toBe(end >= own.length);
          from = end;
        }
        expect(counted).toBe(own.length);
      }),
    );
  });
});
