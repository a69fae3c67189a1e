// Room: the rewrite lane, and the only file that knows http-proxy. For routes that must look inside: mapped paths, Location and
// cookies. A client connection enters through an in-memory stream into an http.Server that never listens; to the relay that
// stream is an upstream connection like any other, so heads, framing, limits and half-close are treated in one place.
import { Agent, createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Duplex, duplexPair, pipeline } from 'node:stream';
import util from 'node:util';
import { badAnswer, closedWithoutAnswer, type Failure, upstreamFailure } from './failure.ts';
import { replyBytes } from './http1/reply.ts';
import { mayBeRepeated } from './persistence.ts';
import { mapTarget, type RewriteContext, rewriteField } from './rewrite.ts';
import type { Seat } from './seats.ts';
import type { Asked, Dialler, ServerDialler } from './upstream.ts';
import type { Forward } from './verdict.ts';

/** Bytes we add to a head before it gets here: the fields a proxy owns, a client's certificate among them. The client's part was measured at the door. */
const OWN_FIELDS = 32 * 1024;

/** Bytes of a response head, as in the relay. */
const RESPONSE_HEAD = 128 * 1024;

/** A head that our reader takes and node's does not. Closed; each has its line in the README. */
export type RewriteCode = 'REWRITE_METHOD' | 'REWRITE_HEAD';

const { createProxyServer } = await loadHttpProxy();
type ProxyServer = ReturnType<typeof createProxyServer>;
type WebOptions = Parameters<ProxyServer['web']>[2];

/** What became of a request inside the lane; filled in while it is under way. */
export type Rewriting = { server?: string; trouble?: Failure | { code: RewriteCode; message: string } };

export type RewriteLane = {
  /** Hands out in-memory streams into the lane, behind which this upstream is dialled; one and the same for one upstream. */
  through(upstream: ServerDialler): Dialler;
  /** Says which request comes next on such a stream. */
  prepare(stream: Duplex, request: Forward): Rewriting;
};

/** The inside of one client connection's stream. Its agent holds the one connection to the upstream. */
type Passage = {
  agent: Agent;
  /** The agent's connection carried no answer yet, so that its end is no accident of keeping it. */
  fresh: boolean;
  request: Forward | undefined;
  rewriting: Rewriting;
  /** Its place at the server, where the rules limit connections to it. */
  seat?: Seat;
};

/** The lane that all client connections pass through; they share nothing in it but code. `headLimit`: bytes of a request head. */
export function createRewriteLane(headLimit: number): RewriteLane {
  /** By either end of a stream: connections know the outer one, the inner one is the socket of a request. */
  const passages = new WeakMap<Duplex, Passage>();
  const proxy = createHttpProxy();
  proxy.on('proxyRes', (answer, request, response) => {
    const passage = passageOf(request.socket);
    passage.fresh = false;
    passAnswer(answer, request, response, passage);
  });

  const server = createServer({ maxHeaderSize: headLimit + OWN_FIELDS }, (request, response) =>
    send(request, response, passageOf(request.socket)),
  );
  // Waits are the relay's: node's own (5 s between requests, 300 s for one) break held polls and long uploads. And a client
  // that has ended its side may still wait for its answer.
  Object.assign(server, {
    keepAliveTimeout: 0,
    requestTimeout: 0,
    headersTimeout: 0,
    timeout: 0,
    httpAllowHalfOpen: true,
  });
  server.on('clientError', (error: NodeJS.ErrnoException, inner) => {
    const unknownMethod = error.code === 'HPE_INVALID_METHOD';
    const [status, code] = unknownMethod ? ([501, 'REWRITE_METHOD'] as const) : ([400, 'REWRITE_HEAD'] as const);
    passageOf(inner).rewriting.trouble = {
      code,
      message: `a route that rewrites cannot take this request (${error.code}); a route without rewrite could.`,
    };
    if (inner.writable) inner.end(replyBytes(status));
    else inner.destroy();
  });

  function passageOf(stream: Duplex): Passage {
    const passage = passages.get(stream);
    if (passage === undefined) throw new Error('a stream that is not of the rewrite lane');
    return passage;
  }

  function send(request: IncomingMessage, response: ServerResponse, passage: Passage): void {
    passage.seat?.wake();
    response.once('close', () => passage.seat?.rest(() => passage.agent.destroy()));
    proxy.web(request, response, optionsFor(request, passage), (error) => {
      if (!passage.fresh && isRepeatable(error, request, response)) {
        passage.fresh = true;
        send(request, response, passage);
        return;
      }
      const failure = failureOf(error, passage);
      passage.rewriting.trouble = failure;
      if (response.headersSent) response.destroy();
      else response.socket?.end(replyBytes(failure.status, { method: request.method ?? '' }));
    });
  }

  /** Opens a stream into the lane; its upstream connection is dialled when the first request wants it. */
  function open(dialler: Dialler, asked: Asked): Duplex {
    const [outer, inner] = duplexPair();
    const cancel = new AbortController();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const passage: Passage = { agent, fresh: true, request: undefined, rewriting: {} };
    const connect = async (): Promise<Duplex> => {
      const dialled = await dialler.dial(asked, cancel.signal);
      if (dialled.kind === 'cancelled') throw new Error('the client is gone');
      passage.rewriting.server = dialled.server;
      if (dialled.kind === 'failed')
        throw Object.assign(new Error(dialled.failure.message), { failure: dialled.failure });
      passage.fresh = true;
      if (dialled.seat !== undefined) passage.seat = dialled.seat;
      return dialled.socket;
    };
    Object.assign(agent, { createConnection: util.callbackify(connect) });
    // http-proxy sees a client leave while it sends, but not while it reads, and then holds a socket for ever. Here the end of
    // one side is the end of the other, and of the agent's connection.
    outer.once('close', () => inner.destroy());
    inner.once('close', () => {
      outer.destroy(inner.writableFinished ? undefined : brokenOff());
      cancel.abort('the client is gone');
      agent.destroy();
    });
    passages.set(outer, passage);
    passages.set(inner, passage);
    server.emit('connection', inner);
    return outer;
  }

  const entrances = new WeakMap<ServerDialler, Dialler>();
  return {
    through(upstream) {
      const known = entrances.get(upstream);
      if (known !== undefined) return known;
      const first = upstream.servers[0]?.url ?? '';
      const entrance: Dialler = {
        key: upstream.key,
        isUnwell: upstream.isUnwell,
        dial: async (asked) => ({ kind: 'connected', socket: open(upstream, asked), server: first }),
      };
      entrances.set(upstream, entrance);
      return entrance;
    },
    prepare(stream, request) {
      const passage = passageOf(stream);
      const { server: kept } = passage.rewriting;
      passage.request = request;
      passage.rewriting = kept === undefined ? {} : { server: kept };
      return passage.rewriting;
    },
  };
}

/** An answer that was cut. To HTTP/1.0, and without a length, its body ends with the connection: newer Nodes would tell a FIN, and it would look whole. */
function brokenOff(): Error {
  return Object.assign(new Error('the answer was broken off'), { code: 'ECONNRESET' });
}

/** Fields that belong to one hop, or whose matter is settled at this one: a body is announced to the server as we send it. */
const REQUEST_HOP: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'expect']);
const RESPONSE_HOP: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'proxy-connection']);

/** Methods to which node's client adds no framing of its own (RFC 9110 9.3: a body has no meaning there). */
const BODYLESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/**
 * What http-proxy hands to node. It fills in the object given as `ssl`; path and fields in there are read-only, or it would
 * merge slashes, put names in lower case and repeated fields out of order.
 */
function optionsFor(request: IncomingMessage, passage: Passage): WebOptions {
  const map = passage.request?.decision.route?.rewrite?.path;
  const target = request.url ?? '/';
  const headers = fieldPairs(request.rawHeaders).filter(([name]) => !REQUEST_HOP.has(name.toLowerCase()));
  const framed = headers.some(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name));
  if (!framed && !BODYLESS.has(request.method ?? '')) headers.push(['Content-Length', '0']);
  const ssl = { maxHeaderSize: RESPONSE_HEAD };
  fix(ssl, 'path', map === undefined ? target : mapTarget(target, map));
  fix(ssl, 'headers', headers.flat());
  return {
    // The agent knows where to connect; this only keeps http-proxy from asking for it.
    target: { protocol: 'http:', hostname: passage.request?.name ?? '', port: 80 },
    agent: passage.agent,
    ssl,
    toProxy: true,
    selfHandleResponse: true,
  };
}

function fix(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { enumerable: true, get: () => value, set() {} });
}

/** The answer as it came, fields as spelled and in order, but for those that the route rewrites. */
function passAnswer(
  answer: IncomingMessage,
  request: IncomingMessage,
  response: ServerResponse,
  { request: routed }: Passage,
): void {
  if (routed === undefined) throw new Error('an answer to a request that was not routed');
  const { facts, upstream, decision } = routed;
  const context: RewriteContext = {
    publicOrigin: facts.authority === '' ? '' : `${facts.scheme}://${facts.authority}`,
    servers: upstream.servers,
  };
  // HTTP/1.0 knows no chunks (RFC 9112 6.1): its client gets a body that ends with the connection.
  const dropped = (name: string): boolean =>
    RESPONSE_HOP.has(name) || (request.httpVersion === '1.0' && name === 'transfer-encoding');
  const headers = fieldPairs(answer.rawHeaders)
    .filter(([name]) => !dropped(name.toLowerCase()))
    .flatMap(([name, value]) => [name, rewriteField(name, value, decision.route?.rewrite ?? {}, context)]);
  response.sendDate = false;
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, headers);
  // A server that leaves inside its answer must not end in a whole one: pipeline destroys the response, and so the stream.
  pipeline(answer, response, () => {});
}

function fieldPairs(raw: readonly string[]): [name: string, value: string][] {
  return Array.from({ length: raw.length / 2 }, (_, index) => [raw[2 * index] ?? '', raw[2 * index + 1] ?? '']);
}

/** A kept connection that was just being closed by the server (RFC 9112 9.3.1). */
function isRepeatable(error: NodeJS.ErrnoException, request: IncomingMessage, response: ServerResponse): boolean {
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
  const bodyless = coding === undefined && (length === undefined || length === '0');
  const died = error.code === 'ECONNRESET' || error.code === 'EPIPE';
  return died && bodyless && !response.headersSent && mayBeRepeated(request.method ?? '', { kind: 'none' });
}

function failureOf(error: NodeJS.ErrnoException & { failure?: Failure }, { request, rewriting }: Passage): Failure {
  const place = `${request?.name} (${rewriting.server})`;
  if (error.failure !== undefined) return error.failure;
  if (error.code?.startsWith('HPE_')) return badAnswer(place, `${error.message}.`);
  // Node calls a connection that ended before its answer reset, too; no system call stands behind that.
  if (error.code === 'ECONNRESET' && error.syscall === undefined) return closedWithoutAnswer(place);
  return upstreamFailure(error, place);
}

function createHttpProxy(): ProxyServer {
  const proxy = createProxyServer();
  // This pass drops Transfer-Encoding from a chunked DELETE or OPTIONS: its body would arrive as a second request.
  proxy.webPasses = proxy.webPasses.filter(({ name }) => name !== 'deleteLength');
  return proxy;
}

/** http-proxy takes util._extend when it is loaded; newer Nodes warn at each call of it. Object.assign is what it does. */
async function loadHttpProxy() {
  const { _extend } = util as { _extend?: unknown };
  Object.assign(util, { _extend: Object.assign });
  try {
    return (await import('http-proxy')).default;
  } finally {
    Object.assign(util, { _extend });
  }
}
