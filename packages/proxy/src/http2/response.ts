// Room: a response head of HTTP/1.1 as one of HTTP/2 (RFC 9113 8.3.2, 8.2.2). Pure.
import { listMembers, splitList } from '../http1/fields.ts';
import { isConnectionLogin, pairs } from './request.ts';

/** Fields of one connection. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Fields whose lines stay lines: cookies cannot be joined (RFC 9110 5.3), and some clients read one challenge a line. Others are
 * joined by a comma, which means the same; node sends some of them only once.
 */
const KEPT_APART: ReadonlySet<string> = new Set(['set-cookie', 'www-authenticate', 'proxy-authenticate']);

/** Statuses without content (RFC 9110 15.3.5, 15.3.6, 15.4.5). */
const EMPTY_STATUSES: ReadonlySet<number> = new Set([204, 205, 304]);

/** Fields in lower case, those of the connection left out, with those that Connection names. `raw`: names and values by turns. */
export function http2Fields(raw: readonly string[]): Record<string, string | string[]> {
  const fields = pairs(raw);
  const options = new Set(listMembers(fields, 'Connection').map((option) => option.toLowerCase()));
  const result: Record<string, string | string[]> = Object.create(null);
  for (const [spelled, value] of fields) {
    const name = spelled.toLowerCase();
    if (HOP_BY_HOP.has(name) || options.has(name)) continue;
    const before = result[name];
    if (before === undefined) result[name] = KEPT_APART.has(name) ? [value] : value;
    else result[name] = Array.isArray(before) ? [...before, value] : `${before}, ${value}`;
  }
  return result;
}

/** True where an answer has no body, whatever its fields say. */
export function isBodyless(method: string, status: number): boolean {
  return method === 'HEAD' || EMPTY_STATUSES.has(status);
}

/** A 401 that offers nothing but logins of a connection: they cannot be done over HTTP/2. `challenges`: WWW-Authenticate, by line. */
export function wantsConnectionLogin(status: number, challenges: readonly string[]): boolean {
  const members = challenges.flatMap(splitList);
  return status === 401 && members.length > 0 && members.every(isConnectionLogin);
}
