// Room: requests from a connection, answers to it. As much of RFC 9112 as clients of Exchange use, and any method name.
import { createHash } from 'node:crypto';
import { type Accepted, LINGER } from '../acceptor.ts';
import type { Inlet } from '../inlet.ts';
import {
  announcedFraming,
  composeHead,
  type Fields,
  type Framing,
  field,
  hasToken,
  readBody,
  splitHead,
  takeHead,
} from '../message.ts';
import { type Mishap, padded, sendWithMishap } from '../mishap.ts';

export type Request = {
  method: string;
  /** As it came: path and query, byte for byte (latin1). */
  target: string;
  path: string;
  query: string;
  version: '1.0' | '1.1';
  fields: Fields;
  framing: Framing;
  /** Whether the connection stays open after the answer (RFC 9112 9.3). */
  persistent: boolean;
};

export type Answer = { status: number; reason: string; fields?: Fields; body?: Buffer | string };

/** Every answer names who gave it: tests ask which server a request reached. */
export const STAND_IN: Fields[number] = ['X-Stand-In', 'exchange'];
/** Bytes of a request body that a page gets to see; the rest is only counted and digested. */
const BODY_KEPT = 1_024 * 1_024;
/** Milliseconds between two pieces of a request body. IIS waits 120 s; a test that long has gone wrong. */
const BODY_PATIENCE = 30_000;

/** The next request head; `over` when the client has left between two requests, `bad` for anything that is no head. */
export async function readRequest(
  inlet: Inlet,
  milliseconds: number,
): Promise<{ kind: 'request'; request: Request } | { kind: 'over' } | { kind: 'bad'; why: string }> {
  const taken = await takeHead(inlet, milliseconds);
  if (taken.kind !== 'bytes') {
    return taken.bytes.length === 0 ? { kind: 'over' } : { kind: 'bad', why: `${taken.kind} inside a request head` };
  }
  const parts = splitHead(taken.bytes);
  const line = /^([!#-'*+.^-z|~A-Z\d-]+) (\S+) HTTP\/(1\.[01])$/.exec(parts?.firstLine ?? '');
  if (parts === undefined || line === null) return { kind: 'bad', why: 'not a request head' };
  const [, method = '', target = '', version] = line;
  const { fields } = parts;
  const question = target.indexOf('?');
  return {
    kind: 'request',
    request: {
      method,
      target,
      path: question < 0 ? target : target.slice(0, question),
      query: question < 0 ? '' : target.slice(question + 1),
      version: version as Request['version'],
      fields,
      framing: announcedFraming(fields) ?? { kind: 'none' },
      persistent:
        version === '1.0' ? hasToken(fields, 'connection', 'keep-alive') : !hasToken(fields, 'connection', 'close'),
    },
  };
}

export type RequestBody = { whole: boolean; bytes: number; sha256: string; start: Buffer };

/** Reads a request's body, after a 100 Continue where one was asked for (RFC 9110 10.1.1). */
export async function readRequestBody(connection: Accepted, request: Request): Promise<RequestBody> {
  await sendContinue(connection, request);
  const digest = createHash('sha256');
  const start: Buffer[] = [];
  let kept = 0;
  const end = await readBody(connection.inlet, request.framing, BODY_PATIENCE, (piece) => {
    digest.update(piece);
    if (kept < BODY_KEPT) start.push(piece);
    kept += piece.length;
  });
  return { whole: end.kind === 'whole', bytes: end.bytes, sha256: digest.digest('hex'), start: Buffer.concat(start) };
}

/** Whether the client holds back its body until it hears 100 Continue or a refusal. */
export function awaitsContinue({ fields, framing }: Request): boolean {
  const hasBody = framing.kind === 'chunked' || (framing.kind === 'length' && framing.bytes > 0);
  return hasBody && field(fields, 'expect')?.toLowerCase() === '100-continue';
}

/** Sends 100 Continue where the client waits for it. */
export async function sendContinue(connection: Accepted, request: Request): Promise<void> {
  if (awaitsContinue(request)) await connection.send(composeHead('HTTP/1.1 100 Continue', []));
}

/** Sends an answer; false when the connection is not to be used again. */
export async function sendAnswer(
  connection: Accepted,
  request: Request,
  answer: Answer,
  mishap: Mishap = {},
): Promise<boolean> {
  const body = padded(Buffer.from(answer.body ?? ''), mishap);
  const fields: Fields = [STAND_IN, ...(answer.fields ?? []), ['Content-Length', String(body.length)]];
  const head = composeHead(`HTTP/1.1 ${answer.status} ${answer.reason}`, fields);
  const bytes = request.method === 'HEAD' ? head : Buffer.concat([head, body]);
  return (
    (await sendWithMishap(connection, bytes, mishap)) && request.persistent && !hasToken(fields, 'connection', 'close')
  );
}

/**
 * Answers before the body is there and ends the connection (RFC 9112 9.6): a 401 to a channel that announced 1 GiB.
 * What the client still sends is thrown away for a while, so that no RST overtakes the answer.
 */
export async function refuseEarly(connection: Accepted, request: Request, answer: Answer): Promise<void> {
  await sendAnswer(connection, request, { ...answer, fields: [...(answer.fields ?? []), ['Connection', 'close']] });
  connection.finish();
  const deadline = performance.now() + LINGER;
  while ((await connection.inlet.some(Math.max(0, deadline - performance.now()))).kind === 'bytes');
}
