// Room: one listening address: accept, end TLS, hand each connection to its loop, and close all of it again.
import { type AddressInfo, createServer as createPlainServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import {
  addressTest,
  compilePassThrough,
  type Listener,
  listenerName,
  parseListenAddress,
  plainAddress,
} from '@outrigger/rules';
import type { ListenerTls } from './certificates.ts';
import { certificateFields, shownBy } from './clientcertificate.ts';
import { type ClientConnection, type Runtime, serveConnection } from './connection.ts';
import { certificateFinding, handshakeFinding } from './handshake.ts';
import { chooseProtocol, coveredHosts } from './http2/offer.ts';
import { serveHttp2 } from './http2/session.ts';
import { Leg } from './leg.ts';
import { passThrough } from './passthrough.ts';
import { takeProxyHeader } from './proxied.ts';
import type { Ends } from './proxyheader.ts';
import { takeClientHello } from './servername.ts';
import { listenProblem, type StartProblem } from './start.ts';
import { TCP_KEEP_ALIVE } from './upstream.ts';
import type { Origin } from './verdict.ts';

/** Milliseconds for a client's TLS handshake: a few round trips on a bad line, too short to hold many half-open ones. */
const HANDSHAKE = 30_000;

/** Connections that wait to be accepted. A thousand phones reconnect within a second after an outage. */
const BACKLOG = 1_024;

/** Small PDUs must not wait for company (Nagle); a half-close is not an end; a peer that vanished is found out. */
const SOCKET = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE };

/** A listener of the rules with its certificates loaded. */
export type PreparedListener = { listener: Listener; tls?: ListenerTls };

export type OpenListener = {
  kind: 'open';
  /** Where it is bound. */
  address: { listener: string; host: string; port: number };
  /** Client connections open now, handshakes included. */
  connections(): number;
  /** Stops accepting, retires connections, and after `graceMs` milliseconds ends those that are left. */
  close(graceMs: number): Promise<void>;
};

/** Binds one listener and serves on it. */
export async function openListener(
  { listener, tls }: PreparedListener,
  runtime: Runtime,
): Promise<OpenListener | { kind: 'bad'; problem: StartProblem }> {
  const name = listenerName(listener);
  const sockets = new Set<Socket>();
  const connections = new Set<ClientConnection>();
  /** TCP sockets under TLS handshakes and connections, by who is at the other end: TLS does not give its socket away. */
  const beneath = new Map<string, Socket>();
  /** What a PROXY header said of a connection, by the same name. */
  const announced = new Map<string, Ends>();
  const mustAnnounce = addressTest(listener.proxyProtocol ?? []);
  const chooseUpstream = compilePassThrough(listener);
  const secure = tls === undefined ? undefined : createTlsListener(tls);
  const server = createPlainServer(SOCKET, (socket) => void enter(socket));
  server.on('connection', (socket) => {
    const peer = peerOf(socket);
    sockets.add(socket);
    beneath.set(peer, socket);
    socket.once('close', () => {
      sockets.delete(socket);
      announced.delete(peer);
      if (beneath.get(peer) === socket) beneath.delete(peer);
    });
  });

  /**
   * What is read before TLS or HTTP: the PROXY header of listed peers, and the name asked for, where some names pass through. One
   * connection too many of a client ends before it costs a handshake.
   */
  async function enter(socket: Socket): Promise<void> {
    if (listener.proxyProtocol || chooseUpstream) socket.on('error', () => {}); // told by whoever reads it later
    if (mustAnnounce(socket.remoteAddress ?? '') && !(await takeAnnouncement(socket))) return void socket.destroy();
    const leave = runtime.clients.enter(endsOf(socket).source.address);
    if (leave === undefined) return void socket.destroy();
    socket.once('close', leave);
    if (chooseUpstream !== undefined) {
      const hello = await takeClientHello(socket, HANDSHAKE);
      if (hello.kind === 'failed') {
        notice({ ...handshakeFinding(hello.error), client: clientText(socket) });
        return void socket.destroy();
      }
      const chosen = hello.serverName === undefined ? undefined : chooseUpstream(hello.serverName);
      if (chosen !== undefined) return passOn(socket, hello.serverName ?? '', chosen.to);
    }
    if (secure === undefined) serve(socket);
    else secure.emit('connection', socket);
  }

  /** False where the connection is not to go on. */
  async function takeAnnouncement(socket: Socket): Promise<boolean> {
    const client = clientText(socket);
    const proxied = await takeProxyHeader(socket);
    if (proxied.kind === 'refused') notice({ code: proxied.code, message: proxied.message, client });
    if (proxied.kind === 'proxied' && proxied.ends !== undefined) announced.set(peerOf(socket), proxied.ends);
    return proxied.kind === 'proxied';
  }

  function passOn(socket: Socket, serverName: string, upstream: string): void {
    const client = new Leg(socket, () => socket.resetAndDestroy());
    keep(passThrough({ client, ends: endsOf(socket), listener: name, serverName, upstream }, runtime));
  }

  function keep(connection: ClientConnection): void {
    connections.add(connection);
    connection.done.finally(() => connections.delete(connection));
  }

  function createTlsListener({ settings, pick, clientCertificates }: ListenerTls): Server {
    const server = createTlsServer(
      {
        ...SOCKET,
        ...settings,
        handshakeTimeout: HANDSHAKE,
        ALPNCallback: (client) => chooseProtocol(client, listener, runtime.rules.ruleSet),
        SNICallback: (asked, done) => done(null, pick(asked)),
        // Who may come in is judged in serve(): node closes without a word.
        requestCert: clientCertificates !== undefined,
        rejectUnauthorized: false,
      },
      serve,
    );
    return server.on('tlsClientError', (error, socket) => {
      notice({ ...handshakeFinding(error), client: clientText(socket) });
      socket.destroy();
    });
  }

  function serve(socket: Socket): void {
    const { remoteAddress, remotePort } = socket;
    const raw = beneath.get(peerOf(socket)) ?? socket;
    // Gone before it was accepted: there is nobody to serve or to name.
    if (remoteAddress === undefined || remotePort === undefined) {
      raw.destroy();
      return;
    }
    const shown = tls?.clientCertificates && socket instanceof TLSSocket ? shownBy(socket) : undefined;
    if (shown?.authorized === false && tls?.clientCertificates === 'require') {
      notice({ ...certificateFinding(shown.reason), client: clientText(socket) });
      socket.destroy();
      return;
    }
    const { source, destination: local } = endsOf(socket);
    const origin = { listener, ...source, local, ...(shown && { certificate: certificateFields(shown) }) };
    keep(serveAs(socket, raw, origin));
  }

  function serveAs(socket: Socket, raw: Socket, origin: Origin): ClientConnection {
    if (tls === undefined || !(socket instanceof TLSSocket) || socket.alpnProtocol !== 'h2') {
      return serveConnection(new Leg(socket as Duplex, () => raw.resetAndDestroy()), origin, runtime);
    }
    const covers = coveredHosts(socket.servername || '', listener, tls, runtime.rules.ruleSet);
    return serveHttp2(socket, { ...origin, http2: { covers } }, runtime);
  }

  /** Client and address it came to: as a PROXY header says, else of the connection itself. */
  function endsOf(socket: Socket): Ends {
    const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = socket;
    return (
      announced.get(peerOf(socket)) ?? {
        source: { address: plainAddress(remoteAddress), port: remotePort },
        destination: { address: plainAddress(localAddress), port: localPort },
      }
    );
  }

  /** Undefined for a socket that is closed: the kernel has forgotten who it was. */
  function clientText(socket: Socket): string | undefined {
    const { address, port } = endsOf(socket).source;
    return address === '' ? undefined : `${address}:${port}`;
  }

  function notice({ code, message, client }: { code: string; message: string; client?: string | undefined }): void {
    const who = client === undefined ? {} : { client };
    runtime.report({ kind: 'notice', at: runtime.now(), severity: 'warning', listener: name, ...who, code, message });
  }

  const failure = await listen(server, listener);
  if (failure !== undefined) return { kind: 'bad', problem: failure };
  server.on('error', (error: NodeJS.ErrnoException) => {
    const message = `a connection could not be accepted (${error.code ?? error.message}). Raise the limit of open files.`;
    notice({ code: 'ACCEPT_FAILED', message });
  });
  const { address: host, port } = server.address() as AddressInfo;

  return {
    kind: 'open',
    address: { listener: name, host, port },
    connections: () => sockets.size,
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

function peerOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}
