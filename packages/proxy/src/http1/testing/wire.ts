// Room: the one way a test feeds bytes to a reader: whole, byte by byte, in odd splits, and with trailing bytes that must
// stay. A verdict that depends on how bytes happened to arrive is a fault, so each way must give the same.
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { type BodyResult, bodyCounter, type Framing } from '../body.ts';
import type { HeadReader, HeadResult } from '../head.ts';

/** What stays behind a message. It begins like a head and holds a NUL, so that a reader that goes on is found out. */
const TRAILING = Buffer.from('NEXT / HTTP/1.1\r\n\0\r\n', 'latin1');

/** Lengths of chunks, in turn: one by one, in the sizes around a CRLF, and in primes that drift over every boundary. */
const SPLITS: readonly (readonly number[])[] = [[1], [2], [3], [1, 2, 3], [5, 1], [7, 11, 13], [64, 1, 17]];

/** All the ways one stretch of bytes is cut, whole first. */
export function* cuts(bytes: Buffer): Generator<Buffer[]> {
  yield [bytes];
  for (const lengths of SPLITS) {
    const chunks: Buffer[] = [];
    for (let from = 0, turn = 0; from < bytes.length; turn++) {
      const to = from + (lengths[turn % lengths.length] ?? 1);
      chunks.push(bytes.subarray(from, to));
      from = to;
    }
    yield chunks;
  }
}

/** Reads one head in every way and returns the verdict they share. Throws (fails the test) where two ways differ. */
export function readHead<H extends { raw: Buffer }>(newReader: () => HeadReader<H>, bytes: Buffer): HeadResult<H> {
  const verdict = feedHead(newReader(), [bytes]);
  for (const chunks of cuts(bytes)) expectSame(feedHead(newReader(), chunks), verdict);
  if (verdict.kind === 'more') return verdict;
  for (const chunks of cuts(Buffer.concat([bytes, TRAILING]))) {
    const withTrailing = feedHead(newReader(), chunks);
    if (verdict.kind === 'bad') expectSame(withTrailing, verdict);
    else expectSame(withTrailing, { ...verdict, rest: Buffer.concat([verdict.rest, TRAILING]) });
  }
  return verdict;
}

/** The runner's own comparison goes through buffers byte by byte, which for a large head takes seconds; it is kept for telling. */
function expectSame(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toEqual(expected);
}

function feedHead<H extends { raw: Buffer }>(reader: HeadReader<H>, chunks: Buffer[]): HeadResult<H> {
  let fed = 0;
  for (const [index, chunk] of chunks.entries()) {
    // Lent and then overwritten, as a socket's read buffer is: a reader must keep its own bytes.
    const lent = Buffer.from(chunk);
    const result = reader.push(lent);
    if (result.kind === 'bad') {
      expect(reader.push(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toEqual(result);
      return result;
    }
    if (result.kind === 'head') {
      expect(reader.buffered).toBe(0);
      const rest = Buffer.concat([result.rest, ...chunks.slice(index + 1)]);
      lent.fill('!');
      return { ...result, rest };
    }
    fed += chunk.length;
    assert.equal(reader.buffered, fed);
    lent.fill('!');
  }
  return { kind: 'more' };
}

/** Counts one body in every way: bytes that are its own, whether it is done, or the refusal. */
export function countBody(framing: Framing, bytes: Buffer): BodyResult {
  const verdict = feedBody(framing, [bytes]);
  for (const chunks of cuts(bytes)) expect(feedBody(framing, chunks)).toEqual(verdict);
  if (verdict.kind === 'part' && !verdict.done) return verdict;
  for (const chunks of cuts(Buffer.concat([bytes, TRAILING]))) expect(feedBody(framing, chunks)).toEqual(verdict);
  return verdict;
}

function feedBody(framing: Framing, chunks: Buffer[]): BodyResult {
  const counter = bodyCounter(framing);
  let bytes = 0;
  for (const chunk of chunks) {
    if (counter.done) break;
    const result = counter.push(chunk);
    if (result.kind === 'bad') {
      expect(counter.push(Buffer.from('0\r\n\r\n'))).toEqual(result);
      return result;
    }
    bytes += result.bytes;
    assert.equal(result.done, counter.done);
    if (!result.done) assert.equal(result.bytes, chunk.length);
  }
  return { kind: 'part', bytes, done: counter.done };
}
