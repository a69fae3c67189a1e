// Room: a request head of HTTP/2 as one of HTTP/1.1 (RFC 9113 8.3.1, 8.2). Pure. node's http2 has refused what breaks framing: upper
// case, connection fields, lengths that are not those of the body. What could still be read in two ways further on is refused
// here, and the head is read once more, as every head is, where the request is judged.
import { fieldValues } from '../http1/fields.ts';
import { isTextByte, TOKEN, targetEnd } from '../http1/grammar.ts';

type FieldList = [name: string, value: string][];

/**
 * `request`: a head to be sent, fields in order · `bad`: malformed (RFC 9113 8.1.1), the stream is broken off · `method`: CONNECT,
 * which is refused with 405 · `http1`: this request must come over HTTP/1.1 (RFC 9113 7, HTTP_1_1_REQUIRED).
 */
export type Http1Request =
  | { kind: 'request'; method: string; target: string; fields: FieldList }
  | { kind: 'bad' | 'http1' | 'method'; message: string };

const PSEUDO: ReadonlySet<string> = new Set([':method', ':scheme', ':authority', ':path']);

/** Fields of one connection, which HTTP/2 forbids (RFC 9113 8.2.2); `te: trailers` alone is allowed there, and is no use here. */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

/** Methods whose requests have no body unless they say so (RFC 9110 9.3). */
const BODYLESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/** Names that decide framing, routing or who asks: never taken from trailers (RFC 9110 6.5.1). */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  ...CONNECTION_FIELDS,
  'te',
  'host',
  'content-length',
  'trailer',
  'authorization',
  'cookie',
  'expect',
]);

/** `raw`: names and values by turns, latin1, pseudo-fields among them. `whole`: the stream ends with its head. */
export function http1Request(raw: readonly string[], whole: boolean): Http1Request {
  const pseudo = new Map<string, string>();
  const given: FieldList = [];
  for (const [name, value] of pairs(raw)) {
    if (name.startsWith(':')) {
      if (pseudo.has(name) || !PSEUDO.has(name)) return bad('a pseudo-field is repeated or unknown');
      pseudo.set(name, value);
    } else if (!isField(name, value)) return bad('a field has a name or a value that HTTP/1.1 cannot carry');
    else if (CONNECTION_FIELDS.has(name)) return bad(`${name} belongs to a connection of HTTP/1.1`);
    else given.push([name, value]);
  }

  const method = pseudo.get(':method') ?? '';
  if (!TOKEN.test(method)) return bad('the method is no token');
  if (method === 'CONNECT')
    return { kind: 'method', message: 'CONNECT is not served here: this is not a forward proxy.' };
  if (pseudo.get(':scheme') !== 'https') return bad('the scheme is not https, which the connection is');
  const target = pseudo.get(':path') ?? '';
  if (!isPath(target) && !(target === '*' && method === 'OPTIONS')) return bad('the path is no path');
  const hosts = fieldValues(given, 'host');
  const authority = pseudo.get(':authority') ?? hosts[0] ?? '';
  if (!isValue(authority)) return bad('the authority holds control bytes');
  if (hosts.some((host) => host.toLowerCase() !== authority.toLowerCase())) return bad('host is not the authority');
  const lengths = fieldValues(given, 'content-length');
  if (lengths.length > 1 || (whole && lengths.some((length) => Number(length) !== 0))) {
    return bad('the length is not that of the body');
  }

  const login = fieldValues(given, 'authorization').some(isConnectionLogin);
  if (login) return http1('a login with NTLM or Negotiate logs a connection on, which many streams would share.');
  // node's client would put it in upper case, and a method is one whatever its case (RFC 9110 9.1).
  if (/[a-z]/.test(method)) return http1('a method in lower case passes over HTTP/1.1 only.');
  return { kind: 'request', method, target, fields: fieldsFor(method, authority, given, whole) };
}

/** Trailers of a request that go on; undefined where they hold what no trailer may. */
export function http1Trailers(raw: readonly string[]): FieldList | undefined {
  const fields = pairs(raw);
  return fields.every(([name, value]) => isField(name, value) && !NOT_IN_TRAILERS.has(name)) ? fields : undefined;
}

/** True for NTLM and Negotiate, as credentials and as a challenge: they log on a connection (RFC 4559 6), not a request. */
export function isConnectionLogin(value: string): boolean {
  return /^(?:ntlm|negotiate)(?: |$)/i.test(value);
}

/** Names and values that come by turns, as node gives them. */
export function pairs(raw: readonly string[]): FieldList {
  return Array.from({ length: raw.length / 2 }, (_, index) => [raw[2 * index] ?? '', raw[2 * index + 1] ?? '']);
}

function fieldsFor(method: string, authority: string, given: FieldList, whole: boolean): FieldList {
  const fields: FieldList = authority === '' ? [] : [['host', authority]];
  fields.push(...given.filter(([name]) => name !== 'host' && name !== 'te' && name !== 'cookie'));
  // RFC 9113 8.2.3: crumbs of one field, which HTTP/1.1 has once.
  const cookies = fieldValues(given, 'cookie');
  if (cookies.length > 0) fields.push(['cookie', cookies.join('; ')]);
  if (fieldValues(given, 'content-length').length > 0) return fields;
  if (!whole) fields.push(['transfer-encoding', 'chunked']);
  else if (!BODYLESS.has(method)) fields.push(['content-length', '0']);
  return fields;
}

function isField(name: string, value: string): boolean {
  return TOKEN.test(name) && !/[A-Z]/.test(name) && isValue(value) && !/^[ \t]|[ \t]$/.test(value);
}

function isValue(value: string): boolean {
  return Buffer.from(value, 'latin1').every(isTextByte);
}

/** Origin-form alone: an absolute target would name a second host beside the authority. */
function isPath(target: string): boolean {
  const bytes = Buffer.from(target, 'latin1');
  return target.startsWith('/') && targetEnd(bytes, 0, bytes.length) === bytes.length;
}

function bad(message: string): Http1Request {
  return { kind: 'bad', message };
}

function http1(message: string): Http1Request {
  return { kind: 'http1', message };
}
