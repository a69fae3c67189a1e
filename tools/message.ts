// Room: what an HTTP/1 message looks like on the wire (RFC 9112), as every witness reads it: head lines, and where a body
// ends. Own code on purpose: a witness that shares a parser with the proxy would share its mistakes.
import type { Inlet, Taken } from './inlet.ts';

/** Fields in the order and spelling they came in. */
export type Fields = [name: string, value: string][];

/** Bytes of a head a witness accepts: above the proxy's own limit, so that the proxy's refusal is what a test sees. */
export const HEAD_LIMIT = 256 * 1_024;
/** Bytes of a chunk-size line with its extensions (RFC 9112 7.1.1). */
const CHUNK_LINE_LIMIT = 4_096;
const HEAD_END = '\r\n\r\n';

/** The first field of that name, any case (RFC 9110 5.1); undefined where there is none. */
export function field(fields: Fields, name: string): string | undefined {
  const wanted = name.toLowerCase();
  return fields.find(([given]) => given.toLowerCase() === wanted)?.[1];
}

/** Whether a comma-separated field (RFC 9110 5.6.1) of that name holds the token, any case. */
export function hasToken(fields: Fields, name: string, token: string): boolean {
  const values = fields.filter(([given]) => given.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  return values.some((value) => value.split(',').some((one) => one.trim().toLowerCase() === token));
}

/** Takes a head up to and with its blank line. */
export function takeHead(inlet: Inlet, milliseconds: number): Promise<Taken> {
  return inlet.until(HEAD_END, milliseconds, HEAD_LIMIT);
}

/** First line and fields of a head (RFC 9112 2.1); undefined where a field line has no colon. */
export function splitHead(head: Buffer): { firstLine: string; fields: Fields } | undefined {
  const [firstLine = '', ...lines] = head.subarray(0, -HEAD_END.length).toString('latin1').split('\r\n');
  const fields: Fields = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) return undefined;
    fields.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
  }
  return { firstLine, fields };
}

/** A head as bytes: first line, fields, blank line. */
export function composeHead(firstLine: string, fields: Fields): Buffer {
  const lines = [firstLine, ...fields.map(([name, value]) => `${name}: ${value}`)];
  return Buffer.from(`${lines.join('\r\n')}${HEAD_END}`, 'latin1');
}

/** How a body ends (RFC 9112 6.3). `close`: with the connection. */
export type Framing = { kind: 'none' } | { kind: 'length'; bytes: number } | { kind: 'chunked' } | { kind: 'close' };

/** The framing that the fields announce; undefined where they announce none, which means another thing either way. */
export function announcedFraming(fields: Fields): Framing | undefined {
  if (hasToken(fields, 'transfer-encoding', 'chunked')) return { kind: 'chunked' };
  const length = field(fields, 'content-length');
  return length === undefined ? undefined : { kind: 'length', bytes: Number(length) };
}

/** What became of a body: whole, or why it is not. `bytes` counts what came, without chunk framing. */
export type BodyEnd = { kind: 'whole' | 'ended' | 'failed' | 'late' | 'bad'; bytes: number };

/** Reads a body to its end and hands on its pieces without their framing. `milliseconds` is the wait for each piece. */
export async function readBody(
  inlet: Inlet,
  framing: Framing,
  milliseconds: number,
  onPiece: (piece: Buffer) => void,
): Promise<BodyEnd> {
  if (framing.kind === 'none') return { kind: 'whole', bytes: 0 };
  if (framing.kind === 'chunked') return readChunked(inlet, milliseconds, onPiece);
  const announced = framing.kind === 'length' ? framing.bytes : Number.POSITIVE_INFINITY;
  const end = await pass(inlet, announced, milliseconds, onPiece);
  return framing.kind === 'close' && end.kind === 'ended' ? { ...end, kind: 'whole' } : end;
}

async function pass(
  inlet: Inlet,
  count: number,
  milliseconds: number,
  onPiece: (piece: Buffer) => void,
): Promise<BodyEnd> {
  let bytes = 0;
  while (bytes < count) {
    const taken = await inlet.some(milliseconds, count - bytes);
    if (taken.kind !== 'bytes') return { kind: taken.kind === 'overlong' ? 'bad' : taken.kind, bytes };
    bytes += taken.bytes.length;
    onPiece(taken.bytes);
  }
  return { kind: 'whole', bytes };
}

async function readChunked(inlet: Inlet, milliseconds: number, onPiece: (piece: Buffer) => void): Promise<BodyEnd> {
  let bytes = 0;
  for (;;) {
    const line = await inlet.until('\r\n', milliseconds, CHUNK_LINE_LIMIT);
    if (line.kind !== 'bytes') return { kind: line.kind === 'overlong' ? 'bad' : line.kind, bytes };
    const size = /^[0-9a-f]{1,8}(?=[;\r])/i.exec(line.bytes.toString('latin1'))?.[0];
    if (size === undefined) return { kind: 'bad', bytes };
    const length = Number.parseInt(size, 16);
    if (length === 0) return { ...(await skipTrailer(inlet, milliseconds)), bytes };
    const data = await pass(inlet, length, milliseconds, onPiece);
    bytes += data.bytes;
    if (data.kind !== 'whole') return { kind: data.kind, bytes };
    const lineEnd = await inlet.exactly(2, milliseconds);
    if (lineEnd.kind !== 'bytes') return { kind: lineEnd.kind === 'overlong' ? 'bad' : lineEnd.kind, bytes };
    if (lineEnd.bytes.toString('latin1') !== '\r\n') return { kind: 'bad', bytes };
  }
}

/** Trailer fields (RFC 9112 7.1.2) are read and left: no witness has a use for them. */
async function skipTrailer(inlet: Inlet, milliseconds: number): Promise<{ kind: BodyEnd['kind'] }> {
  for (;;) {
    const line = await inlet.until('\r\n', milliseconds, HEAD_LIMIT);
    if (line.kind !== 'bytes') return { kind: line.kind === 'overlong' ? 'bad' : line.kind };
    if (line.bytes.length === 2) return { kind: 'whole' };
  }
}
