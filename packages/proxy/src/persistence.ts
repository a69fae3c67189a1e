// Room: whether a connection goes on after a message, and whether a request may be sent twice. RFC 9112 9.3, RFC 9110 9.2.2.
import type { Framing } from './http1/body.ts';
import { hasToken } from './http1/fields.ts';
import type { RequestHead, ResponseHead } from './http1/head.ts';

/** RFC 9112 9.3: close ends it; HTTP/1.1 goes on; HTTP/1.0 only where keep-alive was said. */
export function persists(head: RequestHead | ResponseHead): boolean {
  if (hasToken(head.fields, 'Connection', 'close')) return false;
  return head.version === '1.1' || hasToken(head.fields, 'Connection', 'keep-alive');
}

/** True where the client asked for a WebSocket (RFC 9110 7.8), so that a 101 is an answer and not an accident. */
export function asksForUpgrade(head: RequestHead): boolean {
  return hasToken(head.fields, 'Connection', 'upgrade') && hasToken(head.fields, 'Upgrade', 'websocket');
}

/** RFC 9110 9.2.2. POST and every method we do not know are left out. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** RFC 9112 9.3.1: may be sent again on another connection where the first one died without a byte of an answer. */
export function mayBeRepeated(method: string, framing: Framing): boolean {
  const bodyless = framing.kind === 'none' || (framing.kind === 'length' && framing.bytes === 0);
  return bodyless && IDEMPOTENT.has(method);
}
