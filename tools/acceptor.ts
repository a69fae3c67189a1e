// Room: accepting connections for a stand-in: plain or TLS, half-close allowed, each of them able to reset, none left over.
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket, type TlsOptions } from 'node:tls';
import { type Inlet, openInlet } from './inlet.ts';
import { gone, reset, write } from './wire.ts';

/** Certificate and key as PEM, and whatever else of node's TLS options a test wants to turn. */
export type ServerTls = { cert: string; key: string } & Pick<
  TlsOptions,
  | 'ALPNProtocols'
  | 'minVersion'
  | 'maxVersion'
  | 'ciphers'
  | 'secureOptions'
  | 'ca'
  | 'requestCert'
  | 'rejectUnauthorized'
>;

/** The server's half of one accepted connection. */
export type Accepted = {
  readonly inlet: Inlet;
  /** `ADDRESS:PORT` of the peer. */
  readonly from: string;
  /** What the handshake said; undefined on plain TCP. `serverName`: the SNI, absent where the client sent none. */
  readonly tls?: { protocol: string; cipher: string; serverName?: string; alpn?: string };
  /** Writes and waits for the kernel; false when the connection is gone. */
  send(bytes: Buffer): Promise<boolean>;
  /** FIN once everything written is out. A peer that then neither ends nor leaves is cut off after 5 s. */
  finish(): void;
  /** RST now. */
  reset(): void;
  /** Destroys and waits. */
  close(): Promise<void>;
};

/** Milliseconds between our FIN and the end of the connection whatever the peer does: enough to read a last answer. */
export const LINGER = 5_000;

export type Acceptor = { readonly host: string; readonly port: number; close(): Promise<void> };

type Listening = { host?: string; port?: number; tls?: ServerTls };

/** Listens on loopback unless told otherwise; rejects when the port is taken. `close` ends every connection. */
export function accept(options: Listening, onConnection: (accepted: Accepted) => void): Promise<Acceptor> {
  return listen(options, (socket, raw) => onConnection(acceptedOf(socket, raw)));
}

/** The same with the bare sockets: the one to talk on, after any TLS handshake, and the TCP socket under it. */
export async function listen(options: Listening, onSocket: (socket: Socket, raw: Socket) => void): Promise<Acceptor> {
  const { host = '127.0.0.1', port = 0, tls } = options;
  const raws = new Map<string, Socket>();
  const secure =
    tls &&
    createTlsServer(tls, (socket) => {
      const raw = raws.get(peerOf(socket));
      if (raw !== undefined) onSocket(socket, raw);
    });
  secure?.on('tlsClientError', () => {}); // the client's side of a refused handshake is what tests look at
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (raw) => {
    const peer = peerOf(raw);
    raws.set(peer, raw);
    raw.once('close', () => raws.delete(peer));
    if (secure) {
      raw.on('error', () => {}); // reported by the TLS socket above it
      secure.emit('connection', raw);
    } else {
      onSocket(raw, raw);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    host,
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      await Promise.all([...raws.values()].map(gone));
      await closed;
    },
  };
}

function acceptedOf(socket: Socket, raw: Socket): Accepted {
  const inlet = openInlet(socket);
  return {
    inlet,
    from: peerOf(socket),
    ...(socket instanceof TLSSocket && { tls: handshakeOf(socket) }),
    send: (bytes) => write(socket, bytes),
    finish() {
      // A socket that is destroyed closes by itself, or has: a timer for it would only keep the process.
      if (socket.writableEnded || socket.destroyed) return;
      socket.end();
      const timer = setTimeout(() => socket.destroy(), LINGER);
      socket.once('close', () => clearTimeout(timer));
    },
    reset: () => reset(raw),
    close: () => gone(socket),
  };
}

function handshakeOf(socket: TLSSocket): NonNullable<Accepted['tls']> {
  return {
    cipher: socket.getCipher().standardName,
    protocol: socket.getProtocol() ?? '',
    ...(socket.servername && { serverName: socket.servername }),
    ...(socket.alpnProtocol && { alpn: socket.alpnProtocol }),
  };
}

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`;
}
