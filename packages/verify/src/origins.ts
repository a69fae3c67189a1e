// Room: stand-in servers: each takes any request, answers 200 and remembers the head it got, byte for byte as text.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { fieldsOf } from './ask.ts';
import type { Pem } from './oracle.ts';
import type { Fields, Reached } from './probe.ts';

export type Origins = {
  /** Loopback port of the stand-in for a server, by its name. */
  portOf(name: string): number;
  /** What has arrived since the last time, in order. */
  take(): Reached[];
  close(): Promise<void>;
};

/** Bytes of a head a stand-in takes: probes are smaller, and what a proxy adds to them is a few fields. */
const HEAD_MAX = 256 * 1024;

/**
 * Starts one stand-in on a port of 127.0.0.1 for each name; one for which `pemOf` has a certificate speaks TLS with it, and one for
 * which `selfOf` knows what it calls itself tells clients of it.
 */
export async function startOrigins(
  names: readonly string[],
  pemOf: (name: string) => Pem | undefined = () => undefined,
  selfOf: (name: string, port: number) => Self | undefined = () => undefined,
): Promise<Origins> {
  const arrived: Reached[] = [];
  const servers = new Map<string, Server>();
  const sockets = new Set<Socket>();
  for (const name of new Set(names)) {
    const pem = pemOf(name);
    let self: Self | undefined;
    const take = (socket: Socket | TLSSocket, more: Pick<Reached, 'tls'>): void =>
      serve(socket, (head) => {
        arrived.push({ server: name, ...head, ...more });
        return self === undefined ? [] : tellingFields(self, head);
      });
    const server =
      pem === undefined
        ? createServer({ noDelay: true }, (socket) => take(socket, {}))
        : createTlsServer({ ...pem, noDelay: true }, (socket) => take(socket, { tls: namesSent(socket) }));
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    servers.set(name, server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    self = selfOf(name, (server.address() as AddressInfo).port);
  }
  return {
    portOf: (name) => {
      const server = servers.get(name);
      if (server === undefined) throw new Error(`no stand-in was started for ${name}`);
      return (server.address() as AddressInfo).port;
    },
    take: () => arrived.splice(0),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all([...servers.values()].map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

/** The name a client asked for in its handshake, where it did. */
function namesSent({ servername }: TLSSocket): { serverName?: string } {
  return typeof servername === 'string' && servername !== '' ? { serverName: servername } : {};
}

type Head = Omit<Reached, 'server' | 'tls'>;

/** What a server calls itself: in places of pages, and as the host of its cookies. */
export type Self = { url: string; host: string };

/** Folders that servers tell of. */
const FOLDERS = ['owa', 'ecp', 'ews', 'app'] as const;

/**
 * What a server tells of itself that a proxy changes on the way: where a page is, and for whom a cookie. In which folder follows from the
 * method, which goes through every proxy as it is.
 */
function tellingFields({ url, host }: Self, { method }: Head): Fields {
  const folder = FOLDERS[method.length % FOLDERS.length];
  return [
    ['Server', 'stand-in'],
    ['Location', `${url}/${folder}/landing`],
    ['Content-Location', `${url}/${folder}/page`],
    ['Set-Cookie', `seen=1; path=/${folder}; domain=${host}; Secure`],
    ['X-A', 'of the server'],
  ];
}

/** One request a connection. Probes have no body, so the answer follows the head at once. `answer`: fields for the answer to a head. */
function serve(socket: Socket, answer: (head: Head) => Fields): void {
  let bytes = Buffer.alloc(0);
  socket.on('error', () => socket.destroy()); // the proxy's side of a broken connection is what the probe shows
  socket.on('data', (piece) => {
    bytes = Buffer.concat([bytes, piece]);
    const end = bytes.indexOf('\r\n\r\n');
    if (end === -1 && bytes.length < HEAD_MAX) return;
    socket.removeAllListeners('data').resume();
    const head = readHead(bytes.toString('latin1', 0, end === -1 ? 0 : end));
    const more = answer(head).map((field) => field.join(': '));
    const body = head.method === 'HEAD' ? '' : 'stand-in\n';
    const lines = ['HTTP/1.1 200 OK', 'Content-Type: text/plain', 'Content-Length: 9', 'Cache-Control: no-store'];
    socket.end(`${[...lines, ...more, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`);
  });
}

function readHead(text: string): Head {
  const [first = '', ...lines] = text.split('\r\n');
  const [, method = '', target = '', version = ''] = /^(\S*) (.*) HTTP\/(\S*)$/.exec(first) ?? [];
  return { method, target, version, fields: fieldsOf(lines.join('\r\n')) };
}
