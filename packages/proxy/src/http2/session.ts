// Room: one client's HTTP/2 connection. node's http2 ends the framing; each stream becomes an HTTP/1.1 request on a carrier. What
// belongs to the connection as a whole is here: limits, the idle wait, floods of broken streams, and its end.
import { constants, performServerHandshake, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { listenerName } from '@outrigger/rules';
import type { NoticeRecord } from '../accesslog.ts';
import type { ClientConnection, Runtime } from '../connection.ts';
import { FIELD_LINES } from '../http1/head.ts';
import { LINGER } from '../leg.ts';
import type { Origin } from '../verdict.ts';
import { openCarriers } from './carriers.ts';
import { serveStream } from './stream.ts';

/** Closed; each has its line in the README. */
export type Http2Code =
  | 'HTTP2_REQUEST'
  | 'HTTP2_TO_HTTP1'
  | 'HTTP2_ANSWER'
  | 'HTTP2_FLOOD'
  | 'HTTP2_PROTOCOL'
  | 'MISDIRECTED'
  | 'BUG';

export type TellHttp2 = (code: Http2Code, message: string, severity?: NoticeRecord['severity']) => void;

/** Streams of one connection at once, each with a connection to a server. RFC 9113 6.5.2 wants no less than 100. */
const CONCURRENT_STREAMS = 100;

/** Bytes a client may send ahead of what is read: on one stream as much as a leg may hold unsent, and four of those in all. */
const STREAM_WINDOW = 256 * 1024;
const CONNECTION_WINDOW = 4 * STREAM_WINDOW;

/** Times `limits.head` that node reads of a head, so that it is our own reader that says 431 and why; beyond that a stream just ends. */
const HEAD_SLACK = 2;

/** Bytes of a response head: what the relay lets pass, and the little that HTTP/2 adds. */
const RESPONSE_HEAD = 160 * 1024;

/**
 * Streams that end broken within FLOOD_WINDOW milliseconds, from which on the client is cut off (CVE-2023-44487 and its kin). A page
 * that is left breaks off its hundred; a person leaves five in ten seconds, a flood has ten thousand.
 */
const BROKEN_STREAMS = 500;
const FLOOD_WINDOW = 10_000;

/** Serves a client that chose h2 in ALPN until either side has had enough. `asked` is called once, for its first stream. */
export function serveHttp2(socket: TLSSocket, origin: Origin, runtime: Runtime, asked: () => void): ClientConnection {
  const { limits } = runtime.generation.rules.ruleSet;
  const carriers = openCarriers(origin, runtime);
  const session = performServerHandshake(socket, {
    settings: {
      enablePush: false,
      maxConcurrentStreams: CONCURRENT_STREAMS,
      initialWindowSize: STREAM_WINDOW,
      maxHeaderListSize: HEAD_SLACK * limits.head,
    },
    maxHeaderListPairs: FIELD_LINES,
    maxSendHeaderBlockLength: RESPONSE_HEAD,
  });
  session.setLocalWindowSize(CONNECTION_WINDOW);
  let open = 0;
  let waiting = true;
  let leaving = false;
  let broken = 0;
  let brokenSince = runtime.now();
  let timer: NodeJS.Timeout | undefined;

  /** Nothing is under way: waits for the next stream, or for the client to close as well. */
  function rest(): void {
    clearTimeout(timer);
    if (open > 0 || session.destroyed) return;
    timer = leaving ? setTimeout(() => socket.destroy(), LINGER) : setTimeout(leave, limits.keepAlive);
  }

  /** GOAWAY: streams under way are served to their end, later ones the client takes elsewhere (RFC 9113 6.8). */
  function leave(): void {
    leaving = true;
    if (!session.closed) session.close();
    rest();
  }

  function countBroken(): void {
    const at = runtime.now();
    if (at - brokenSince > FLOOD_WINDOW) {
      brokenSince = at;
      broken = 0;
    }
    broken += 1;
    if (broken <= BROKEN_STREAMS || session.destroyed) return;
    tell(
      'HTTP2_FLOOD',
      `more than ${BROKEN_STREAMS} requests in ${FLOOD_WINDOW} ms were broken off. The connection ends.`,
    );
    session.destroy(new Error('a flood'), constants.NGHTTP2_ENHANCE_YOUR_CALM); // without an error node forgets the code
  }

  const tell: TellHttp2 = (code, message, severity = 'warning') => {
    const place = { client: `${origin.address}:${origin.port}`, listener: listenerName(origin.listener) };
    runtime.report({ kind: 'notice', at: runtime.now(), severity, ...place, code, message });
  };

  const onStream = (stream: ServerHttp2Stream, _fields: unknown, _flags: number, raw: readonly string[]): void => {
    if (waiting) asked();
    waiting = false;
    open += 1;
    clearTimeout(timer);
    stream.once('close', () => {
      open -= 1;
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) countBroken();
      rest();
    });
    if (!stream.destroyed) serveStream(stream, raw, carriers.agent, tell);
  };
  // The fields as they came are a fourth argument, which node's types do not know.
  session.on('stream', onStream as (stream: ServerHttp2Stream, fields: unknown, flags: number) => void);
  session.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code?.startsWith('ERR_HTTP2'))
      tell('HTTP2_PROTOCOL', `HTTP/2 was broken: ${error.message}. The connection ends.`);
  });
  socket.on('error', () => {}); // the end of the socket is what counts
  // A client that has said its last takes no answers either: it could not even make room for them.
  socket.once('end', () => socket.destroy());
  rest();

  return {
    done: new Promise((resolve) => {
      socket.once('close', () => {
        clearTimeout(timer);
        session.destroy();
        resolve(carriers.close());
      });
    }),
    retire: leave,
    // Its hosts were granted HTTP/2, and a certificate shown, by the rules of that time. GOAWAY lets the client come again.
    renew: leave,
    destroy: () => session.destroy(),
  };
}
