// Room: RTS PDUs (MS-RPCH 2.2.3 and 2.2.4) as bytes and back. Pure.
import { PTYPE } from './pdu.ts';

/** RTS commands, MS-RPCH 2.2.3.5, in the order of their numbers; `bytes` is what follows the number. */
const COMMANDS = [
  { name: 'ReceiveWindowSize', shape: 'number', bytes: 4 }, // 2.2.3.5.1
  { name: 'FlowControlAck', shape: 'bytes', bytes: 24 }, // 2.2.3.5.2: bytes received, window, channel cookie
  { name: 'ConnectionTimeout', shape: 'number', bytes: 4 }, // 2.2.3.5.3, milliseconds
  { name: 'Cookie', shape: 'bytes', bytes: 16 }, // 2.2.3.5.4
  { name: 'ChannelLifetime', shape: 'number', bytes: 4 }, // 2.2.3.5.5, bytes
  { name: 'ClientKeepalive', shape: 'number', bytes: 4 }, // 2.2.3.5.6, milliseconds
  { name: 'Version', shape: 'number', bytes: 4 }, // 2.2.3.5.7
  { name: 'Empty', shape: 'none', bytes: 0 }, // 2.2.3.5.8
  { name: 'Padding', shape: 'counted', bytes: 0 }, // 2.2.3.5.9: a count, then as many bytes
  { name: 'NegativeANCE', shape: 'none', bytes: 0 }, // 2.2.3.5.10
  { name: 'ANCE', shape: 'none', bytes: 0 }, // 2.2.3.5.11
  { name: 'ClientAddress', shape: 'address', bytes: 0 }, // 2.2.3.5.12: type, 4 or 16 bytes, 12 of padding
  { name: 'AssociationGroupId', shape: 'bytes', bytes: 16 }, // 2.2.3.5.13
  { name: 'Destination', shape: 'number', bytes: 4 }, // 2.2.3.5.14
  { name: 'PingTrafficSentNotify', shape: 'number', bytes: 4 }, // 2.2.3.5.15
] as const;

type Named<Shape> = Extract<(typeof COMMANDS)[number], { shape: Shape }>['name'];
export type RtsCommand =
  | { name: Named<'number'>; value: number }
  | { name: Named<'bytes' | 'counted' | 'address'>; value: Buffer }
  | { name: Named<'none'> };
export type RtsPdu = { flags: number; commands: RtsCommand[] };

/** MS-RPCH 2.2.3.6.1. */
export const RTS_FLAG = {
  none: 0,
  ping: 1,
  other: 2,
  recycle: 4,
  inChannel: 8,
  outChannel: 16,
  endOfFile: 32,
  echo: 64,
};

/** The PDUs a witness knows by name: MS-RPCH 2.2.4.2, .4, .5, .9, .48, .49, .50 and .51. */
const PDUS: { name: RtsName; flags: number; commands: RtsCommand['name'][] }[] = [
  { name: 'CONN/A1', flags: 0, commands: ['Version', 'Cookie', 'Cookie', 'ReceiveWindowSize'] },
  { name: 'CONN/A3', flags: 0, commands: ['ConnectionTimeout'] },
  {
    name: 'CONN/B1',
    flags: 0,
    commands: ['Version', 'Cookie', 'Cookie', 'ChannelLifetime', 'ClientKeepalive', 'AssociationGroupId'],
  },
  { name: 'CONN/C2', flags: 0, commands: ['Version', 'ReceiveWindowSize', 'ConnectionTimeout'] },
  { name: 'Echo', flags: RTS_FLAG.echo, commands: [] },
  { name: 'Ping', flags: RTS_FLAG.ping, commands: [] },
  { name: 'FlowControlAck', flags: RTS_FLAG.other, commands: ['FlowControlAck'] },
  { name: 'FlowControlAckWithDestination', flags: RTS_FLAG.other, commands: ['Destination', 'FlowControlAck'] },
];
export type RtsName =
  | 'CONN/A1'
  | 'CONN/A3'
  | 'CONN/B1'
  | 'CONN/C2'
  | 'Echo'
  | 'Ping'
  | 'FlowControlAck'
  | 'FlowControlAckWithDestination'
  | 'RTS';

/** Bytes of the RTS PDU header, MS-RPCH 2.2.3.6.1: the common header, flags, number of commands. */
const HEADER = 20;
/** Bytes after the address in ClientAddress, MS-RPCH 2.2.3.5.12. */
const ADDRESS_PADDING = 12;

export function encodeRts({ flags, commands }: RtsPdu): Buffer {
  const body = Buffer.concat(commands.map(encodeCommand));
  const header = Buffer.alloc(HEADER);
  Buffer.from([5, 0, PTYPE.rts, 3, 0x10, 0, 0, 0]).copy(header);
  header.writeUInt16LE(HEADER + body.length, 8);
  header.writeUInt16LE(flags, 16);
  header.writeUInt16LE(commands.length, 18);
  return Buffer.concat([header, body]);
}

/** Reads one whole PDU; `bad` for one that is no RTS PDU or whose commands do not fill it exactly. */
export function decodeRts(pdu: Buffer): ({ kind: 'rts'; name: RtsName } & RtsPdu) | { kind: 'bad'; message: string } {
  if (pdu.length < HEADER || pdu[2] !== PTYPE.rts) return { kind: 'bad', message: 'not an RTS PDU' };
  const flags = pdu.readUInt16LE(16);
  const commands: RtsCommand[] = [];
  let at = HEADER;
  for (let left = pdu.readUInt16LE(18); left > 0; left -= 1) {
    const read = decodeCommand(pdu, at);
    if (read === undefined) return { kind: 'bad', message: `no RTS command at byte ${at}` };
    commands.push(read.command);
    at = read.end;
  }
  if (at !== pdu.length) return { kind: 'bad', message: `${pdu.length - at} bytes after the last RTS command` };
  return { kind: 'rts', name: nameOf(flags, commands), flags, commands };
}

/** The values of the commands of that name, in order. */
export function numbersOf(pdu: RtsPdu, name: Named<'number'>): number[] {
  return pdu.commands.flatMap((command) => (command.name === name ? [command.value as number] : []));
}

/** The bytes of the commands of that name, in order. */
export function bytesOf(pdu: RtsPdu, name: Named<'bytes'>): Buffer[] {
  return pdu.commands.flatMap((command) => (command.name === name ? [command.value as Buffer] : []));
}

const version: RtsCommand = { name: 'Version', value: 1 };

/** CONN/A1, MS-RPCH 2.2.4.2: 76 bytes, client to OUT proxy. Cookies are 16 bytes, the window is in bytes. */
export function connA1(virtualConnection: Buffer, outChannel: Buffer, receiveWindow: number): Buffer {
  const cookies: RtsCommand[] = [
    { name: 'Cookie', value: virtualConnection },
    { name: 'Cookie', value: outChannel },
  ];
  return encodeRts({ flags: 0, commands: [version, ...cookies, { name: 'ReceiveWindowSize', value: receiveWindow }] });
}

/** CONN/A3, MS-RPCH 2.2.4.4: 28 bytes, OUT proxy to client. Milliseconds. */
export function connA3(connectionTimeout: number): Buffer {
  return encodeRts({ flags: 0, commands: [{ name: 'ConnectionTimeout', value: connectionTimeout }] });
}

/** CONN/B1, MS-RPCH 2.2.4.5: 104 bytes, client to IN proxy. Lifetime in bytes, keepalive in milliseconds. */
export function connB1(given: {
  virtualConnection: Buffer;
  inChannel: Buffer;
  channelLifetime: number;
  clientKeepalive: number;
  associationGroup: Buffer;
}): Buffer {
  return encodeRts({
    flags: 0,
    commands: [
      version,
      { name: 'Cookie', value: given.virtualConnection },
      { name: 'Cookie', value: given.inChannel },
      { name: 'ChannelLifetime', value: given.channelLifetime },
      { name: 'ClientKeepalive', value: given.clientKeepalive },
      { name: 'AssociationGroupId', value: given.associationGroup },
    ],
  });
}

/** CONN/C2, MS-RPCH 2.2.4.9: 44 bytes, OUT proxy to client. Window in bytes, timeout in milliseconds. */
export function connC2(receiveWindow: number, connectionTimeout: number): Buffer {
  return encodeRts({
    flags: 0,
    commands: [
      version,
      { name: 'ReceiveWindowSize', value: receiveWindow },
      { name: 'ConnectionTimeout', value: connectionTimeout },
    ],
  });
}

/** Ping, MS-RPCH 2.2.4.49: 20 bytes, either way. */
export const PING = encodeRts({ flags: RTS_FLAG.ping, commands: [] });
/** Echo, MS-RPCH 2.2.4.48: 20 bytes, the answer to an echo request. */
export const ECHO = encodeRts({ flags: RTS_FLAG.echo, commands: [] });

function nameOf(flags: number, commands: RtsCommand[]): RtsName {
  const names = commands.map((command) => command.name).join();
  return PDUS.find((known) => known.flags === flags && known.commands.join() === names)?.name ?? 'RTS';
}

function encodeCommand(command: RtsCommand): Buffer {
  const number = COMMANDS.findIndex(({ name }) => name === command.name);
  const parts = [uint32(number)];
  if (command.name === 'Padding') parts.push(uint32(command.value.length));
  if ('value' in command) parts.push(typeof command.value === 'number' ? uint32(command.value) : command.value);
  return Buffer.concat(parts);
}

function decodeCommand(pdu: Buffer, at: number): { command: RtsCommand; end: number } | undefined {
  const known = at + 4 <= pdu.length ? COMMANDS[pdu.readUInt32LE(at)] : undefined;
  if (known === undefined) return undefined;
  const start = known.shape === 'counted' ? at + 8 : at + 4;
  const size = sizeOf(known, pdu, at + 4);
  if (size === undefined || start + size > pdu.length) return undefined;
  const end = start + size;
  if (known.shape === 'none') return { command: { name: known.name }, end };
  if (known.shape === 'number') return { command: { name: known.name, value: pdu.readUInt32LE(start) }, end };
  return { command: { name: known.name, value: pdu.subarray(start, end) }, end };
}

function sizeOf(command: (typeof COMMANDS)[number], pdu: Buffer, at: number): number | undefined {
  if (command.shape !== 'counted' && command.shape !== 'address') return command.bytes;
  if (at + 4 > pdu.length) return undefined;
  const word = pdu.readUInt32LE(at);
  return command.shape === 'counted' ? word : 4 + (word === 0 ? 4 : 16) + ADDRESS_PADDING;
}

function uint32(value: number): Buffer {
  const word = Buffer.alloc(4);
  word.writeUInt32LE(value >>> 0);
  return word;
}
