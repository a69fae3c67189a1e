// Room: bytes in, a head out. One machine reads request and response heads line by line as bytes arrive, remembers how far
// it has looked, and refuses at the first byte that no careful reader would accept. What the fields mean for the body is body.ts.
import type { Fields } from './fields.ts';
import { COLON, CR, isBlank, isTokenByte, LF, textEnd, tokenEnd } from './grammar.ts';
import { type BadHead, bad, type HeadCode, type HeadStatus, isBad } from './refusal.ts';
import { type RequestLine, readRequestLine, readStatusLine, type StatusLine } from './startline.ts';

export type { BadHead, HeadCode, HeadStatus } from './refusal.ts';

/** A request head. `raw` is the exact bytes from the request line to the blank line, in memory of its own. */
export type RequestHead = RequestLine & { fields: Fields; raw: Buffer };

/** A response head, likewise. */
export type ResponseHead = StatusLine & { fields: Fields; raw: Buffer };

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
  return headReader<RequestLine, RequestHead>({
    limits: { startLine: limits.requestLine, head: limits.head },
    emptyLines: LEADING_EMPTY_LINES,
    canStart: isTokenByte,
    readStartLine: readRequestLine,
    // Spelled out: a spread costs a fifth of reading a whole head.
    join: ({ method, target, version }, fields, raw) => ({ method, target, version, fields, raw }),
  });
}

/** Reads response heads, one after another: 1xx heads are heads like any other. Limit in bytes; every refusal is a 502. */
export function responseHeadReader(limits: { head: number }): HeadReader<ResponseHead> {
  const CAPITAL_H = 0x48;
  return headReader<StatusLine, ResponseHead>({
    limits: { startLine: Number.POSITIVE_INFINITY, head: limits.head },
    emptyLines: 0,
    status: 502,
    canStart: (byte) => byte === CAPITAL_H,
    readStartLine: readStatusLine,
    join: ({ version, status, reason }, fields, raw) => ({ version, status, reason, fields, raw }),
  });
}

type Machine<StartLine, Head> = {
  limits: { startLine: number; head: number };
  emptyLines: number;
  /** Status of every refusal, where it does not depend on what was wrong. */
  status?: HeadStatus;
  canStart(byte: number): boolean;
  readStartLine(bytes: Buffer, from: number, to: number): StartLine | BadHead;
  join(line: StartLine, fields: Fields, raw: Buffer): Head;
};

const MORE = { kind: 'more' } as const;
const NOTHING = Buffer.alloc(0);

function headReader<StartLine extends object, Head>(machine: Machine<StartLine, Head>): HeadReader<Head> {
  const { limits } = machine;
  /** Bytes of earlier chunks that belong to the unfinished head; only the first `length` of `held` count. */
  let held: Buffer = NOTHING;
  let length = 0;
  /** Offsets into those bytes: where the head and the present line began, and how far has been looked at. */
  let headStart = 0;
  let lineStart = 0;
  let seen = 0;
  let emptyLines = 0;
  let startLine: StartLine | undefined;
  /** Four offsets a field: name, colon, value and value's end. Cut into text all at once when the head is whole. */
  let marks: number[] = [];
  let refusal: BadHead | undefined;

  function push(chunk: Buffer): HeadResult<Head> {
    if (refusal !== undefined) return refusal;
    const before = length;
    // The usual head arrives in one chunk and is read in place; only an unfinished one is copied.
    const bytes = before === 0 ? chunk : hold(chunk);
    const end = scan(bytes);
    if (typeof end === 'object') return refuse(end);
    if (end === undefined || startLine === undefined) {
      if (before === 0) hold(chunk);
      return MORE;
    }
    const raw = before === 0 ? Buffer.from(bytes.subarray(headStart, end)) : bytes.subarray(headStart, end);
    const head = machine.join(startLine, cutFields(raw), raw);
    reset();
    return { kind: 'head', head, rest: end - before === chunk.length ? NOTHING : chunk.subarray(end - before) };
  }

  /** Appends to the held bytes; doubling the room keeps a byte-by-byte sender at linear cost. */
  function hold(chunk: Buffer): Buffer {
    const needed = length + chunk.length;
    if (needed > held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(held.length * 2, limits.head)));
      held.copy(larger, 0, 0, length);
      held = larger;
    }
    chunk.copy(held, length);
    length = needed;
    return held.subarray(0, length);
  }

  function reset(): void {
    held = NOTHING;
    length = headStart = lineStart = seen = emptyLines = 0;
    startLine = undefined;
    marks = [];
  }

  function refuse(finding: BadHead): BadHead {
    reset();
    refusal = machine.status === undefined ? finding : { ...finding, status: machine.status };
    return refusal;
  }

  /** Looks at the bytes not seen yet: the offset after the blank line, undefined while it has not come, or a refusal. */
  function scan(bytes: Buffer): number | undefined | BadHead {
    for (;;) {
      const lineLimit = startLine === undefined ? lineStart + limits.startLine : Number.POSITIVE_INFINITY;
      const headLimit = headStart + limits.head;
      const stop = Math.min(bytes.length, lineLimit, headLimit);
      const first = bytes[lineStart];
      if (startLine === undefined && first !== undefined && !canBegin(first)) return notHttp(first);

      seen = textEnd(bytes, seen, stop);
      const byte = seen < stop ? bytes[seen] : undefined;
      const next = seen + 1 < stop ? bytes[seen + 1] : undefined;
      if (byte === undefined || (byte === CR && next === undefined)) {
        if (stop === bytes.length) return undefined;
        return lineLimit <= headLimit ? startLineTooLong() : headTooLarge();
      }
      if (byte === LF) return onLine(400, 'BARE_LF', 'ends in a bare LF; a head uses CRLF (RFC 9112 2.2)');
      if (byte !== CR) return onLine(400, 'CONTROL_BYTE', `has a control byte, 0x${hex(byte)} (RFC 9110 5.5)`);
      if (next !== LF) return onLine(400, 'BARE_CR', 'has a CR without LF (RFC 9112 2.2)');

      const outcome = endLine(bytes, seen);
      seen += 2;
      if (outcome === 'end') return seen;
      if (outcome !== undefined) return outcome;
      lineStart = seen;
    }
  }

  /** True for a byte that may be the first of a start line or of an empty line before it. */
  function canBegin(byte: number): boolean {
    return machine.canStart(byte) || byte === CR || byte === LF;
  }

  /** Reads the line from `lineStart` to its CR: `end` for the blank line, undefined for one that was taken in. */
  function endLine(bytes: Buffer, to: number): 'end' | undefined | BadHead {
    if (startLine !== undefined) return to === lineStart ? 'end' : endFieldLine(bytes, to);
    if (to === lineStart) {
      if (emptyLines === machine.emptyLines) {
        return bad(400, 'EMPTY_LINES', 'Empty lines where a head should begin (RFC 9112 2.2).');
      }
      emptyLines++;
      headStart = to + 2;
      return undefined;
    }
    const line = machine.readStartLine(bytes, lineStart, to);
    if (isBad(line)) return line;
    startLine = line;
    return undefined;
  }

  /** RFC 9112 5: field-line = field-name ":" OWS field-value OWS. */
  function endFieldLine(bytes: Buffer, to: number): undefined | BadHead {
    if (isBlank(bytes[lineStart])) {
      return onLine(400, 'OBS_FOLD', 'begins with a blank: folded lines are read in two ways (RFC 9112 2.2, 5.2)');
    }
    if (fieldCount() === FIELD_LINES) {
      return bad(431, 'TOO_MANY_FIELDS', `The head has more than ${FIELD_LINES} fields.`);
    }
    const colon = tokenEnd(bytes, lineStart, to);
    if (colon === lineStart || colon === to || bytes[colon] !== COLON) {
      return onLine(400, 'FIELD_NAME', 'does not begin with a clean name and a colon, no blank between (RFC 9112 5.1)');
    }
    let valueStart = colon + 1;
    let valueEnd = to;
    while (valueStart < valueEnd && isBlank(bytes[valueStart])) valueStart++;
    while (valueStart < valueEnd && isBlank(bytes[valueEnd - 1])) valueEnd--;
    marks.push(lineStart - headStart, colon - headStart, valueStart - headStart, valueEnd - headStart);
    return undefined;
  }

  /** Names and values as text: one decoding of the head, then slices of it. */
  function cutFields(raw: Buffer): Fields {
    const text = raw.toString('latin1');
    const fields: [string, string][] = [];
    for (let mark = 0; mark < marks.length; mark += 4) {
      fields.push([text.slice(marks[mark], marks[mark + 1]), text.slice(marks[mark + 2], marks[mark + 3])]);
    }
    return fields;
  }

  function fieldCount(): number {
    return marks.length / 4;
  }

  function startLineTooLong(): BadHead {
    return bad(414, 'REQUEST_LINE_TOO_LONG', `The request line is longer than ${limits.startLine} bytes.`);
  }

  function headTooLarge(): BadHead {
    return bad(431, 'HEAD_TOO_LARGE', `The head is larger than ${limits.head} bytes.`);
  }

  /** Line 1 is the request or status line. */
  function onLine(status: HeadStatus, code: HeadCode, finding: string): BadHead {
    return bad(status, code, `Line ${startLine === undefined ? 1 : fieldCount() + 2} of the head ${finding}.`);
  }

  return {
    push,
    get buffered() {
      return length;
    },
  };
}

function notHttp(byte: number): BadHead {
  const TLS_HANDSHAKE = 0x16;
  const guess = byte === TLS_HANDSHAKE ? ', perhaps TLS on a port for plain HTTP' : '';
  return bad(400, 'NOT_HTTP', `The first byte, 0x${hex(byte)}, begins no HTTP/1 head${guess}.`);
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
