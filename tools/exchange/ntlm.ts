// Room: NTLM messages (MS-NLMP) as bytes: types 1, 2 and 3, NTLMv2 only, no session security. Pure: nonces and times are
// handed in. What a connection has to do with them is gate.ts on the server's side, outlook/handshake.ts on the client's.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { md4 } from './md4.ts';

/** `domain` may be empty: a client that names none computes with an empty one. */
export type Credentials = { user: string; domain: string; password: string };

export type NtlmMessage =
  | { kind: 'type1'; flags: number }
  | { kind: 'type2'; flags: number; nonce: Buffer; targetInfo: Buffer }
  | { kind: 'type3'; flags: number; user: string; domain: string; proof: Buffer; blob: Buffer }
  | { kind: 'bad'; message: string };

/** MS-NLMP 2.2.2.5. */
const FLAG = {
  unicode: 0x0000_0001,
  oem: 0x0000_0002,
  requestTarget: 0x0000_0004,
  sign: 0x0000_0010,
  seal: 0x0000_0020,
  ntlm: 0x0000_0200,
  alwaysSign: 0x0000_8000,
  targetIsDomain: 0x0001_0000,
  extendedSecurity: 0x0008_0000,
  targetInfo: 0x0080_0000,
  version: 0x0200_0000,
  key128: 0x2000_0000,
  keyExchange: 0x4000_0000,
  key56: 0x8000_0000,
};
/** What a server says whatever the client asked for. */
const SERVER_FLAGS =
  FLAG.unicode |
  FLAG.requestTarget |
  FLAG.ntlm |
  FLAG.targetIsDomain |
  FLAG.extendedSecurity |
  FLAG.targetInfo |
  FLAG.version;
/** What a server grants where the client asked. */
const GRANTED_FLAGS = FLAG.sign | FLAG.seal | FLAG.alwaysSign | FLAG.key128 | FLAG.keyExchange | FLAG.key56;
const CLIENT_FLAGS =
  FLAG.unicode | FLAG.requestTarget | FLAG.ntlm | FLAG.alwaysSign | FLAG.extendedSecurity | FLAG.key128 | FLAG.key56;

/** AV_PAIR identifiers, MS-NLMP 2.2.2.1. */
const AV = { end: 0, computer: 1, domain: 2, dnsComputer: 3, dnsDomain: 4, timestamp: 7, channelBindings: 10 };

const SIGNATURE = Buffer.from('NTLMSSP\0', 'latin1');
/** Windows 10 build 19041, NTLM revision 15 (MS-NLMP 2.2.2.10): informative only. */
const VERSION = Buffer.from('0a00614a0000000f', 'hex');
const NONCE = 8;
const PROOF = 16;
/** Proof and the fixed part of NTLMv2_CLIENT_CHALLENGE (MS-NLMP 2.2.2.7); an NTLMv1 answer has 24 bytes. */
const NTLMV2_LEAST = PROOF + 28;
/** Bytes of a NTLMv2_CLIENT_CHALLENGE before its AV pairs (MS-NLMP 2.2.2.7). */
const BEFORE_PAIRS = 28;
const HEADER = { type1: 32, type2: 56, type3: 64 };

/** Reads any of the three messages; `bad` for bytes that are none, or whose fields point outside. */
export function readNtlm(bytes: Buffer): NtlmMessage {
  if (bytes.length < 16 || !bytes.subarray(0, 8).equals(SIGNATURE)) return bad('no NTLMSSP signature');
  const type = bytes.readUInt32LE(8);
  if (type === 1) return { kind: 'type1', flags: bytes.readUInt32LE(12) };
  if (type === 2) {
    if (bytes.length < 48) return bad('type 2 is cut short');
    const targetInfo = fieldAt(bytes, 40);
    if (targetInfo === undefined) return bad('type 2 names target information outside itself');
    return { kind: 'type2', flags: bytes.readUInt32LE(20), nonce: bytes.subarray(24, 24 + NONCE), targetInfo };
  }
  if (type !== 3 || bytes.length < HEADER.type3) return bad(`message type ${type}, ${bytes.length} bytes`);
  const [answer, domain, user] = [fieldAt(bytes, 20), fieldAt(bytes, 28), fieldAt(bytes, 36)];
  if (!answer || !domain || !user) return bad('type 3 names a field outside itself');
  if (answer.length < NTLMV2_LEAST) return bad('type 3 holds no NTLMv2 answer');
  return {
    kind: 'type3',
    flags: bytes.readUInt32LE(60),
    user: user.toString('utf16le'),
    domain: domain.toString('utf16le'),
    proof: answer.subarray(0, PROOF),
    blob: answer.subarray(PROOF),
  };
}

/** Type 1 (MS-NLMP 2.2.1.1), with no names in it. */
export function composeType1(): Buffer {
  const message = Buffer.alloc(HEADER.type1);
  begin(message, 1);
  message.writeUInt32LE(CLIENT_FLAGS >>> 0, 12);
  return message;
}

/** Type 2 (MS-NLMP 2.2.1.2). `asked`: the flags of the type 1. `nonce`: 8 bytes. `now`: milliseconds since 1970. */
export function composeType2(given: {
  asked: number;
  nonce: Buffer;
  domain: string;
  computer: string;
  now: number;
}): Buffer {
  const name = Buffer.from(given.domain, 'utf16le');
  const targetInfo = Buffer.concat([
    avPair(AV.domain, name),
    avPair(AV.computer, Buffer.from(given.computer, 'utf16le')),
    avPair(AV.dnsDomain, Buffer.from(`${given.domain.toLowerCase()}.test`, 'utf16le')),
    avPair(
      AV.dnsComputer,
      Buffer.from(`${given.computer.toLowerCase()}.${given.domain.toLowerCase()}.test`, 'utf16le'),
    ),
    avPair(AV.timestamp, fileTime(given.now)),
    avPair(AV.end, Buffer.alloc(0)),
  ]);
  const header = Buffer.alloc(HEADER.type2);
  begin(header, 2);
  pointTo(header, 12, name.length, HEADER.type2);
  header.writeUInt32LE((SERVER_FLAGS | (given.asked & GRANTED_FLAGS)) >>> 0, 20);
  given.nonce.copy(header, 24, 0, NONCE);
  pointTo(header, 40, targetInfo.length, HEADER.type2 + name.length);
  VERSION.copy(header, 48);
  return Buffer.concat([header, name, targetInfo]);
}

/**
 * Type 3 (MS-NLMP 2.2.1.3) answering a type 2. `clientNonce`: 8 bytes. `now` is used where the server names no time.
 * `channelBindings`: what the proof is bound to (3.1.5.1.2); absent where the client knows nothing of it.
 */
export function composeType3(given: {
  challenge: Extract<NtlmMessage, { kind: 'type2' }>;
  credentials: Credentials;
  clientNonce: Buffer;
  now: number;
  channelBindings?: Buffer;
}): Buffer {
  const { challenge, credentials, clientNonce, channelBindings } = given;
  const time = avValue(challenge.targetInfo, AV.timestamp) ?? fileTime(given.now);
  const targetInfo = channelBindings ? boundTo(channelBindings, challenge.targetInfo) : challenge.targetInfo;
  const blob = clientChallenge({ time, clientNonce, targetInfo });
  const ntAnswer = Buffer.concat([ntlmV2Proof(credentials, challenge.nonce, blob), blob]);
  const lmAnswer = Buffer.alloc(24); // MS-NLMP 3.1.5.1.2: zeros where the server's time is used
  const fields = [
    lmAnswer,
    ntAnswer,
    utf16(credentials.domain),
    utf16(credentials.user),
    utf16('OUTLOOK'),
    Buffer.alloc(0),
  ];
  const header = Buffer.alloc(HEADER.type3);
  begin(header, 3);
  let at = HEADER.type3;
  for (const [index, field] of fields.entries()) {
    pointTo(header, 12 + 8 * index, field.length, at);
    at += field.length;
  }
  header.writeUInt32LE((challenge.flags & CLIENT_FLAGS) >>> 0, 60);
  return Buffer.concat([header, ...fields]);
}

/** NTLMv2_CLIENT_CHALLENGE, MS-NLMP 2.2.2.7: what the proof covers besides the server's nonce. */
export function clientChallenge(given: { time: Buffer; clientNonce: Buffer; targetInfo: Buffer }): Buffer {
  const zeros = Buffer.alloc(4);
  return Buffer.concat([
    Buffer.from('0101000000000000', 'hex'),
    given.time,
    given.clientNonce,
    zeros,
    given.targetInfo,
    zeros,
  ]);
}

/** NTProofStr, MS-NLMP 3.3.2. */
export function ntlmV2Proof(credentials: Credentials, nonce: Buffer, blob: Buffer): Buffer {
  const key = hmacMd5(md4(utf16(credentials.password)), utf16(credentials.user.toUpperCase() + credentials.domain));
  return hmacMd5(key, Buffer.concat([nonce, blob]));
}

/** Whether a type 3 proves that its sender knows the password and has seen this very nonce. */
export function answersNonce(
  message: Extract<NtlmMessage, { kind: 'type3' }>,
  password: string,
  nonce: Buffer,
): boolean {
  const { user, domain, proof, blob } = message;
  return timingSafeEqual(ntlmV2Proof({ user, domain, password }, nonce, blob), proof);
}

/** What a type 3 is bound to, 16 bytes; undefined where its client names nothing. */
export function boundChannel({ blob }: Extract<NtlmMessage, { kind: 'type3' }>): Buffer | undefined {
  return avValue(blob.subarray(BEFORE_PAIRS), AV.channelBindings);
}

/** The server's pairs with the client's own before the one that ends them. */
function boundTo(channelBindings: Buffer, targetInfo: Buffer): Buffer {
  const end = avPair(AV.end, Buffer.alloc(0));
  const pairs = targetInfo.subarray(0, targetInfo.length - end.length);
  return Buffer.concat([pairs, avPair(AV.channelBindings, channelBindings), end]);
}

function bad(message: string): NtlmMessage {
  return { kind: 'bad', message };
}

function begin(header: Buffer, type: number): void {
  SIGNATURE.copy(header);
  header.writeUInt32LE(type, 8);
}

/** The bytes a length, room and offset field names; undefined where they lie outside the message. */
function fieldAt(message: Buffer, at: number): Buffer | undefined {
  const [length, start] = [message.readUInt16LE(at), message.readUInt32LE(at + 4)];
  return start + length <= message.length ? message.subarray(start, start + length) : undefined;
}

function pointTo(header: Buffer, at: number, length: number, start: number): void {
  header.writeUInt16LE(length, at);
  header.writeUInt16LE(length, at + 2);
  header.writeUInt32LE(start, at + 4);
}

function avPair(id: number, value: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(id, 0);
  head.writeUInt16LE(value.length, 2);
  return Buffer.concat([head, value]);
}

function avValue(pairs: Buffer, wanted: number): Buffer | undefined {
  for (let at = 0; at + 4 <= pairs.length; ) {
    const [id, length] = [pairs.readUInt16LE(at), pairs.readUInt16LE(at + 2)];
    if (id === wanted) return pairs.subarray(at + 4, at + 4 + length);
    if (id === AV.end) return undefined;
    at += 4 + length;
  }
  return undefined;
}

/** FILETIME (MS-DTYP 2.3.3): tenths of a microsecond since 1601, little-endian. */
function fileTime(milliseconds: number): Buffer {
  const time = Buffer.alloc(8);
  time.writeBigUInt64LE((BigInt(milliseconds) + 11_644_473_600_000n) * 10_000n);
  return time;
}

function utf16(text: string): Buffer {
  return Buffer.from(text, 'utf16le');
}

function hmacMd5(key: Buffer, data: Buffer): Buffer {
  return createHmac('md5', key).update(data).digest();
}
