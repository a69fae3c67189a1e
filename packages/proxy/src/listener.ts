// Room: one listening address: accept, end TLS, hand each connection to its loop, take in new rules, and close all of it again.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import {
  addressTest,
  compilePassThrough,
  type Listener,
  listenerName,
  parseListenAddress,
  plainAddress,
} from '@outrigger/rules';
import { certificateFields, shownBy } from './clientcertificate.ts';
import { HANDSHAKE, handshakesWith } from './clienttls.ts';
import { type ClientConnection, type Runtime, serveConnection } from './connection.ts';
import { TCP_KEEP_ALIVE } from './dial.ts';
import type { Generation, PreparedListener } from './generation.ts';
import { certificateFinding, handshakeFinding } from './handshake.ts';
import { chooseProtocol, coveredHosts } from './http2/offer.ts';
import { serveHttp2 } from './http2/session.ts';
import { Leg } from './leg.ts';
import { passThrough } from './passthrough.ts';
import { STRANGER, takeProxyHeader } from './proxied.ts';
import type { Ends } from './proxyheader.ts';
import { takeClientHello } from './servername.ts';
import { listenProblem, type StartProblem } from './start.ts';
import type { Origin } from './verdict.ts';

/** Connections that wait to be accepted. A thousand phones reconnect within a second after an outage. */
const BACKLOG = 1_024;

/** Small PDUs must not wait for company (Nagle); a half-close is not an end; a peer that vanished is found out. */
const SOCKET = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE };

export type OpenListener = {
  kind: 'open';
  /** What makes it the same listener in other rules; see placeOf. */
  readonly place: string;
  /** Where it is bound. */
  readonly address: { listener: string; host: string; port: number };
  /** Client connections open now, handshakes included. */
  connections(): number;
  /**
   * Goes by other rules from now on, and accepts all the while. Connections stay, unless they were let in by other terms than hold
   * now (TLS, client certificates, the PROXY protocol): those are retired.
   */
  adopt(prepared: PreparedListener, generation: Generation): void;
  /** Stops accepting, retires connections, and after `graceMs` milliseconds ends those that are left. */
  close(graceMs: number): Promise<void>;
};

/** How connections are let in, from one reload to the next. */
type Door = PreparedListener & {
  runtime: Runtime;
  shakeHands: ((raw: Socket) => void) | undefined;
  mustAnnounce: (address: string) => boolean;
  chooseUpstream: ReturnType<typeof compilePassThrough>;
};

/** Binds one listener and serves on it. */
export async function openListener(
  prepared: PreparedListener,
  generation: Generation,
  shared: Pick<Runtime, 'clients' | 'waiting' | 'report' | 'logAccess' | 'now'>,
): Promise<OpenListener | { kind: 'bad'; problem: StartProblem }> {
  const sockets = new Set<Socket>();
  const connections = new Set<ClientConnection>();
  const { waiting } = shared;
  /** What a PROXY header said of a connection. */
  const announced = new WeakMap<Socket, Ends>();
  let door = openDoor(prepared, { generation, listener: prepared.listener, ...shared });

  const server = createServer(SOCKET, (socket) => {
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      waiting.leave(socket);
    });
    void enter(socket, door);
  });

  function openDoor(through: PreparedListener, runtime: Runtime): Door {
    const { listener, tls } = through;
    const opened: Door = {
      ...through,
      runtime,
      mustAnnounce: addressTest(listener.proxyProtocol ?? []),
      chooseUpstream: compilePassThrough(listener),
      shakeHands:
        tls &&
        handshakesWith(tls, {
          choose: (client) => chooseProtocol(client, listener, runtime.generation.rules.ruleSet),
          done: (socket, raw) => serve(socket, raw, opened),
          failed: tellHandshake,
        }),
    };
    return opened;
  }

  /**
   * What is read before TLS or HTTP: the PROXY header of listed peers, and the name asked for, where some names pass through. One
   * connection too many of a client ends before it costs a handshake, or another's place among those that wait.
   */
  async function enter(socket: Socket, through: Door): Promise<void> {
    const { listener, runtime, mustAnnounce, chooseUpstream, shakeHands } = through;
    // The address is asked for while it is known: the kernel forgets it when the client leaves.
    const { remoteAddress } = socket;
    if (remoteAddress === undefined) return void socket.destroy();
    if (listener.proxyProtocol || chooseUpstream) socket.on('error', () => {}); // told by whoever reads it later
    const isListed = mustAnnounce(remoteAddress);
    if (!isListed && listener.proxyProtocolOnly) return refuseStranger(socket);
    if (isListed && !(await takeAnnouncement(socket))) return void socket.destroy();
    const { address } = endsOf(socket).source;
    const leave = runtime.clients.enter(address);
    if (leave === undefined) return void socket.destroy();
    socket.once('close', leave);
    waiting.enter(socket, address);
    if (chooseUpstream !== undefined) {
      const hello = await takeClientHello(socket, HANDSHAKE);
      if (hello.kind === 'failed') {
        tellHandshake(hello.error, socket);
        return void socket.destroy();
      }
      const chosen = hello.serverName === undefined ? undefined : chooseUpstream(hello.serverName);
      if (chosen !== undefined) return passOn(socket, hello.serverName ?? '', chosen.to, runtime);
    }
    if (shakeHands === undefined) serve(socket, socket, through);
    else shakeHands(socket);
  }

  function refuseStranger(socket: Socket): void {
    notice({ ...STRANGER, client: clientText(socket) });
    socket.destroy();
  }

  /** False where the connection is not to go on. */
  async function takeAnnouncement(socket: Socket): Promise<boolean> {
    const client = clientText(socket);
    const proxied = await takeProxyHeader(socket);
    if (proxied.kind === 'refused') notice({ code: proxied.code, message: proxied.message, client });
    if (proxied.kind === 'proxied' && proxied.ends !== undefined) announced.set(socket, proxied.ends);
    return proxied.kind === 'proxied';
  }

  function passOn(socket: Socket, serverName: string, upstream: string, runtime: Runtime): void {
    waiting.leave(socket);
    const client = new Leg(socket, () => socket.resetAndDestroy());
    const listener = listenerName(runtime.listener);
    keep(passThrough({ client, ends: endsOf(socket), listener, serverName, upstream }, runtime));
  }

  function keep(connection: ClientConnection): void {
    connections.add(connection);
    connection.done.finally(() => connections.delete(connection));
  }

  /** `raw`: the TCP socket; the same as `socket` without TLS. */
  function serve(socket: Socket, raw: Socket, through: Door): void {
    const { tls, runtime } = through;
    const shown = tls?.clientCertificates && socket instanceof TLSSocket ? shownBy(socket) : undefined;
    if (shown?.authorized === false && tls?.clientCertificates === 'require') {
      notice({ ...certificateFinding(shown.reason), client: clientText(raw) });
      socket.destroy();
      return;
    }
    const { source, destination: local } = endsOf(raw);
    const { listener, clients } = runtime;
    const { connectionsOf } = clients;
    const certificate = shown && { certificate: certificateFields(shown) };
    const connection = serveAs(socket, raw, { listener, ...source, local, connectionsOf, ...certificate }, through);
    keep(connection);
    // There was a reload during the handshake.
    if (through.runtime !== door.runtime) connection.retire();
    else if (through !== door) connection.renew();
  }

  function serveAs(socket: Socket, raw: Socket, origin: Origin, { listener, tls, runtime }: Door): ClientConnection {
    const asked = (): void => waiting.leave(raw);
    if (tls === undefined || !(socket instanceof TLSSocket) || socket.alpnProtocol !== 'h2') {
      return serveConnection(new Leg(socket, () => raw.resetAndDestroy(), raw), origin, runtime, asked);
    }
    const covers = coveredHosts(socket.servername || '', listener, tls, runtime.generation.rules.ruleSet);
    return serveHttp2(socket, { ...origin, http2: { covers } }, runtime, asked);
  }

  /** Client and address it came to: as a PROXY header says, else of the connection itself. */
  function endsOf(raw: Socket): Ends {
    const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = raw;
    return (
      announced.get(raw) ?? {
        source: { address: plainAddress(remoteAddress), port: remotePort },
        destination: { address: plainAddress(localAddress), port: localPort },
      }
    );
  }

  function tellHandshake(error: NodeJS.ErrnoException, raw: Socket): void {
    if (!waiting.madeRoom(raw)) notice({ ...handshakeFinding(error), client: clientText(raw) });
  }

  function clientText(raw: Socket): string {
    const { address, port } = endsOf(raw).source;
    return `${address}:${port}`;
  }

  function notice({ code, message, client }: { code: string; message: string; client?: string }): void {
    const { report, now, listener } = door.runtime;
    const who = client === undefined ? {} : { client };
    report({ kind: 'notice', at: now(), severity: 'warning', listener: listenerName(listener), ...who, code, message });
  }

  const failure = await listen(server, prepared.listener);
  if (failure !== undefined) return { kind: 'bad', problem: failure };
  server.on('error', (error: NodeJS.ErrnoException) => {
    const message = `a connection could not be accepted (${error.code ?? error.message}). Raise the limit of open files.`;
    notice({ code: 'ACCEPT_FAILED', message });
  });
  const { address: host, port } = server.address() as AddressInfo;

  return {
    kind: 'open',
    place: placeOf(prepared.listener),
    get address() {
      return { listener: listenerName(door.listener), host, port };
    },
    connections: () => sockets.size,
    adopt(next, generation) {
      const staying = isDeepStrictEqual(termsOf(next), termsOf(door));
      const changed = { generation, listener: next.listener };
      const runtime = staying ? Object.assign(door.runtime, changed) : { ...door.runtime, ...changed };
      door = openDoor(next, runtime);
      for (const connection of connections) staying ? connection.renew() : connection.retire();
    },
    async close(graceMs) {
      const closed = new Promise((resolve) => server.close(resolve));
      const serving = [...connections];
      const handshaking = sockets.size > serving.length;
      for (const connection of serving) connection.retire();
      const endAll = (): void => {
        for (const connection of connections) connection.destroy();
        for (const socket of sockets) socket.destroy();
      };
      const timer = setTimeout(endAll, graceMs);
      if (handshaking && graceMs === 0) endAll();
      await closed;
      await Promise.all(serving.map(({ done }) => done));
      clearTimeout(timer);
    },
  };
}

/**
 * What makes two listeners of two rule sets one and the same: address and port, so that it goes on accepting under another name. Of
 * ports that the system chooses the name says which is which.
 */
export function placeOf(listener: Listener): string {
  const { host, port } = parseListenAddress(listener.address) ?? {};
  return `${host} ${port === 0 ? `any (${listenerName(listener)})` : port}`;
}

/** What a connection had to meet to be let in. */
function termsOf({ listener, tls }: PreparedListener): unknown[] {
  return [tls !== undefined, tls?.clientCertificates, tls?.settings.ca, tls?.settings.crl, listener.proxyProtocol];
}

async function listen(server: Server, { address }: Listener): Promise<StartProblem | undefined> {
  const place = parseListenAddress(address);
  if (place === undefined) throw new Error(`a listen address that is none passed the loader: ${address}`);
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void => resolve(listenProblem(error, address));
    server.once('error', failed);
    server.listen({ ...place, backlog: BACKLOG }, () => {
      server.off('error', failed);
      resolve(undefined);
    });
  });
}
