// Room: TLS with clients: handshakes, each told with the TCP connection it was made on, however it ends.
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { ListenerTls } from './certificates.ts';

/** Milliseconds for a client's TLS handshake: a few round trips on a bad line, too short to hold many half-open ones. */
export const HANDSHAKE = 30_000;

/** What becomes of handshakes. `raw`: the TCP connection beneath. */
export type Handshakes = {
  /** The protocol a client gets (ALPN, RFC 7301); undefined ends the handshake. `servername`: false without SNI. */
  choose(client: { servername: string; protocols: string[] }): string | undefined;
  done(socket: TLSSocket, raw: Socket): void;
  failed(error: NodeJS.ErrnoException, raw: Socket): void;
};

/** Node's TLS server as one connection sees it. */
type View = Server & { readonly raw: Socket };

/** Gives what begins a handshake on an accepted connection. */
export function handshakesWith(tls: ListenerTls, handshakes: Handshakes): (raw: Socket) => void {
  const server = createServer({
    ...tls.settings,
    handshakeTimeout: HANDSHAKE,
    ALPNCallback: handshakes.choose,
    SNICallback: (asked, done) => done(null, tls.pick(asked)),
    // Who may come in is judged by the listener: node closes without a word.
    requestCert: tls.clientCertificates !== undefined,
    rejectUnauthorized: false,
  });
  server.on('secureConnection', function (this: View, socket: TLSSocket) {
    socket.allowHalfOpen = true;
    handshakes.done(socket, this.raw);
  });
  server.on('tlsClientError', function (this: View, error: NodeJS.ErrnoException, socket: TLSSocket) {
    handshakes.failed(error, this.raw);
    socket.destroy();
  });
  return (raw) => {
    // In a handshake a FIN is an end; half-open, its socket would wait for the timeout. What is made on `raw` takes this over.
    raw.allowHalfOpen = false;
    // A TLS socket does not give away what is beneath it, and a client that has left has no address any more. Node calls its
    // listeners with the server that it was handed the connection by, so each connection is handed in by one of its own.
    const view: View = Object.create(server, { raw: { value: raw } });
    view.emit('connection', raw);
  };
}
