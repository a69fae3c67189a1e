// Room: connections of load balancers that speak the PROXY protocol to a listener: who must send the header, and what it says.
import type { Socket } from 'node:net';
import { readPreface } from './preface.ts';
import { type Ends, readProxyHeader } from './proxyheader.ts';

/** Closed; each has its line in the README. */
export type ProxyHeaderCode = 'PROXY_MISSING' | 'PROXY_MALFORMED' | 'PROXY_TIMEOUT' | 'PROXY_STRANGER';

/** Milliseconds for the header. A proxy sends it in its first segment; three seconds are two lost ones. */
const HEADER_TIME = 5_000;

/** `ends` absent: the header names nobody. `left`: closed without a byte, as the health checks of balancers do. */
export type Proxied =
  | { kind: 'proxied'; ends?: Ends }
  | { kind: 'left' }
  | { kind: 'refused'; code: ProxyHeaderCode; message: string };

/** Takes the header off a connection that must begin with one. What stands behind it is read by whoever comes next. */
export async function takeProxyHeader(socket: Socket): Promise<Proxied> {
  const preface = await readPreface(socket, readIt, HEADER_TIME);
  if (preface.kind === 'read') {
    const { header } = preface.read;
    if (header.kind === 'header') return { kind: 'proxied', ...(header.ends && { ends: header.ends }) };
    if (header.kind === 'bad') return { kind: 'refused', code: 'PROXY_MALFORMED', message: header.message };
    return { kind: 'refused', code: 'PROXY_MISSING', message: MISSING };
  }
  if (preface.bytes === 0 && preface.kind === 'gone') return { kind: 'left' };
  const message = `the PROXY header was not complete ${preface.kind === 'late' ? `within ${HEADER_TIME} ms` : 'when the connection ended'}. ${REMEDY}`;
  return { kind: 'refused', code: 'PROXY_TIMEOUT', message };
}

function readIt(bytes: Buffer) {
  const header = readProxyHeader(bytes);
  return header.kind === 'more' ? header : { header, rest: header.kind === 'header' ? header.rest : Buffer.alloc(0) };
}

const REMEDY =
  'Switch the PROXY protocol on where that peer forwards to this listener, or take it out of the listener’s proxyProtocol.';
const MISSING = `a peer of proxyProtocol sent no PROXY header; without it nobody knows whose connection this is. ${REMEDY}`;

/** Told of a connection that none of the load balancers made (`proxyProtocolOnly`). */
export const STRANGER = {
  code: 'PROXY_STRANGER',
  message:
    'closed unread: this listener is for the peers of its proxyProtocol alone. Add the address there if it is one of them.',
} as const;
