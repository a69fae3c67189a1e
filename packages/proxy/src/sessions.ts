// Room: TLS sessions towards servers, used again so that a client's connection costs one round trip less. By server and name sent:
// a session made under one name is refused under another.
import type { Socket } from 'node:net';

/**
 * Sessions kept for one server. Clients choose the names, so there is an end to them; a session is a few KiB with the server's
 * certificates in it, and a server with more names than this in use makes new ones.
 */
const KEPT = 256;

/** The newest session for each name; `''` where no name is sent. The one longest unused makes room. */
export type SessionCache = Map<string, Buffer>;

/** The session to resume under this name. */
export function sessionFor(cache: SessionCache, name: string): { session?: Buffer } {
  const session = cache.get(name);
  return session === undefined ? {} : { session };
}

/**
 * Keeps the newest session of a connection that is being made under `name`, once its handshake is accepted: a resumed connection
 * shows no certificate, and node checks none, so a session counts only where its own was. Gives what says that it is.
 */
export function keepSessions(socket: Socket, cache: SessionCache, name: string): () => void {
  let isAccepted = false;
  let early: Buffer | undefined;
  socket.on('session', (ticket: Buffer) => {
    if (isAccepted) keep(cache, name, ticket);
    else early = ticket;
  });
  socket.on('error', () => {
    if (!isAccepted) cache.delete(name);
  });
  return () => {
    isAccepted = true;
    if (early !== undefined) keep(cache, name, early);
  };
}

function keep(cache: SessionCache, name: string, ticket: Buffer): void {
  cache.delete(name);
  cache.set(name, ticket);
  const [oldest] = cache.keys();
  if (cache.size > KEPT && oldest !== undefined) cache.delete(oldest);
}
