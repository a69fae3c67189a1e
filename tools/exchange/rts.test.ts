import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { measurePdu, numberedPdu } from './pdu.ts';
import { bytesOf, connA1, connA3, connB1, connC2, decodeRts, ECHO, encodeRts, numbersOf, PING } from './rts.ts';

type Seen = { name: string; from: string; hex: string } & Record<string, string | number | undefined>;
const seen: Seen[] = JSON.parse(readFileSync(new URL('../fixtures/rts.json', import.meta.url), 'utf8')).pdus;

const id = (hex: unknown) => Buffer.from(String(hex), 'hex');
const builders: Record<string, (facts: Seen) => Buffer> = {
  'CONN/A1': (facts) => connA1(id(facts.virtualConnection), id(facts.outChannel), Number(facts.receiveWindow)),
  'CONN/A3': (facts) => connA3(Number(facts.connectionTimeout)),
  'CONN/B1': (facts) =>
    connB1({
      virtualConnection: id(facts.virtualConnection),
      inChannel: id(facts.inChannel),
      channelLifetime: Number(facts.channelLifetime),
      clientKeepalive: Number(facts.clientKeepalive),
      associationGroup: id(facts.associationGroup),
    }),
  'CONN/C2': (facts) => connC2(Number(facts.receiveWindow), Number(facts.connectionTimeout)),
  echo: () => ECHO,
  ping: () => PING,
};
const SIZES: Record<string, number> = {
  'CONN/A1': 76,
  'CONN/A3': 28,
  'CONN/B1': 104,
  'CONN/C2': 44,
  echo: 20,
  ping: 20,
};

describe('PDUs from the wire', () => {
  for (const facts of seen) {
    it(`${facts.name} of ${facts.from}: built byte for byte, read back, named`, () => {
      expect(builders[facts.name]?.(facts).toString('hex')).toBe(facts.hex);
      const pdu = id(facts.hex);
      expect(pdu.length).toBe(SIZES[facts.name]);
      expect(measurePdu(pdu)).toEqual({ kind: 'length', bytes: pdu.length });
      const read = decodeRts(pdu);
      if (read.kind !== 'rts') throw new Error(read.message);
      expect(read.name.toLowerCase()).toBe(facts.name.toLowerCase());
      expect(encodeRts(read)).toEqual(pdu);
    });
  }

  it('give up the cookies that pair the two channels', () => {
    const [a1, b1] = ['CONN/A1', 'CONN/B1'].map((name) => {
      const read = decodeRts(id(seen.find((one) => one.name === name && one.from === 'impacket 0.10')?.hex));
      if (read.kind !== 'rts') throw new Error(read.message);
      return read;
    });
    expect(a1 && bytesOf(a1, 'Cookie')[0]).toEqual(b1 && bytesOf(b1, 'Cookie')[0]);
    expect(b1 && numbersOf(b1, 'ChannelLifetime')).toEqual([1_073_741_824]);
  });
});

it('reads and writes every command of MS-RPCH 2.2.3.5', () => {
  const block = (size: number) =>
    fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) => Buffer.from(bytes));
  const word = fc.nat(0xffff_ffff);
  const command = fc.oneof(
    fc.record({
      name: fc.constantFrom('ReceiveWindowSize' as const, 'Version' as const, 'Destination' as const),
      value: word,
    }),
    fc.record({ name: fc.constantFrom('Cookie' as const, 'AssociationGroupId' as const), value: block(16) }),
    fc.record({ name: fc.constant('FlowControlAck' as const), value: block(24) }),
    fc.record({ name: fc.constant('Padding' as const), value: fc.nat(40).chain(block) }),
    fc.record({
      name: fc.constant('ClientAddress' as const),
      value: fc
        .constantFrom(0, 1)
        .chain((type) =>
          block(type === 0 ? 16 : 28).map((rest) => Buffer.concat([Buffer.from([type, 0, 0, 0]), rest])),
        ),
    }),
    fc.record({ name: fc.constantFrom('Empty' as const, 'ANCE' as const, 'NegativeANCE' as const) }),
  );
  fc.assert(
    fc.property(fc.nat(255), fc.array(command, { maxLength: 12 }), (flags, commands) => {
      expect(decodeRts(encodeRts({ flags, commands }))).toMatchObject({ kind: 'rts', flags, commands });
    }),
  );
});

it('calls a PDU bad rather than read past its end', () => {
  const a1 = id(seen[0]?.hex);
  for (let size = 0; size < a1.length; size += 1) expect(decodeRts(a1.subarray(0, size)).kind).toBe('bad');
  expect(decodeRts(Buffer.concat([a1, Buffer.alloc(4)]))).toMatchObject({ kind: 'bad' });
  expect(decodeRts(numberedPdu(1, 64))).toMatchObject({ kind: 'bad' });
});

it('finds the end of a PDU in either byte order, and none where none starts', () => {
  const pdu = numberedPdu(7, 300);
  expect(measurePdu(pdu.subarray(0, 15))).toEqual({ kind: 'more' });
  expect(measurePdu(pdu)).toEqual({ kind: 'length', bytes: 300 });
  const bigEndian = Buffer.from(pdu);
  bigEndian[4] = 0;
  bigEndian.writeUInt16BE(300, 8);
  expect(measurePdu(bigEndian)).toEqual({ kind: 'length', bytes: 300 });
  expect(measurePdu(Buffer.from('GET / HTTP/1.1'))).toEqual({ kind: 'bad' });
});
