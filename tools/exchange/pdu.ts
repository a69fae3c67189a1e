// Room: where one DCE/RPC PDU ends and what kind it is (C706 12.6.3.1, the common header). Contents are not looked at.
import type { Inlet, Taken } from '../inlet.ts';

/** Bytes of the common header. */
const HEADER = 16;
/** frag_length is 16 bits wide. */
const LARGEST = 0xffff;

/** PTYPE, C706 12.6.4 and MS-RPCE 2.2.2.1; RTS is MS-RPCH 2.2.3.6.1. */
export const PTYPE = { request: 0, response: 2, fault: 3, bind: 11, bindAck: 12, rts: 20 } as const;

/** Length of the PDU that starts here: `more` until its header is whole, `bad` where no PDU starts so. */
export function measurePdu(bytes: Buffer): { kind: 'length'; bytes: number } | { kind: 'more' } | { kind: 'bad' } {
  if (bytes.length > 0 && bytes[0] !== 5) return { kind: 'bad' }; // rpc_vers
  if (bytes.length < HEADER) return { kind: 'more' };
  const littleEndian = ((bytes[4] ?? 0) & 0xf0) === 0x10;
  const length = littleEndian ? bytes.readUInt16LE(8) : bytes.readUInt16BE(8);
  return length < HEADER ? { kind: 'bad' } : { kind: 'length', bytes: length };
}

/** The next whole PDU; `bad` where what is there is none. */
export async function takePdu(
  inlet: Inlet,
  milliseconds: number,
): Promise<Exclude<Taken, { kind: 'overlong' }> | { kind: 'bad'; bytes: Buffer }> {
  let isBad = false;
  const taken = await inlet.take(
    (held) => {
      const measured = measurePdu(held);
      isBad = measured.kind === 'bad';
      if (isBad) return 0;
      return measured.kind === 'length' ? measured.bytes : undefined;
    },
    milliseconds,
    LARGEST,
  );
  return isBad || taken.kind === 'overlong' ? { kind: 'bad', bytes: taken.bytes } : taken;
}

/** The PTYPE of a whole PDU. */
export function ptypeOf(pdu: Buffer): number {
  return pdu[2] ?? -1;
}

/**
 * A request PDU (C706 12.6.4.9) whose call_id is `number` and whose stub is a pattern of that number, so that a lost,
 * doubled, reordered or altered one shows. `bytes`: its whole length, 24 to 65,535.
 */
export function numberedPdu(number: number, bytes: number): Buffer {
  const pdu = Buffer.alloc(bytes);
  Buffer.from([5, 0, PTYPE.request, 3, 0x10, 0, 0, 0]).copy(pdu); // first and last fragment; little-endian, ASCII, IEEE
  pdu.writeUInt16LE(bytes, 8);
  pdu.writeUInt32LE(number >>> 0, 12);
  pdu.writeUInt32LE(bytes - 24, 16); // alloc_hint
  for (let at = 24; at < bytes; at += 1) pdu[at] = (number * 31 + at) & 0xff;
  return pdu;
}
