// Room: where the body behind a head ends, and how many of the next bytes are still its own. Decides by RFC 9112 6.3;
// whatever one reader could take in two ways is refused. Data is counted, never looked at, copied or kept.
import { type ChunkCode, chunkedCounter } from './chunked.ts';
import { fieldValues, splitList } from './fields.ts';
import { CONTENT_LENGTH, TOKEN } from './grammar.ts';
import type { RequestHead, ResponseHead } from './head.ts';

/**
 * How a body ends: there is `none`; after so many `bytes`; with its last chunk; when the connection does (`close`);
 * or never, because what follows a 101 is another protocol (`tunnel`), opaque for ever.
 */
export type Framing =
  | { kind: 'none' }
  | { kind: 'length'; bytes: number }
  | { kind: 'chunked' }
  | { kind: 'close' }
  | { kind: 'tunnel' };

export type FramingCode = 'CONTENT_LENGTH' | 'LENGTH_AND_CODING' | 'TRANSFER_ENCODING';

/** Framing that could be read in two ways. The status is 400 or 501 for a request; a response that is bad becomes a 502. */
export type Bad = { kind: 'bad'; code: FramingCode; status: 400 | 501 | 502; message: string };

const NONE: Framing = { kind: 'none' };

/**
 * Where the body of a request ends (RFC 9112 6.3, points 3 to 7). Methods play no part: a GET with a length has a body of
 * that length, and an RPC_IN_DATA without one has none, whatever its author meant (MS-RPCH 2.1.2.1.1 demands a length).
 */
export function requestFraming(head: RequestHead): Framing | Bad {
  const framing = declaredFraming(head, 400);
  return framing ?? NONE;
}

/**
 * Where the body of a response ends (RFC 9112 6.3, points 1 to 8). `requestMethod` as sent: a response to HEAD has none;
 * CONNECT, the other method that matters there, is never sent on.
 * Whether a 101 was asked for is the caller's to know: one that was not is a broken answer, not a tunnel.
 */
export function responseFraming(head: ResponseHead, requestMethod: string): Framing | Bad {
  const framing = declaredFraming(head, 502);
  if (framing?.kind === 'bad') return framing;
  const { status } = head;
  if (status === 101) return { kind: 'tunnel' };
  if (requestMethod === 'HEAD' || status < 200 || status === 204 || status === 304) return NONE;
  return framing ?? { kind: 'close' };
}

/** What the fields say of the body, undefined where they say nothing. */
function declaredFraming(head: RequestHead | ResponseHead, status: 400 | 502): Framing | Bad | undefined {
  const lengths = fieldValues(head.fields, 'Content-Length');
  const codings = fieldValues(head.fields, 'Transfer-Encoding');
  if (codings.length > 0) {
    if (lengths.length > 0) {
      return bad('LENGTH_AND_CODING', status, 'Both Content-Length and Transfer-Encoding are given (RFC 9112 6.1)');
    }
    return codingFraming(codings, head.version, status);
  }
  return lengths.length === 0 ? undefined : lengthFraming(lengths, status);
}

/** RFC 9112 6.1 and 7. Chunked is the one coding a body is framed by here, alone and spelled plainly. */
function codingFraming(codings: string[], version: string, status: 400 | 502): Framing | Bad {
  // An HTTP/1.0 hop may have passed the field on without understanding it (RFC 9112 6.1).
  if (version === '1.0') return bad('TRANSFER_ENCODING', status, 'Transfer-Encoding came with HTTP/1.0 (RFC 9112 6.1)');
  if (codings.length === 1 && codings[0]?.toLowerCase() === 'chunked') return { kind: 'chunked' };
  const members = codings.flatMap(splitList);
  if (status === 400 && members.every((member) => TOKEN.test(member)) && members.some(isUnknownCoding)) {
    return bad('TRANSFER_ENCODING', 501, 'A transfer coding other than chunked is not served here (RFC 9112 6.1)');
  }
  // `chunked, chunked`, two lines, an empty member, a parameter, quotes: each is read differently somewhere.
  return bad('TRANSFER_ENCODING', status, 'Transfer-Encoding is not exactly one chunked (RFC 9112 6.3)');
}

function isUnknownCoding(coding: string): boolean {
  return coding.toLowerCase() !== 'chunked';
}

/**
 * RFC 9112 6.3 point 5. A response may repeat its length, as some applications do: all lines are equal and pass on as they
 * are. A request may not, though the RFC would allow it: no client does, and node and IIS refuse it too.
 */
function lengthFraming(lengths: string[], status: 400 | 502): Framing | Bad {
  const [written = '', ...repeats] = lengths;
  if (!CONTENT_LENGTH.test(written)) {
    return bad('CONTENT_LENGTH', status, 'Content-Length is not one run of digits (RFC 9110 8.6)');
  }
  if (repeats.some((repeat) => repeat !== written) || (status === 400 && repeats.length > 0)) {
    return bad('CONTENT_LENGTH', status, 'Content-Length is given more than once (RFC 9112 6.3)');
  }
  const bytes = Number(written);
  if (bytes > Number.MAX_SAFE_INTEGER) return bad('CONTENT_LENGTH', status, 'Content-Length is beyond 2^53-1');
  return { kind: 'length', bytes };
}

function bad(code: FramingCode, status: Bad['status'], finding: string): Bad {
  return { kind: 'bad', code, status, message: `${finding}: where the body ends is in doubt.` };
}

/** `bytes` is how many of the bytes pushed belong to this body; once `done`, what follows is the next head's. */
export type BodyResult =
  | { kind: 'part'; bytes: number; done: boolean }
  | { kind: 'bad'; code: ChunkCode; message: string };

export type BodyCounter = {
  push(chunk: Buffer): BodyResult;
  /** True once the last byte was counted, and from the start for a body that has none. */
  readonly done: boolean;
};

/** Counts the bytes of one body as they pass. A body that ends with its connection is never `done` here. */
export function bodyCounter(framing: Framing): BodyCounter {
  switch (framing.kind) {
    case 'none':
      return NO_BODY;
    case 'length':
      return new LengthCounter(framing.bytes);
    case 'chunked':
      return chunkCounter();
    case 'close':
    case 'tunnel':
      return { done: false, push: (chunk) => ({ kind: 'part', bytes: chunk.length, done: false }) };
  }
}

const NO_BODY: BodyCounter = { done: true, push: () => ({ kind: 'part', bytes: 0, done: true }) };

/** A class, since there is one for each answer: an object with an accessor of its own costs microseconds to make. */
class LengthCounter implements BodyCounter {
  #remaining: number;

  constructor(length: number) {
    this.#remaining = length;
  }

  push(chunk: Buffer): BodyResult {
    const bytes = Math.min(this.#remaining, chunk.length);
    this.#remaining -= bytes;
    return { kind: 'part', bytes, done: this.done };
  }

  get done(): boolean {
    return this.#remaining === 0;
  }
}

function chunkCounter(): BodyCounter {
  const count = chunkedCounter();
  let done = false;
  return {
    push(chunk) {
      const result = count(chunk);
      done = result.kind === 'part' && result.done;
      return result;
    },
    get done() {
      return done;
    },
  };
}
