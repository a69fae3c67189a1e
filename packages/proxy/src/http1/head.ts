// Room: bytes in, a head out. One machine reads request and response heads line by line as bytes arrive, remembers how far
// it has looked, and refuses at the first byte that no careful reader would accept. What the fields mean for the body is body.ts.

import type { Fields } from './fields.ts';
import {
  ABSOLUTE_FORM,
  COLON,
  CR,
  HTAB,
  HTTP_VERSION,
  isTargetText,
  isTextByte,
  isToken,
  isTokenByte,
  LF,
  SP,
  STATUS_LINE,
} from './grammar.ts';

/** A request head. `raw` is the exact bytes from the request line to the blank line, in memory of its own. */
export type RequestHead = { method: string; target: string; version: '1.0' | '1.1'; fields: Fields; raw: Buffer };

/** A response head. `reason` may be empty; MS-RPCH 2.1.2.1.3 puts up to 1,024 bytes there (`RPC Error: …`). */
export type ResponseHead = { version: '1.0' | '1.1'; status: number; reason: string; fields: Fields; raw: Buffer };

/** Why a head was refused. Closed: each has a case in fixtures/http1 or in head.test.ts. */
export type HeadCode =
  | 'NOT_HTTP'
  | 'REQUEST_LINE'
  | 'REQUEST_LINE_TOO_LONG'
  | 'STATUS_LINE'
  | 'TARGET'
  | 'CONNECT'
  | 'VERSION'
  | 'EMPTY_LINES'
  | 'BARE_CR'
  | 'BARE_LF'
  | 'CONTROL_BYTE'
  | 'OBS_FOLD'
  | 'FIELD_NAME'
  | 'TOO_MANY_FIELDS'
  | 'HEAD_TOO_LARGE';

/** The status to answer with: of the client's making for a request head, 502 for every bad response head. */
export type HeadStatus = 400 | 414 | 431 | 501 | 502 | 505;

/** A refusal. The message is one sentence for a log and never quotes a field value, which may be a secret. */
export type BadHead = { kind: 'bad'; code: HeadCode; status: HeadStatus; message: string };

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
    join: (line, fields, raw) => ({ ...line, fields, raw }),
  });
}

/** Reads response heads, one after another: 1xx heads are heads like any other. Limit in bytes; every refusal is a 502. */
export function responseHeadReader(limits: { head: number }): HeadReader<ResponseHead> {
  const CAPITAL_H = 0x48;
  return headReader<StatusLine, ResponseHead>({
    limits: { startLine: limits.head, head: limits.head },
    emptyLines: 0,
    status: 502,
    canStart: (byte) => byte === CAPITAL_H,
    readStartLine: readStatusLine,
    join: (line, fields, raw) => ({ ...line, fields, raw }),
  });
}

type RequestLine = Pick<RequestHead, 'method' | 'target' | 'version'>;
type StatusLine = Pick<ResponseHead, 'version' | 'status' | 'reason'>;

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
  let at = 0;
  let emptyLines = 0;
  let startLine: StartLine | undefined;
  let fields: [string, string][] = [];
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
    const head = machine.join(startLine, fields, raw);
    reset();
    return { kind: 'head', head, rest: chunk.subarray(end - before) };
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
    length = headStart = lineStart = at = emptyLines = 0;
    startLine = undefined;
    fields = [];
  }

  function refuse(bad: BadHead): BadHead {
    reset();
    refusal = machine.status === undefined ? bad : { ...bad, status: machine.status };
    return refusal;
  }

  /** Looks at the bytes not seen yet: the offset after the blank line, undefined while it has not come, or a refusal. */
  function scan(bytes: Buffer): number | undefined | BadHead {
    for (; at < bytes.length; at++) {
      if (startLine === undefined && at - lineStart >= limits.startLine) return startLineTooLong();
      if (at - headStart >= limits.head) return headTooLarge();
      const byte = bytes[at] ?? 0;
      const afterCr = at > lineStart && bytes[at - 1] === CR;
      if (byte === LF) {
        if (!afterCr) return onLine(400, 'BARE_LF', 'ends in a bare LF; a head uses CRLF (RFC 9112 2.2)');
        const outcome = endLine(bytes, at - 1);
        if (outcome === 'end') return at + 1;
        if (outcome !== undefined) return outcome;
        lineStart = at + 1;
      } else if (afterCr) {
        return onLine(400, 'BARE_CR', 'has a CR without LF (RFC 9112 2.2)');
      } else if (startLine === undefined && at === lineStart && byte !== CR && !machine.canStart(byte)) {
        return notHttp(byte);
      } else if (byte !== CR && !isTextByte(byte)) {
        return onLine(400, 'CONTROL_BYTE', `has a control byte, 0x${hex(byte)} (RFC 9110 5.5)`);
      }
    }
    return undefined;
  }

  /** Reads the line from `lineStart` to its CR: `end` for the blank line, undefined for one that was taken in. */
  function endLine(bytes: Buffer, to: number): 'end' | undefined | BadHead {
    if (startLine === undefined) {
      if (to === lineStart) {
        if (emptyLines++ < machine.emptyLines) headStart = to + 2;
        else return bad(400, 'EMPTY_LINES', 'Empty lines where a head should begin (RFC 9112 2.2).');
        return undefined;
      }
      const line = machine.readStartLine(bytes, lineStart, to);
      if (isBad(line)) return line;
      startLine = line;
      return undefined;
    }
    if (to === lineStart) return 'end';
    return endFieldLine(bytes, to);
  }

  /** RFC 9112 5: field-line = field-name ":" OWS field-value OWS. */
  function endFieldLine(bytes: Buffer, to: number): undefined | BadHead {
    const first = bytes[lineStart];
    if (first === SP || first === HTAB) {
      return onLine(
        400,
        'OBS_FOLD',
        'begins with a blank: folded lines are obsolete and read in two ways (RFC 9112 5.2)',
      );
    }
    if (fields.length === FIELD_LINES) {
      return bad(431, 'TOO_MANY_FIELDS', `The head has more than ${FIELD_LINES} fields.`);
    }
    const colon = bytes.indexOf(COLON, lineStart);
    if (colon === -1 || colon > to) return onLine(400, 'FIELD_NAME', 'has no colon (RFC 9112 5)');
    if (!isToken(bytes, lineStart, colon)) {
      return onLine(400, 'FIELD_NAME', 'has no clean name before its colon: a token without blanks (RFC 9112 5.1)');
    }
    let valueStart = colon + 1;
    let valueEnd = to;
    while (valueStart < valueEnd && isBlank(bytes[valueStart])) valueStart++;
    while (valueStart < valueEnd && isBlank(bytes[valueEnd - 1])) valueEnd--;
    fields.push([bytes.toString('latin1', lineStart, colon), bytes.toString('latin1', valueStart, valueEnd)]);
    return undefined;
  }

  function startLineTooLong(): BadHead {
    return bad(414, 'REQUEST_LINE_TOO_LONG', `The request line is longer than ${limits.startLine} bytes.`);
  }

  function headTooLarge(): BadHead {
    return bad(431, 'HEAD_TOO_LARGE', `The head is larger than ${limits.head} bytes.`);
  }

  /** Line 1 is the request or status line. */
  function onLine(status: HeadStatus, code: HeadCode, finding: string): BadHead {
    const line = startLine === undefined ? 1 : fields.length + 2;
    return bad(status, code, `Line ${line} of the head ${finding}.`);
  }

  return {
    push,
    get buffered() {
      return length;
    },
  };
}

/**
 * RFC 9112 3: request-line = method SP request-target SP HTTP-version.
 * Departures, all stricter: exactly one SP each (section 3 lets a lenient parser split on any blanks), and a minor version
 * above 1 is answered 505, where RFC 9110 2.5 would read it as 1.1: nobody sends one in good faith.
 */
function readRequestLine(bytes: Buffer, from: number, to: number): RequestLine | BadHead {
  const methodEnd = bytes.indexOf(SP, from);
  const targetEnd = methodEnd === -1 ? -1 : bytes.indexOf(SP, methodEnd + 1);
  if (targetEnd === -1 || targetEnd > to) {
    return bad(400, 'REQUEST_LINE', 'The request line is not method, target and version (RFC 9112 3).');
  }
  if (!isToken(bytes, from, methodEnd)) return bad(400, 'REQUEST_LINE', 'The method is not a token (RFC 9110 9.1).');
  const written = HTTP_VERSION.exec(bytes.toString('latin1', targetEnd + 1, to));
  if (written === null) {
    return bad(400, 'REQUEST_LINE', 'The request line does not end in one space and an HTTP version (RFC 9112 3).');
  }
  const version = written[1];
  if (version !== '1.0' && version !== '1.1') return unknownVersion(version);
  if (!isTargetText(bytes, methodEnd + 1, targetEnd)) {
    return bad(400, 'TARGET', 'The request target is empty or has a blank or a # (RFC 9112 3.2).');
  }
  const method = bytes.toString('latin1', from, methodEnd);
  // A tunnel to a place of the client's choosing is what a gateway must never be; there is no route for one.
  if (method === 'CONNECT') return bad(501, 'CONNECT', 'CONNECT is not served here: this is not a forward proxy.');
  const target = bytes.toString('latin1', methodEnd + 1, targetEnd);
  if (!hasTargetForm(method, target)) {
    return bad(400, 'TARGET', 'The request target is neither a path nor an http URL (RFC 9112 3.2).');
  }
  return { method, target, version };
}

/** RFC 9112 3.2: origin-form, absolute-form, or `*` with OPTIONS. Squid glues `g` to the host name (SQ-107); we refuse. */
function hasTargetForm(method: string, target: string): boolean {
  return target.startsWith('/') || ABSOLUTE_FORM.test(target) || (target === '*' && method === 'OPTIONS');
}

function readStatusLine(bytes: Buffer, from: number, to: number): StatusLine | BadHead {
  const written = STATUS_LINE.exec(bytes.toString('latin1', from, to));
  if (written === null) return bad(502, 'STATUS_LINE', 'The answer does not begin with a status line (RFC 9112 4).');
  const [, version, status, reason = ''] = written;
  if (version !== '1.0' && version !== '1.1') return unknownVersion(version);
  return { version, status: Number(status), reason };
}

function unknownVersion(version: string | undefined): BadHead {
  return bad(505, 'VERSION', `HTTP/${version} is not spoken here, only HTTP/1.0 and HTTP/1.1.`);
}

function notHttp(byte: number): BadHead {
  const TLS_HANDSHAKE = 0x16;
  const guess = byte === TLS_HANDSHAKE ? ', perhaps TLS on a port for plain HTTP' : '';
  return bad(400, 'NOT_HTTP', `The first byte, 0x${hex(byte)}, begins no HTTP/1 head${guess}.`);
}

function bad(status: HeadStatus, code: HeadCode, message: string): BadHead {
  return { kind: 'bad', code, status, message };
}

function isBad<Line extends object>(outcome: Line | BadHead): outcome is BadHead {
  return 'kind' in outcome;
}

function isBlank(byte: number | undefined): boolean {
  return byte === SP || byte === HTAB;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
