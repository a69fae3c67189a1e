// Room: how a request target is read: the path as the server behind will understand it, the ways in which one path can be
// read twice, and the URL as Squid's regexes see it. Text here is latin1: one character is one byte from the wire.

const PERCENT = 0x25;

/** The part of a target before its query. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}

/**
 * The path as the server behind will read it: percent-decoded once, backslash as slash, slashes merged, dot segments
 * removed (RFC 3986 5.2.4). Malformed escapes stay as they are. `*` (OPTIONS) stays `*`.
 */
export function normalizedPath(target: string): string {
  const path = pathOf(target);
  if (!/[%\\]|\/\/|\/\./.test(path)) return path;
  const decoded = decodeEscapes(path).replaceAll('\\', '/');
  if (!decoded.startsWith('/')) return decoded;
  const kept: string[] = [];
  const segments = decoded.slice(1).split('/');
  segments.forEach((segment, index) => {
    const last = index === segments.length - 1;
    if (segment === '..') kept.pop();
    else if (segment !== '.' && (segment !== '' || last)) kept.push(segment);
    // A dot segment at the end leaves its slash: /a/. is /a/ and /a/.. is /.
    if (last && (segment === '.' || segment === '..')) kept.push('');
  });
  return `/${kept.join('/')}`;
}

/** Spellings that two servers read in two ways, each with what a person needs to know about it. */
const AMBIGUITIES: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/%2f/i, 'an encoded slash (%2F): one server splits the path there, another does not'],
  [/%5c/i, 'an encoded backslash (%5C): IIS reads it as a slash, others do not'],
  [/%00/, 'an encoded NUL (%00): some servers end the path there'],
  [/%u[0-9a-f]{4}/i, 'a %uXXXX escape: IIS decodes it, others do not'],
  [/%(?![0-9a-f]{2})/i, 'a % that begins no escape: Apache and IIS refuse it, others take it as it stands'],
  [/(?:^|\/)(?:\.|%2e){1,2};/i, 'a dot segment with parameters (..;): some servers climb, others do not'],
];

/** Bytes that no shortest-form UTF-8 holds (RFC 3629 section 3): old decoders turn them into `/`, `.` or `\`. */
const OVERLONG_UTF8 = /[\xc0\xc1]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f]|[\xf5-\xff]/;

/** Why the path of `target` can be read in two ways; undefined where it cannot. The query is not looked at. */
export function pathAmbiguity(target: string): string | undefined {
  const path = pathOf(target);
  if (!path.includes('%') && !path.includes(';') && !OVERLONG_UTF8.test(path)) return undefined;
  const found = AMBIGUITIES.find(([pattern]) => pattern.test(path));
  if (found !== undefined) return found[1];
  return OVERLONG_UTF8.test(decodeEscapes(path))
    ? 'overlong UTF-8: old decoders read a slash or a dot in it'
    : undefined;
}

/**
 * Percent-decodes once the way Squid does before it matches (lib/rfc1738.c, rfc1738_unescape): `%%` is `%`, while `%00`
 * and malformed escapes stay as they are (SQ-58, SQ-59).
 */
export function squidUnescape(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%(?:%|([0-9a-fA-F]{2}))/g, (written, hex: string | undefined) => {
    if (hex === undefined) return '%';
    return hex === '00' ? written : String.fromCharCode(Number.parseInt(hex, 16));
  });
}

/** Text of a rules file (Unicode) as the bytes a client sends: UTF-8, one character a byte. */
export function asWireBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** Lower case for ASCII letters alone: bytes above 0x7F are parts of UTF-8 sequences and must not move. */
export function asciiLowerCase(text: string): string {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text;
}

function decodeEscapes(path: string): string {
  if (path.indexOf('%') === -1) return path;
  const bytes = Buffer.from(path, 'latin1');
  let length = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    const high = bytes[index] === PERCENT ? hexDigit(bytes[index + 1]) : -1;
    const low = high === -1 ? -1 : hexDigit(bytes[index + 2]);
    if (low === -1) {
      bytes[length] = bytes[index] ?? 0;
    } else {
      bytes[length] = high * 16 + low;
      index += 2;
    }
    length += 1;
  }
  return bytes.toString('latin1', 0, length);
}

function hexDigit(byte: number | undefined): number {
  const value = byte === undefined ? Number.NaN : Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(value) ? -1 : value;
}
