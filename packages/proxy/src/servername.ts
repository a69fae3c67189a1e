// Room: the name a connection asks for, before anybody answers it. The ClientHello stays where it was, for whoever ends TLS.
import type { Socket } from 'node:net';
import { readClientHello } from './clienthello.ts';
import { readPreface } from './preface.ts';

/** `serverName` undefined: no ClientHello that is read here. `error`: as node would tell it of a handshake. */
export type ServerName =
  | { kind: 'read'; serverName: string | undefined }
  | { kind: 'failed'; error: NodeJS.ErrnoException };

/** Looks at a connection's ClientHello, within `milliseconds`. */
export async function takeClientHello(socket: Socket, milliseconds: number): Promise<ServerName> {
  const preface = await readPreface(socket, readIt, milliseconds);
  if (preface.kind === 'read') return { kind: 'read', serverName: preface.read.serverName };
  const code = preface.kind === 'late' ? 'ERR_TLS_HANDSHAKE_TIMEOUT' : 'ECONNRESET';
  return { kind: 'failed', error: Object.assign(new Error(code), { code }) };
}

function readIt(bytes: Buffer): { kind: 'more' } | { serverName: string | undefined; rest: Buffer } {
  const hello = readClientHello(bytes);
  if (hello.kind === 'more') return hello;
  return { serverName: hello.kind === 'hello' ? hello.serverName : undefined, rest: bytes };
}
