// Room: the productions of RFC 9110 and RFC 9112 that a head and a chunk line are made of, as tables over single bytes
// and as patterns without nested repetition, so that each check costs one pass. Where we depart from the RFC the line
// says so and why. Knows no messages, no limits and no framing.

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

const TCHAR = 1;
const TEXT = 2;
const TARGET = 4;

const bytesOf = (text: string): number[] => [...Buffer.from(text, 'latin1')];
const range = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i);

const DIGIT = range(0x30, 0x39);
const ALPHA = [...range(0x41, 0x5a), ...range(0x61, 0x7a)];
const VCHAR = range(0x21, 0x7e);
const OBS_TEXT = range(0x80, 0xff);

/** Class bits of each byte. */
const CLASS = new Uint8Array(256);
function mark(bit: number, ...bytes: number[]): void {
  for (const byte of bytes) CLASS[byte] = (CLASS[byte] ?? 0) | bit;
}

// RFC 9110 5.6.2: tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA
mark(TCHAR, ...DIGIT, ...ALPHA, ...bytesOf("!#$%&'*+-.^_`|~"));

// RFC 9110 5.5: field-content is VCHAR, obs-text, SP and HTAB. The same bytes make a reason phrase (RFC 9112 4) and,
// by departure, a chunk extension: RFC 9112 7.1.1 has structure there, which nobody reads and which we only bound.
mark(TEXT, HTAB, SP, ...VCHAR, ...OBS_TEXT);

// RFC 9112 3.2 builds a request target from RFC 3986 characters. Departures, all towards what clients send and what
// Squid, Apache and IIS take, since the bytes pass on as they came and each has one reading:
//   " < > \ ^ ` { | }   browsers and scripts leave them unencoded in queries; `\` in a path is the rules' to judge
//   0x80-0xFF           old Internet Explorer and curl send raw UTF-8; the rules treat such a byte like its %XX form
// Held to: no CTL, no SP (a second space would move the version), no DEL, and no `#`: a fragment is never sent, some
// servers cut the target there and some take it for a path character, so a rule and a server could differ.
mark(TARGET, ...VCHAR.filter((byte) => byte !== 0x23), ...OBS_TEXT);

/** True for tchar, RFC 9110 5.6.2. */
export function isTokenByte(byte: number): boolean {
  return ((CLASS[byte] ?? 0) & TCHAR) !== 0;
}

/** True for the bytes a line of a head may hold before its CRLF: VCHAR, obs-text, SP and HTAB. */
export function isTextByte(byte: number): boolean {
  return ((CLASS[byte] ?? 0) & TEXT) !== 0;
}

/** True for SP and HTAB, of which OWS and BWS are made (RFC 9110 5.6.3). */
export function isBlank(byte: number | undefined): boolean {
  return byte === SP || byte === HTAB;
}

/** Where the run of tchar that begins at `from` ends: the first other byte, at most `to`. */
export function tokenEnd(bytes: Uint8Array, from: number, to: number): number {
  return runEnd(TCHAR, bytes, from, to);
}

/** Where the run of text bytes that begins at `from` ends: the first CR, LF or other control byte, at most `to`. */
export function textEnd(bytes: Uint8Array, from: number, to: number): number {
  return runEnd(TEXT, bytes, from, to);
}

/** Where the run of request target bytes that begins at `from` ends, at most `to`; see the departures above. */
export function targetEnd(bytes: Uint8Array, from: number, to: number): number {
  return runEnd(TARGET, bytes, from, to);
}

function runEnd(bit: number, bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && ((CLASS[bytes[at] ?? 0] ?? 0) & bit) !== 0) at++;
  return at;
}

/** Value of a hexadecimal digit, -1 for any other byte. RFC 9112 7.1: chunk-size = 1*HEXDIG. */
export function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

/** RFC 9110 5.6.2, for text that has left the bytes. */
export const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** RFC 9112 2.3: HTTP-version = "HTTP" "/" DIGIT "." DIGIT, case-sensitive. */
export const HTTP_VERSION = /^HTTP\/(\d\.\d)$/;

/**
 * RFC 9112 4: status-line = HTTP-version SP status-code SP [ reason-phrase ].
 * Departure: the second SP may be missing where there is no reason, as many small servers write it; the line passes on
 * as it came and cannot be read in two ways. The first digit is 1 to 9: no reader knows what a status below 100 is.
 */
export const STATUS_LINE = /^HTTP\/(\d\.\d) ([1-9]\d\d)(?: (.*))?$/s;

/**
 * RFC 9112 3.2.2 absolute-form, of the two schemes a gateway can serve (RFC 9110 4.2), with an authority of the characters
 * RFC 3986 3.2 has for one. Which host and port it means, or that it has userinfo, is the rules' to see.
 */
export const ABSOLUTE_FORM = /^https?:\/\/[A-Za-z0-9._~!$&'()*+,;=:@%[\]-]+(?:[/?]|$)/i;

/** RFC 9110 8.6: Content-Length = 1*DIGIT. Departure: the list form `5, 5`, which 8.6 lets us accept, is refused. */
export const CONTENT_LENGTH = /^\d+$/;
