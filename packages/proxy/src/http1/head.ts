// Room: bytes in, a head out. One machine reads request and response heads line by line as bytes arrive, remembers how far
// it has looked, and refuses at the first byte that no careful reader would accept. What the fields mean for the body is body.ts.
import type { Fields } from '@outrigger/rules';
import { COLON, CR, isBlank, isTokenByte, LF, textEnd, tokenEnd } from './grammar.ts';
import { type BadHead, bad, type HeadCode, type HeadStatus, isBad } from './refusal.ts';
import { type RequestLine, readRequestLine, readStatusLine, type StatusLine } from './startline.ts';

export type { BadHead, HeadCode, HeadStatus } from './refusal.ts';

/** A request head. `raw` is the exact bytes from the request line to the blank line, in memory of its own; `text` the same as latin1. */
export type RequestHead = RequestLine & { fields: Fields; raw: Buffer; text: string };

/** A response head, likewise. */
export type ResponseHead = StatusLine & { fields: Fields; raw: Buffer; text: string };

/** `rest` is a view of the chunk just pushed: the bytes after the blank line, which are not the head's. */
export type HeadResult<H> = { kind: 'more' } | { kind: 'head'; head: H; rest: Buffer } | BadHead;

export type HeadReader<H> = {
  /** Takes the next bytes. After `head` the reader is ready for the next one; after `bad` it says the same for ever. */
  push(chunk: Buffer): HeadResult<H>;
  /** Bytes held of a head that is not complete; at most the limit of the head and one chunk. */
  readonly buffered: number;
};

/**
 * Empty lines skipped before a request line. RFC 9112 2.2 asks for at least one, which clients of the nineties left
 * behind a POST; the second leaves room for one more such habit, and a stream of them is not a request.
 */
export const LEADING_EMPTY_LINES = 2;

/**
 * Field lines of one head. Browsers send 30, Apache stops at 100 by default, and node keeps 1,000 and drops the rest in
 * silence, so a head beyond that would mean different things in our two lanes.
 */
export const FIELD_LINES = 1_000;

/** Reads request heads. Limits in bytes, line ends included: `requestLine` (414 beyond) and the whole `head` (431 beyond). */
export function requestHeadReader(limits: { requestLine: number; head: number }): HeadReader<RequestHead> {
  return new Reader<RequestLine, RequestHead>({
    limits: { startLine: limits.requestLine, head: limits.head },
    emptyLines: LEADING_EMPTY_LINES,
    canStart: isTokenByte,
    readStartLine: readRequestLine,
    // Spelled out: a spread costs a fifth of reading a whole head.
    join: ({ method, target, version }, fields, raw, text) => ({ method, target, version, fields, raw, text }),
  });
}

/** Reads response heads, one after another: 1xx heads are heads like any other. Limit in bytes; every refusal is a 502. */
export function responseHeadReader(limits: { head: number }): HeadReader<ResponseHead> {
  const CAPITAL_H = 0x48;
  return new Reader<StatusLine, ResponseHead>({
    limits: { startLine: Number.POSITIVE_INFINITY, head: limits.head },
    emptyLines: 0,
    status: 502,
    canStart: (byte) => byte === CAPITAL_H,
    readStartLine: readStatusLine,
    join: ({ version, status, reason }, fields, raw, text) => ({ version, status, reason, fields, raw, text }),
  });
}

type Machine<StartLine, Head> = {
  limits: { startLine: number; head: number };
  emptyLines: number;
  /** Status of every refusal, where it does not depend on what was wrong. */
  status?: HeadStatus;
  canStart(byte: number): boolean;
  readStartLine(bytes: Buffer, from: number, to: number): StartLine | BadHead;
  join(line: StartLine, fields: Fields, raw: Buffer, text: string): Head;
};

const MORE = { kind: 'more' } as const;
const NOTHING = Buffer.alloc(0);

/** A class, since every connection has one for as long as it lives: a closure for each of these steps would cost a KiB. */
class Reader<StartLine extends object, Head> implements HeadReader<Head> {
  readonly #machine: Machine<StartLine, Head>;
  /** Bytes of earlier chunks that belong to the unfinished head; only the first `#length` of `#held` count. */
  #held: Buffer = NOTHING;
  #length = 0;
  /** Offsets into those bytes: where the head and the present line began, and how far has been looked at. */
  #headStart = 0;
  #lineStart = 0;
  #seen = 0;
  #emptyLines = 0;
  #startLine: StartLine | undefined;
  /** Four offsets a field: name, colon, value and value's end. Cut into text all at once when the head is whole. */
  #marks: number[] = [];
  #refusal: BadHead | undefined;

  constructor(machine: Machine<StartLine, Head>) {
    this.#machine = machine;
  }

  get buffered(): number {
    return this.#length;
  }

  push(chunk: Buffer): HeadResult<Head> {
    if (this.#refusal !== undefined) return this.#refusal;
    const before = this.#length;
    // The usual head arrives in one chunk and is read in place; only an unfinished one is copied.
    const bytes = before === 0 ? chunk : this.#hold(chunk);
    const end = this.#scan(bytes);
    if (typeof end === 'object') return this.#refuse(end);
    if (end === undefined || this.#startLine === undefined) {
      if (before === 0) this.#hold(chunk);
      return MORE;
    }
    const view = bytes.subarray(this.#headStart, end);
    const restLength = chunk.length - (end - before);
    const raw = before === 0 ? Buffer.from(view) : view;
    const text = raw.toString('latin1');
    const head = this.#machine.join(this.#startLine, this.#cutFields(text), raw, text);
    this.#reset();
    return { kind: 'head', head, rest: restLength === 0 ? NOTHING : chunk.subarray(chunk.length - restLength) };
  }

  /** Appends to the held bytes; doubling the room keeps a byte-by-byte sender at linear cost. */
  #hold(chunk: Buffer): Buffer {
    const needed = this.#length + chunk.length;
    if (needed > this.#held.length) {
      const { limits } = this.#machine;
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(this.#held.length * 2, limits.head)));
      this.#held.copy(larger, 0, 0, this.#length);
      this.#held = larger;
    }
    chunk.copy(this.#held, this.#length);
    this.#length = needed;
    return this.#held.subarray(0, needed);
  }

  #reset(): void {
    this.#held = NOTHING;
    this.#length = 0;
    this.#headStart = 0;
    this.#lineStart = 0;
    this.#seen = 0;
    this.#emptyLines = 0;
    this.#startLine = undefined;
    this.#marks = [];
  }

  #refuse(finding: BadHead): BadHead {
    this.#reset();
    const { status } = this.#machine;
    this.#refusal = status === undefined ? finding : { ...finding, status };
    return this.#refusal;
  }

  /** Looks at the bytes not seen yet: the offset after the blank line, undefined while it has not come, or a refusal. */
  #scan(bytes: Buffer): number | undefined | BadHead {
    const { limits } = this.#machine;
    for (;;) {
      const lineLimit = this.#startLine === undefined ? this.#lineStart + limits.startLine : Number.POSITIVE_INFINITY;
      const headLimit = this.#headStart + limits.head;
      const stop = Math.min(bytes.length, lineLimit, headLimit);
      const first = bytes[this.#lineStart];
      if (this.#startLine === undefined && first !== undefined && !this.#canBegin(first)) return notHttp(first);

      const at = textEnd(bytes, this.#seen, stop);
      this.#seen = at;
      const byte = at < stop ? bytes[at] : undefined;
      const next = at + 1 < stop ? bytes[at + 1] : undefined;
      if (byte === undefined || (byte === CR && next === undefined)) {
        if (stop === bytes.length) return undefined;
        return lineLimit <= headLimit ? this.#startLineTooLong() : this.#headTooLarge();
      }
      if (byte === LF) return this.#onLine('BARE_LF', 'ends in a bare LF; a head uses CRLF (RFC 9112 2.2)');
      if (byte !== CR) return this.#onLine('CONTROL_BYTE', `has a control byte, 0x${hex(byte)} (RFC 9110 5.5)`);
      if (next !== LF) return this.#onLine('BARE_CR', 'has a CR without LF (RFC 9112 2.2)');

      const outcome = this.#endLine(bytes, at);
      this.#seen = at + 2;
      if (outcome === 'end') return this.#seen;
      if (outcome !== undefined) return outcome;
      this.#lineStart = this.#seen;
    }
  }

  /** True for a byte that may be the first of a start line or of an empty line before it. */
  #canBegin(byte: number): boolean {
    return this.#machine.canStart(byte) || byte === CR || byte === LF;
  }

  /** Reads the line from `#lineStart` to its CR: `end` for the blank line, undefined for one that was taken in. */
  #endLine(bytes: Buffer, to: number): 'end' | undefined | BadHead {
    if (this.#startLine !== undefined) return to === this.#lineStart ? 'end' : this.#endFieldLine(bytes, to);
    if (to === this.#lineStart) {
      if (this.#emptyLines === this.#machine.emptyLines) {
        return bad(400, 'EMPTY_LINES', 'Empty lines where a head should begin (RFC 9112 2.2).');
      }
      this.#emptyLines++;
      this.#headStart = to + 2;
      return undefined;
    }
    const line = this.#machine.readStartLine(bytes, this.#lineStart, to);
    if (isBad(line)) return line;
    this.#startLine = line;
    return undefined;
  }

  /** RFC 9112 5: field-line = field-name ":" OWS field-value OWS. */
  #endFieldLine(bytes: Buffer, to: number): undefined | BadHead {
    const start = this.#lineStart;
    if (isBlank(bytes[start])) {
      return this.#onLine('OBS_FOLD', 'begins with a blank: folded lines are read in two ways (RFC 9112 2.2, 5.2)');
    }
    if (this.#fieldCount === FIELD_LINES) {
      return bad(431, 'TOO_MANY_FIELDS', `The head has more than ${FIELD_LINES} fields.`);
    }
    const colon = tokenEnd(bytes, start, to);
    if (colon === start || colon === to || bytes[colon] !== COLON) {
      return this.#onLine(
        'FIELD_NAME',
        'does not begin with a clean name and a colon, no blank between (RFC 9112 5.1)',
      );
    }
    let valueStart = colon + 1;
    let valueEnd = to;
    while (valueStart < valueEnd && isBlank(bytes[valueStart])) valueStart++;
    while (valueStart < valueEnd && isBlank(bytes[valueEnd - 1])) valueEnd--;
    const from = this.#headStart;
    this.#marks.push(start - from, colon - from, valueStart - from, valueEnd - from);
    return undefined;
  }

  /** Names and values as slices of the head's text. */
  #cutFields(text: string): Fields {
    const marks = this.#marks;
    const fields: [string, string][] = [];
    for (let mark = 0; mark < marks.length; mark += 4) {
      fields.push([text.slice(marks[mark], marks[mark + 1]), text.slice(marks[mark + 2], marks[mark + 3])]);
    }
    return fields;
  }

  get #fieldCount(): number {
    return this.#marks.length / 4;
  }

  #startLineTooLong(): BadHead {
    const { startLine } = this.#machine.limits;
    return bad(414, 'REQUEST_LINE_TOO_LONG', `The request line is longer than ${startLine} bytes.`);
  }

  #headTooLarge(): BadHead {
    return bad(431, 'HEAD_TOO_LARGE', `The head is larger than ${this.#machine.limits.head} bytes.`);
  }

  /** Line 1 is the request or status line. */
  #onLine(code: HeadCode, finding: string): BadHead {
    const line = this.#startLine === undefined ? 1 : this.#fieldCount + 2;
    return bad(400, code, `Line ${line} of the head ${finding}.`);
  }
}

function notHttp(byte: number): BadHead {
  const TLS_HANDSHAKE = 0x16;
  const guess = byte === TLS_HANDSHAKE ? ', perhaps TLS on a port for plain HTTP' : '';
  return bad(400, 'NOT_HTTP', `The first byte, 0x${hex(byte)}, begins no HTTP/1 head${guess}.`);
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
