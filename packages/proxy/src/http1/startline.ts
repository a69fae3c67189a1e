// Room: the first line of a head: a request line or a status line, from its first byte to its CR (RFC 9112 3 and 4).
import { ABSOLUTE_FORM, HTTP_VERSION, SP, STATUS_LINE, targetEnd, tokenEnd } from './grammar.ts';
import { type BadHead, bad } from './refusal.ts';

/** `target` as the client sent it: a path with its query, an http URL, or `*`. */
export type RequestLine = { method: string; target: string; version: '1.0' | '1.1' };

/** `reason` may be empty; MS-RPCH 2.1.2.1.3 puts up to 1,024 bytes there (`RPC Error: …`). */
export type StatusLine = { version: '1.0' | '1.1'; status: number; reason: string };

/**
 * RFC 9112 3: request-line = method SP request-target SP HTTP-version.
 * Departures, all stricter: exactly one SP each (section 3 lets a lenient parser split on any blanks), and a minor version
 * above 1 is answered 505, where RFC 9110 2.5 would read it as 1.1: nobody sends one in good faith.
 */
export function readRequestLine(bytes: Buffer, from: number, to: number): RequestLine | BadHead {
  const methodEnd = tokenEnd(bytes, from, to);
  if (bytes[methodEnd] !== SP) {
    return bad(400, 'REQUEST_LINE', 'The request line does not begin with a method and a space (RFC 9112 3).');
  }
  const line = bytes.toString('latin1', from, to);
  const method = line.slice(0, methodEnd - from);
  const versionStart = line.lastIndexOf(' ') + 1;
  const version = HTTP_VERSION.exec(line.slice(versionStart))?.[1];
  if (version === undefined || versionStart === method.length + 1) {
    return bad(400, 'REQUEST_LINE', 'The request line does not end in a space and an HTTP version (RFC 9112 3).');
  }
  if (version !== '1.0' && version !== '1.1') return unknownVersion(version);
  const targetStop = from + versionStart - 1;
  if (methodEnd + 1 === targetStop || targetEnd(bytes, methodEnd + 1, targetStop) !== targetStop) {
    return bad(400, 'TARGET', 'The request target is empty or has a blank or a # (RFC 9112 3.2).');
  }
  // A tunnel to a place of the client's choosing is what a gateway must never be; there is no route for one.
  if (method === 'CONNECT') return bad(501, 'CONNECT', 'CONNECT is not served here: this is not a forward proxy.');
  const target = line.slice(method.length + 1, versionStart - 1);
  if (!hasTargetForm(method, target)) {
    return bad(400, 'TARGET', 'The request target is neither a path nor an http URL (RFC 9112 3.2).');
  }
  return { method, target, version };
}

/** RFC 9112 3.2: origin-form, absolute-form, or `*` with OPTIONS. Squid glues `g` to the host name (SQ-107); we refuse. */
function hasTargetForm(method: string, target: string): boolean {
  return target.startsWith('/') || ABSOLUTE_FORM.test(target) || (target === '*' && method === 'OPTIONS');
}

/** RFC 9112 4, as STATUS_LINE reads it. */
export function readStatusLine(bytes: Buffer, from: number, to: number): StatusLine | BadHead {
  const written = STATUS_LINE.exec(bytes.toString('latin1', from, to));
  if (written === null) return bad(502, 'STATUS_LINE', 'The answer does not begin with a status line (RFC 9112 4).');
  const [, version, status, reason = ''] = written;
  if (version !== '1.0' && version !== '1.1') return unknownVersion(version);
  return { version, status: Number(status), reason };
}

function unknownVersion(version: string | undefined): BadHead {
  return bad(505, 'VERSION', `HTTP/${version} is not spoken here, only HTTP/1.0 and HTTP/1.1.`);
}
