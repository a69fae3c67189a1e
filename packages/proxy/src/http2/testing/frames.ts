// Room: HTTP/2 frames by hand (RFC 9113 4.1) with fields as plain literals (RFC 7541 6.2.2), for requests that no client would send.
import type { Wire } from '@outrigger/tools/wire';

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

const TYPES = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, continuation: 9 } as const;
type FrameType = keyof typeof TYPES;
const NAMES = Object.fromEntries(Object.entries(TYPES).map(([name, type]) => [type, name]));

export const END_STREAM = 0x1;
export const END_HEADERS = 0x4;

export function frame(type: FrameType, flags: number, stream: number, payload: Buffer | string = ''): Buffer {
  const body = Buffer.from(payload as string, 'latin1');
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = TYPES[type];
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

/** Fields of a header block; names and values below 127 bytes, latin1. */
export function block(fields: [name: string, value: string][]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [
      Buffer.from([0x10, name.length]),
      Buffer.from(name, 'latin1'),
      Buffer.from([value.length]),
      Buffer.from(value, 'latin1'),
    ]),
  );
}

/** The preface and empty settings: how a client begins. */
export const HELLO = Buffer.concat([PREFACE, frame('settings', 0, 0)]);

/** A frame as it arrived; `code`: the error code of a reset or a GOAWAY. */
export type Received = { type: string; flags: number; stream: number; payload: Buffer; code?: number };

/** Reads frames until one that `wanted` accepts; undefined where the connection ends or nothing comes in 2 s. */
export async function frameUntil(wire: Wire, wanted: (frame: Received) => boolean): Promise<Received | undefined> {
  for (;;) {
    const head = await wire.inlet.exactly(9, 2_000);
    if (head.kind !== 'bytes') return undefined;
    const body = await wire.inlet.exactly(head.bytes.readUIntBE(0, 3), 2_000);
    if (body.kind !== 'bytes') return undefined;
    const type = NAMES[head.bytes[3] ?? 0] ?? 'other';
    const code =
      type === 'reset' ? body.bytes.readUInt32BE(0) : type === 'goAway' ? body.bytes.readUInt32BE(4) : undefined;
    const received = {
      type,
      flags: head.bytes[4] ?? 0,
      stream: head.bytes.readUInt32BE(5),
      payload: Buffer.from(body.bytes),
      ...(code !== undefined && { code }),
    };
    if (wanted(received)) return received;
  }
}
