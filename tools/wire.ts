// Room: a client that is nothing but a socket: for tests that care which byte goes out when, and what exactly comes back.
import { connect as connectPlain, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls';
import { type Inlet, openInlet } from './inlet.ts';
import { announcedFraming, type Fields, type Framing, readBody, splitHead, takeHead } from './message.ts';

/** Milliseconds for TCP and TLS on loopback; a machine busy with other tests needs seconds at worst. */
const CONNECT_PATIENCE = 10_000;
/** Milliseconds a read waits unless told otherwise. */
export const READ_PATIENCE = 5_000;
/** Bytes of an ordinary response body kept in memory. */
const BODY_LIMIT = 64 * 1_024 * 1_024;

export type Address = { host: string; port: number };

export type WireOptions = Address & {
  /** TLS with these options; plain TCP where absent. */
  tls?: ConnectionOptions;
  /** The local port to come from; any where absent. */
  localPort?: number;
  /** The local address to come from; what the kernel picks where absent. */
  localAddress?: string;
};

export type Wire = {
  readonly inlet: Inlet;
  /** What came with the handshake; undefined on plain TCP. */
  readonly tls?: { protocol: string | null; alpn: string | false | null; serverCertificate: Buffer };
  readonly localPort: number;
  /** Writes and waits until the bytes are with the kernel; false when the connection is gone. */
  send(...pieces: (Buffer | string)[]): Promise<boolean>;
  /** Writes `size` bytes at a time with a pause (milliseconds) after each, so that each travels on its own. */
  trickle(bytes: Buffer | string, options?: { size?: number; pause?: number }): Promise<boolean>;
  /** FIN: nothing more from us, reading goes on. */
  finish(): void;
  /** RST: as a process that was killed. */
  reset(): void;
  /** Ends the connection at once and waits until it is gone. */
  close(): Promise<void>;
};

/** Connects; rejects with what TCP or TLS found wrong, or after 10 s. */
export async function connect(options: WireOptions): Promise<Wire> {
  const raw = connectPlain({
    host: options.host,
    port: options.port,
    allowHalfOpen: true,
    noDelay: true,
    ...(options.localPort !== undefined && { localPort: options.localPort }),
    ...(options.localAddress !== undefined && { localAddress: options.localAddress }),
  });
  const socket = options.tls ? connectTls({ socket: raw, ...options.tls }) : raw;
  await ready(socket, options.tls ? 'secureConnect' : 'connect');
  const inlet = openInlet(socket);
  return {
    inlet,
    ...(socket instanceof TLSSocket && {
      tls: {
        protocol: socket.getProtocol(),
        alpn: socket.alpnProtocol,
        serverCertificate: socket.getPeerCertificate().raw,
      },
    }),
    localPort: raw.localPort ?? 0,
    send: (...pieces) => write(socket, Buffer.concat(pieces.map(toBytes))),
    async trickle(text, { size = 1, pause = 1 } = {}) {
      const bytes = toBytes(text);
      for (let at = 0; at < bytes.length; at += size) {
        if (!(await write(socket, bytes.subarray(at, at + size)))) return false;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
      return true;
    },
    finish: () => void socket.end(),
    reset: () => reset(raw),
    close: () => gone(socket),
  };
}

/** Writes and waits for the kernel to take the bytes; false when the connection is gone, never a throw. */
export function write(socket: Socket, bytes: Buffer): Promise<boolean> {
  if (socket.destroyed || !socket.writable) return Promise.resolve(false);
  return new Promise((resolve) => {
    const closed = () => resolve(false); // a write pending when the socket is destroyed may never call back
    socket.once('close', closed);
    socket.write(bytes, (error) => {
      socket.off('close', closed);
      resolve(!error);
    });
  });
}

/** Destroys a socket and waits for its `close`. */
export function gone(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
    socket.destroy();
  });
}

/**
 * RST and nothing before it. node's own `resetAndDestroy` ends a writable socket softly first, so that a FIN runs ahead of
 * the RST and the peer sees an orderly end. `raw`: the TCP socket, also where TLS runs on it.
 */
export function reset(raw: Socket): void {
  raw.destroySoon = () => raw.destroy();
  raw.resetAndDestroy();
}

/** Text as latin1: one character, one byte. */
export function toBytes(text: Buffer | string): Buffer {
  return typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
}

export type ResponseHead = { version: string; status: number; reason: string; fields: Fields; framing: Framing };
export type Response = ResponseHead & {
  body: Buffer;
  /** The 1xx responses before it (RFC 9110 15.2), in order. */
  interim: ResponseHead[];
};

/** Why there is no response. `bytes`: what of it had come. */
export type NoResponse = { kind: 'ended' | 'failed' | 'late' | 'bad'; bytes: Buffer };

/** The next response head, which may be a 1xx. Framing as RFC 9112 6.3 gives it for an answer to `method`. */
export async function readResponseHead(
  wire: Pick<Wire, 'inlet'>,
  { method = 'GET', milliseconds = READ_PATIENCE } = {},
): Promise<{ kind: 'head'; head: ResponseHead } | NoResponse> {
  const taken = await takeHead(wire.inlet, milliseconds);
  if (taken.kind !== 'bytes') return { kind: taken.kind === 'overlong' ? 'bad' : taken.kind, bytes: taken.bytes };
  const parts = splitHead(taken.bytes);
  const line = /^HTTP\/(1\.[01]) ([1-9]\d\d)(?: (.*))?$/.exec(parts?.firstLine ?? '');
  if (parts === undefined || line === null) return { kind: 'bad', bytes: taken.bytes };
  const [, version = '', digits, reason = ''] = line;
  const status = Number(digits);
  const bodyless = method === 'HEAD' || status < 200 || status === 204 || status === 304;
  const framing: Framing = bodyless ? { kind: 'none' } : (announcedFraming(parts.fields) ?? { kind: 'close' });
  return { kind: 'head', head: { version, status, reason, fields: parts.fields, framing } };
}

/** The next final response with its whole body, up to 64 MiB, and the 1xx that came before it. */
export async function readResponse(
  wire: Pick<Wire, 'inlet'>,
  options: { method?: string; milliseconds?: number } = {},
): Promise<{ kind: 'response'; response: Response } | NoResponse> {
  const interim: ResponseHead[] = [];
  for (;;) {
    const read = await readResponseHead(wire, options);
    if (read.kind !== 'head') return read;
    if (read.head.status < 200 && read.head.status !== 101) {
      interim.push(read.head);
      continue;
    }
    const pieces: Buffer[] = [];
    let room = BODY_LIMIT;
    const end = await readBody(wire.inlet, read.head.framing, options.milliseconds ?? READ_PATIENCE, (piece) => {
      room -= piece.length;
      if (room >= 0) pieces.push(piece);
    });
    const body = Buffer.concat(pieces);
    if (end.kind !== 'whole' || room < 0) return { kind: end.kind === 'whole' ? 'bad' : end.kind, bytes: body };
    return { kind: 'response', response: { ...read.head, body, interim } };
  }
}

/** The final response, for where anything else is the test's failure: throws what came instead. */
export async function expectResponse(
  wire: Pick<Wire, 'inlet'>,
  options: { method?: string; milliseconds?: number } = {},
): Promise<Response> {
  const read = await readResponse(wire, options);
  if (read.kind === 'response') return read.response;
  throw new Error(`no response: ${read.kind} after ${JSON.stringify(read.bytes.toString('latin1').slice(0, 400))}`);
}

function ready(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => socket.destroy(new Error(`no ${event} within ${CONNECT_PATIENCE} ms`)),
      CONNECT_PATIENCE,
    );
    const failed = (error: Error) => {
      clearTimeout(timer);
      reject(error);
    };
    socket.once('error', failed);
    socket.once(event, () => {
      clearTimeout(timer);
      socket.off('error', failed);
      resolve();
    });
  });
}
