// Room: one stream: its request goes into a carrier as HTTP/1.1, the answer comes back as HTTP/2. Bytes of bodies pass as they come,
// both ways at once, and each side is read only as fast as the other takes them.
import {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  type InformationEvent,
  request as sendRequest,
} from 'node:http';
import { constants, type ServerHttp2Stream } from 'node:http2';
import { pipeline } from 'node:stream';
import { fieldValues } from '../http1/fields.ts';
import { http1Request, http1Trailers, pairs } from './request.ts';
import { http2Fields, isBodyless, wantsConnectionLogin } from './response.ts';
import type { TellHttp2 } from './session.ts';

const { NGHTTP2_NO_ERROR, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_INTERNAL_ERROR, NGHTTP2_HTTP_1_1_REQUIRED } = constants;

/** Bytes of a response head; the relay has refused those over 128 KiB, and rules add little. */
const RESPONSE_HEAD = 160 * 1024;

/** A stream and what its steps have in common. */
type Served = {
  stream: ServerHttp2Stream;
  tell: TellHttp2;
  /** node's http and http2 throw on what they do not take; from a callback that would end every connection there is. */
  guard<Args extends unknown[]>(step: (...args: Args) => void): (...args: Args) => void;
};

/** Serves one stream. `raw`: its fields, names and values by turns. It ends by itself, or with its session. */
export function serveStream(stream: ServerHttp2Stream, raw: readonly string[], carriers: Agent, tell: TellHttp2): void {
  // What breaks a stream is told by the record of its request, or below.
  stream.on('error', () => {});
  const guard: Served['guard'] =
    (step) =>
    (...args) => {
      try {
        step(...args);
      } catch (bug) {
        const told = bug instanceof Error ? bug.stack : bug;
        tell('BUG', `a bug of ours ended this stream: ${told}`, 'error');
        stream.destroy(bug instanceof Error ? bug : undefined);
      }
    };
  guard(beginStream)({ stream, tell, guard }, raw, carriers);
}

function beginStream(served: Served, raw: readonly string[], carriers: Agent): void {
  const { stream, tell, guard } = served;
  const read = http1Request(raw, stream.endAfterHeaders);
  switch (read.kind) {
    case 'bad':
      tell('HTTP2_REQUEST', `a request is malformed: ${read.message}. Its stream is broken off.`);
      stream.close(NGHTTP2_PROTOCOL_ERROR);
      return;
    case 'method':
      tell('HTTP2_REQUEST', `${read.message} Answered 405.`);
      stream.respond({ ':status': 405, allow: 'GET, HEAD, POST' }, { endStream: true });
      return;
    case 'http1':
      tell('HTTP2_TO_HTTP1', `${read.message} The client is asked to come again over HTTP/1.1.`, 'note');
      stream.close(NGHTTP2_HTTP_1_1_REQUIRED);
      return;
  }
  const { method, target, fields } = read;
  const request = sendRequest({
    agent: carriers,
    method,
    path: target,
    headers: fields.flat(),
    maxHeaderSize: RESPONSE_HEAD,
  });
  const passInterim = guard(({ statusCode, rawHeaders }: InformationEvent) => {
    if (stream.closed || stream.headersSent) return;
    stream.additionalHeaders({ ...http2Fields(rawHeaders), ':status': statusCode });
  });
  request.on('information', passInterim);
  request.once(
    'response',
    guard((answer) => passAnswer(answer, method, request, served)),
  );
  request.on('error', (error: NodeJS.ErrnoException) => {
    if (stream.closed || stream.headersSent) return;
    // No answer and no failure of a server, which would be one: the rules want it broken off, or node cannot read the head.
    if (error.code?.startsWith('HPE_'))
      tell('HTTP2_ANSWER', `the head of an answer cannot be carried (${error.code}).`);
    stream.close(NGHTTP2_INTERNAL_ERROR);
  });
  // The answer is whole and nobody reads the request any more: that is no error (RFC 9113 8.1).
  request.once('close', () => {
    if (stream.writableEnded && !stream.readableEnded) stream.close(NGHTTP2_NO_ERROR);
  });
  stream.once('close', () => request.destroy());
  passRequest(request, served);
}

function passRequest(request: ClientRequest, { stream, tell, guard }: Served): void {
  if (stream.endAfterHeaders) {
    stream.resume();
    request.end();
    return;
  }
  // node gives the lines as they came as a third argument, which its types do not know.
  const onTrailers = guard((_fields: unknown, _flags: number, raw: readonly string[]): void => {
    const trailers = http1Trailers(raw);
    if (trailers !== undefined) request.addTrailers(trailers);
    else {
      tell('HTTP2_REQUEST', 'a request has trailers that decide what comes before them. Its stream is broken off.');
      stream.close(NGHTTP2_PROTOCOL_ERROR);
    }
  });
  stream.on('trailers', onTrailers as (fields: unknown, flags: number) => void);
  request.flushHeaders(); // a client may wait for a 100 before it sends its body
  stream.pipe(request);
}

function passAnswer(
  answer: IncomingMessage,
  method: string,
  request: ClientRequest,
  { stream, tell, guard }: Served,
): void {
  const { statusCode: status = 502, rawHeaders } = answer;
  if (stream.closed) return;
  if (wantsConnectionLogin(status, fieldValues(pairs(rawHeaders), 'www-authenticate'))) {
    const finding = 'the server wants NTLM or Negotiate. The client is asked to come again over HTTP/1.1.';
    tell('HTTP2_TO_HTTP1', finding, 'note');
    stream.close(NGHTTP2_HTTP_1_1_REQUIRED);
    return;
  }
  const endStream = isBodyless(method, status);
  const waitForTrailers = !endStream && answer.headers['transfer-encoding'] !== undefined;
  stream.respond({ ...http2Fields(rawHeaders), ':status': status }, { endStream, waitForTrailers });
  if (endStream) {
    answer.resume();
    return;
  }
  stream.once(
    'wantTrailers',
    guard(() => stream.sendTrailers(http2Fields(answer.rawTrailers))),
  );
  // An answer that is cut must not end as a whole one. A destroyed stream is reset; one that is closed with a code would be ended by
  // pipeline before node has sent the code.
  request.once('error', (error) => stream.destroy(error));
  pipeline(answer, stream, () => {});
}
