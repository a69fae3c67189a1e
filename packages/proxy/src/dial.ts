// Room: one attempt to connect to one server: TCP or a unix socket, a PROXY header where it wants one, then TLS, within the limit of time.
import { connect as connectPlain, type NetConnectOpts, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, TLSSocket } from 'node:tls';
import type { Server, Upstream } from '@outrigger/rules';
import { connectTimeout, type Failure, upstreamFailure } from './failure.ts';
import { type Ends, proxyHeaderBytes } from './proxyheader.ts';
import type { Seat } from './seats.ts';
import type { ConnectionTls } from './servertls.ts';
import { keepSessions, type SessionCache, sessionFor } from './sessions.ts';

/**
 * Milliseconds of silence before the kernel asks a peer whether it still lives, on both legs. Devices on the way forget
 * idle connections after minutes; field case 8 lost a channel to one that did after five.
 */
export const TCP_KEEP_ALIVE = 60_000;

/** Milliseconds for one address of a name before the next is tried beside it (RFC 8305 5); node's 250 is short for a WAN. */
const ADDRESS_ATTEMPT = 1_000;

export type Dialled =
  /** `seat`: its place where the rules limit connections to the server. */
  | { kind: 'connected'; socket: Duplex; server: string; seat?: Seat }
  | { kind: 'failed'; failure: Failure; server: string }
  | { kind: 'cancelled' };

/** Where to connect. */
type Place = {
  server: Server;
  /** As the rules write it. */
  url: string;
  /** The same with the name of its upstream, for messages. */
  place: string;
  sessions: SessionCache;
};

/** `tls` undefined: TCP alone, whatever the URL of the server says. */
export function dialOnce(
  target: Place,
  upstream: Upstream,
  tls: ConnectionTls | undefined,
  ends: Ends | undefined,
  cancel: AbortSignal,
): Promise<Dialled> {
  const { server, url, place, sessions } = target;
  const { servername: name = '' } = tls?.options ?? {};
  return new Promise((resolve) => {
    if (cancel.aborted) return resolve({ kind: 'cancelled' });
    const address = {
      ...(server.scheme === 'unix' ? { path: server.path } : { host: server.host, port: server.port }),
      allowHalfOpen: true,
      autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT,
    };
    const { proxyProtocol } = upstream;
    const secures = server.scheme === 'https' && tls !== undefined;
    const beneath = proxyProtocol && connectAnnounced(address, proxyHeaderBytes(proxyProtocol, ends));
    const socket = secures
      ? connectTls({
          ...(beneath === undefined ? address : { socket: beneath }),
          ...tls.options,
          ...sessionFor(sessions, name),
        })
      : (beneath ?? connectPlain(address));
    const settle = (dialled: Dialled): void => {
      clearTimeout(timer);
      cancel.removeEventListener('abort', onCancel);
      socket.off('error', onError);
      socket.off('connect', onConnect);
      socket.off('secureConnect', onConnect);
      if (dialled.kind !== 'connected') {
        socket.on('error', () => {}); // of a socket that nobody has any more
        socket.destroy();
      }
      resolve(dialled);
    };
    const fail = (failure: Failure): void => settle({ kind: 'failed', failure, server: url });
    const onCancel = (): void => settle({ kind: 'cancelled' });
    const onError = (error: NodeJS.ErrnoException): void => fail(upstreamFailure(error, place));
    const onConnect = (): void => {
      const refused = socket instanceof TLSSocket ? tls?.refusal(socket) : undefined;
      if (refused !== undefined) {
        socket.destroy(refused);
        return;
      }
      acceptSession?.();
      // PDUs are small and answered one by one: nothing may wait for company (Nagle), nor die unnoticed.
      socket.setNoDelay(true);
      socket.setKeepAlive(true, TCP_KEEP_ALIVE);
      settle({ kind: 'connected', socket, server: url });
    };
    const { connect } = upstream.timeouts;
    const timer = setTimeout(() => fail(connectTimeout(place, connect)), connect);
    cancel.addEventListener('abort', onCancel);
    socket.on('error', onError);
    const acceptSession = secures ? keepSessions(socket, sessions, name) : undefined;
    socket.on(secures ? 'secureConnect' : 'connect', onConnect);
  });
}

/** A TCP connection whose first bytes, ahead of any TLS, are a PROXY header. */
function connectAnnounced(address: NetConnectOpts, header: Buffer): Socket {
  const socket = connectPlain(address);
  // Nobody else has it yet, and node keeps what is written until it is connected.
  socket.write(header);
  return socket;
}
