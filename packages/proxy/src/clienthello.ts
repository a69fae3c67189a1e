// Room: the name a TLS client asks for (SNI, RFC 6066 3), read off its ClientHello (RFC 8446 4.1.2, 5.1) before anybody answers. Pure.
import { canonicalHost } from '@outrigger/rules';

/**
 * `hello`: the name in lower case without a trailing dot, empty where none is asked for · `other`: no ClientHello, or one that is not read
 * here; whoever ends TLS has the last word on it.
 */
export type ClientHelloResult = { kind: 'more' } | { kind: 'hello'; serverName: string } | { kind: 'other' };

/** Bytes of a ClientHello. With post-quantum keys it takes two KiB, and a session ticket may add some more. */
const HELLO = 32 * 1024;

const HANDSHAKE_RECORD = 22;
const MAJOR_VERSION = 3;
const CLIENT_HELLO = 1;
const RECORD_HEADER = 5;
const RECORD = 16 * 1024;
const MESSAGE_HEADER = 4;
const SERVER_NAME = 0;
const HOST_NAME = 0;

/** A name as DNS writes it; anything else is nobody's host here. */
const NAME = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?$/;

/** Reads all bytes a connection has brought so far. The message may come in any number of records. */
export function readClientHello(bytes: Buffer): ClientHelloResult {
  const message = handshakeBytes(bytes);
  if (message === undefined || (message.length > 0 && message[0] !== CLIENT_HELLO)) return { kind: 'other' };
  if (message.length < MESSAGE_HEADER) return { kind: 'more' };
  const end = MESSAGE_HEADER + message.readUIntBE(1, 3);
  if (end > HELLO) return { kind: 'other' };
  if (message.length < end) return { kind: 'more' };
  const name = serverNameOf(message.subarray(MESSAGE_HEADER, end));
  return name === undefined ? { kind: 'other' } : { kind: 'hello', serverName: name };
}

/** What the records hold so far, at most HELLO bytes and one record of it; undefined where they are no handshake of TLS. */
function handshakeBytes(bytes: Buffer): Buffer | undefined {
  const fragments: Buffer[] = [];
  let have = 0;
  for (let at = 0; at < bytes.length && have < HELLO; ) {
    if (bytes[at] !== HANDSHAKE_RECORD || (bytes[at + 1] ?? MAJOR_VERSION) !== MAJOR_VERSION) {
      // Behind a whole message anything may stand; it is not looked at.
      return have >= MESSAGE_HEADER ? Buffer.concat(fragments) : undefined;
    }
    if (bytes.length < at + RECORD_HEADER) break;
    const length = bytes.readUInt16BE(at + 3);
    // RFC 8446 5.1: no empty fragments of a handshake.
    if (length === 0 || length > RECORD) return undefined;
    at += RECORD_HEADER;
    const fragment = bytes.subarray(at, at + length);
    fragments.push(fragment);
    have += fragment.length;
    at += length;
  }
  return Buffer.concat(fragments);
}

/** The name in a ClientHello's body, empty where it has none; undefined where its lengths do not add up or it can be read in two ways. */
function serverNameOf(body: Buffer): string | undefined {
  const hello = reader(body);
  hello.skip(2 + 32); // version, random
  hello.vector(1); // session
  hello.vector(2); // ciphers
  hello.vector(1); // compression
  if (hello.sound && hello.left === 0) return ''; // RFC 5246 7.4.1.2: no extensions at all
  const extensions = reader(hello.vector(2));
  if (!hello.sound || hello.left > 0) return undefined;
  let name: string | undefined;
  while (extensions.left > 0) {
    const type = extensions.number(2);
    const data = extensions.vector(2);
    if (!extensions.sound) return undefined;
    if (type !== SERVER_NAME) continue;
    if (name !== undefined) return undefined;
    name = hostNameOf(data);
    if (name === undefined) return undefined;
  }
  return name ?? '';
}

/** One host_name, as every client sends it. */
function hostNameOf(extension: Buffer): string | undefined {
  const outer = reader(extension);
  const list = reader(outer.vector(2));
  const type = list.number(1);
  const name = list.vector(2).toString('latin1');
  const isOne = outer.sound && outer.left === 0 && list.sound && list.left === 0 && type === HOST_NAME;
  return isOne && NAME.test(name) ? canonicalHost(name) : undefined;
}

/** Walks numbers and length-prefixed vectors (RFC 8446 3.4); `sound` is false for ever once something went over the end. */
function reader(bytes: Buffer) {
  let at = 0;
  let sound = true;
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) sound = false;
    const piece = bytes.subarray(at, at + length);
    at = Math.min(at + length, bytes.length);
    return piece;
  };
  const number = (size: number): number => {
    const digits = take(size);
    return digits.length === size ? digits.readUIntBE(0, size) : 0;
  };
  return {
    skip: (length: number): void => void take(length),
    number,
    vector: (size: number): Buffer => take(number(size)),
    get sound() {
      return sound;
    },
    get left() {
      return bytes.length - at;
    },
  };
}
