// Room: a stand-in for the websites behind the proxy: an ordinary web server on node's own HTTP, because ordinary clients
// and servers must notice nothing. It writes down each request as it arrived.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { listen, type ServerTls } from '../acceptor.ts';
import { createEventLog, type EventLog } from '../eventlog.ts';
import { composeHead, type Fields } from '../message.ts';
import { type Mishap, mishapOf, padded, sendWithMishap } from '../mishap.ts';
import { reset, write } from '../wire.ts';

export type ApacheOptions = { tls?: ServerTls; host?: string; port?: number };

/** A request as it arrived, its body read to the end (or to where it broke off). */
export type SeenRequest = {
  kind: 'request';
  /** Counted from 1 in the order of arrival: two requests with one number came on one connection. */
  connection: number;
  from: string;
  method: string;
  target: string;
  version: string;
  fields: Fields;
  body: { bytes: number; whole: boolean; sha256: string };
};

export type Apache = {
  /** `HOST:PORT`. */
  readonly address: string;
  readonly port: number;
  readonly requests: readonly SeenRequest[];
  /** Waits for a request; see EventLog. */
  readonly until: EventLog<SeenRequest>['until'];
  close(): Promise<void>;
};

type Page = (seen: SeenRequest, query: URLSearchParams, response: ServerResponse) => void | Promise<void>;

/** Milliseconds an idle connection is kept: Debian's KeepAliveTimeout is 5 s, too short for a test that pauses. */
const KEEP_ALIVE = 60_000;
/** What is sent where a query does not say: chunks or events, and milliseconds after each. */
const PIECES = 3;
const PAUSE = 5;

const PAGES: Record<string, Page> = {
  '/headers': (seen, _query, response) => sendJson(response, seen),
  '/upload': ({ body }, _query, response) => sendJson(response, body),
  '/chunked': (_seen, query, response) => sendPieces(response, query, 'text/plain', (index) => `chunk ${index}\n`),
  '/events': (_seen, query, response) =>
    sendPieces(response, query, 'text/event-stream', (index) => `data: ${index}\n\n`),
  '/redirect': (_seen, query, response) => {
    response.writeHead(302, { Location: query.get('to') ?? '/' }).end();
  },
  '/cookie': (_seen, query, response) => {
    response.setHeader('Set-Cookie', query.get('set') ?? 'a=b');
    sendJson(response, {});
  },
  '/missing': (_seen, _query, response) => {
    response.writeHead(404).end('no such page\n');
  },
};

/** Starts it on loopback; rejects when the port is taken. Any path that is no page above is a page of its own name. */
export async function startApache(options: ApacheOptions = {}): Promise<Apache> {
  const log = createEventLog<SeenRequest>();
  const raws = new WeakMap<Socket, { raw: Socket; connection: number }>();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await digestOf(request);
    const { socket, method = '', url: target = '', httpVersion: version } = request;
    const known = raws.get(socket);
    const seen: SeenRequest = {
      kind: 'request',
      connection: known?.connection ?? 0,
      from: `${socket.remoteAddress}:${socket.remotePort}`,
      method,
      target,
      version,
      fields: pairs(request.rawHeaders),
      body,
    };
    log.record(seen);
    const mishap = mishapOf(target);
    if (known !== undefined && Object.keys(mishap).length > 0) return answerBadly(socket, known.raw, target, mishap);
    const url = new URL(target, 'http://stand-in');
    const page = PAGES[url.pathname];
    if (page !== undefined) return page(seen, url.searchParams, response);
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(pageNamed(url.pathname));
  }

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE, requestTimeout: 0 }, (request, response) => {
    response.setHeader('X-Stand-In', 'apache');
    void answer(request, response);
  });
  server.on('upgrade', (request, socket, head) => {
    log.record(upgradeSeen(request));
    socket.on('error', () => {}); // a client that leaves is no news here
    socket.write(
      composeHead('HTTP/1.1 101 Switching Protocols', [
        ['X-Stand-In', 'apache'],
        ['Connection', 'Upgrade'],
        ['Upgrade', request.headers.upgrade ?? ''],
      ]),
    );
    socket.write(head);
    socket.pipe(socket); // from here on an echo: what matters is that the bytes pass
  });

  let count = 0;
  const acceptor = await listen(options, (socket, raw) => {
    count += 1;
    raws.set(socket, { raw, connection: count });
    server.emit('connection', socket);
  });
  return {
    address: `${acceptor.host}:${acceptor.port}`,
    port: acceptor.port,
    requests: log.events,
    until: log.until,
    close: acceptor.close,
  };
}

/** Past node's own response, so that heads and bodies can break off anywhere; the connection ends with it. */
async function answerBadly(socket: Socket, raw: Socket, target: string, mishap: Mishap): Promise<void> {
  const body = padded(Buffer.from(pageNamed(target)), mishap);
  const head = composeHead('HTTP/1.1 200 OK', [
    ['X-Stand-In', 'apache'],
    ['Connection', 'close'],
    ['Content-Length', String(body.length)],
  ]);
  const victim = {
    send: (bytes: Buffer) => write(socket, bytes),
    finish: () => void socket.end(),
    reset: () => reset(raw),
  };
  if (await sendWithMishap(victim, Buffer.concat([head, body]), mishap)) socket.end();
}

async function digestOf(request: IncomingMessage): Promise<SeenRequest['body']> {
  const digest = createHash('sha256');
  let bytes = 0;
  let whole = true;
  try {
    for await (const piece of request as AsyncIterable<Buffer>) {
      digest.update(piece);
      bytes += piece.length;
    }
  } catch {
    whole = false; // the client or the proxy left in the middle: that is worth recording, not failing
  }
  return { bytes, whole, sha256: digest.digest('hex') };
}

async function sendPieces(
  response: ServerResponse,
  query: URLSearchParams,
  type: string,
  piece: (index: number) => string,
): Promise<void> {
  const count = Number(query.get('count') ?? PIECES);
  const pause = Number(query.get('pause') ?? PAUSE);
  response.setHeader('Content-Type', type);
  for (let index = 1; index <= count && !response.destroyed; index += 1) {
    response.write(piece(index));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  response.end();
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify(value));
}

function pageNamed(name: string): string {
  return `<!DOCTYPE html><title>It works</title><p>Stand-in Apache: ${encodeURI(name)}</p>\n`;
}

function upgradeSeen(request: IncomingMessage): SeenRequest {
  const { socket, method = '', url: target = '', httpVersion: version } = request;
  const from = `${socket.remoteAddress}:${socket.remotePort}`;
  const body = { bytes: 0, whole: true, sha256: '' };
  return { kind: 'request', connection: 0, from, method, target, version, fields: pairs(request.rawHeaders), body };
}

/** node's flat list of names and values, as they came, in pairs. */
function pairs(rawHeaders: string[]): Fields {
  return rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? '']] : [])) as Fields;
}
