// Room: the PROXY protocol (haproxy.org, proxy-protocol.txt, revision of 2020): the header a load balancer puts before a connection, so
// that the server behind sees the client. Read and written here, as bytes; no I/O. The libraries there are throw on input and
// want the whole header at once.
import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import { parseAddress, plainAddress } from '@outrigger/rules';

/** One end of a TCP connection. */
export type Party = { address: string; port: number };

/** Who connected, and to where. */
export type Ends = { source: Party; destination: Party };

export type ProxyVersion = 'v1' | 'v2';

/**
 * `header`: `ends` are absent where the header names none (LOCAL, UNKNOWN, UNSPEC, UNIX): the connection speaks for itself; `rest` is
 * what stands behind it · `none`: these bytes begin no header · `bad`: they do, and it is broken.
 */
export type ProxyHeaderResult =
  | { kind: 'more' }
  | { kind: 'header'; ends?: Ends; rest: Buffer }
  | { kind: 'none' }
  | { kind: 'bad'; message: string };

/** Section 2.1: the longest line there is, CRLF included. */
const V1_LINE = 107;

/** Bytes behind the fixed part of a v2 header: addresses take 216 at most; the rest are fields with a client's certificate in them. HAProxy's own buffer. */
const V2_LENGTH = 16 * 1024;

const V1_START = Buffer.from('PROXY ', 'latin1');
const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V2_FIXED = 16;

/** Section 2.2: the fourth and third byte from the end of the fixed part. */
const V2_LOCAL = 0x20;
const V2_PROXY = 0x21;
const V2_TCP4 = 0x11;
const V2_TCP6 = 0x21;

/** Reads the header at the start of all bytes a connection has brought so far. */
export function readProxyHeader(bytes: Buffer): ProxyHeaderResult {
  if (begins(bytes, V1_START)) return readV1(bytes);
  if (begins(bytes, V2_SIGNATURE)) return readV2(bytes);
  return { kind: 'none' };
}

/** True as far as there are bytes. */
function begins(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.subarray(0, length).equals(start.subarray(0, length));
}

function readV1(bytes: Buffer): ProxyHeaderResult {
  const end = bytes.subarray(0, V1_LINE).indexOf('\r\n');
  if (end === -1) return bytes.length < V1_LINE ? { kind: 'more' } : bad('its line does not end within 107 bytes');
  const rest = bytes.subarray(end + 2);
  const [, family, source, destination, ...extra] = bytes.toString('latin1', 0, end).split(' ');
  // "The receiver must ignore anything presented before the CRLF."
  if (family === 'UNKNOWN') return { kind: 'header', rest };
  const isAddress = { TCP4: isIPv4, TCP6: isIPv6 }[family ?? ''];
  const ports = extra.map(portOf);
  const [sourcePort, destinationPort] = ports;
  const isSound = (text: string | undefined): text is string =>
    text !== undefined && isAddress?.(text) === true && !text.includes('%');
  if (isAddress === undefined) return bad('its protocol is none of TCP4, TCP6 and UNKNOWN');
  if (!isSound(source) || !isSound(destination)) return bad('it holds what is no address of its family');
  if (ports.length !== 2 || sourcePort === undefined || destinationPort === undefined) {
    return bad('it does not end in two ports');
  }
  return { kind: 'header', ends: endsOf(source, sourcePort, destination, destinationPort), rest };
}

/** Section 2.1: decimal, no leading zeros. */
function portOf(text: string): number | undefined {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}

function readV2(bytes: Buffer): ProxyHeaderResult {
  if (bytes.length < V2_FIXED) return { kind: 'more' };
  const [command = 0, family = 0] = bytes.subarray(V2_SIGNATURE.length);
  const length = bytes.readUInt16BE(V2_FIXED - 2);
  if (command !== V2_LOCAL && command !== V2_PROXY) return bad('its version and command are not known');
  if (length > V2_LENGTH) return bad(`it announces ${length} bytes, more than any proxy sends`);
  if (bytes.length < V2_FIXED + length) return { kind: 'more' };
  const block = bytes.subarray(V2_FIXED, V2_FIXED + length);
  const rest = bytes.subarray(V2_FIXED + length);
  const size = family === V2_TCP4 ? 4 : family === V2_TCP6 ? 16 : undefined;
  // UNSPEC, UNIX and datagrams: "the receiver should ignore the address part"; LOCAL: "must use the real connection endpoints".
  if (command === V2_LOCAL || size === undefined) return { kind: 'header', rest };
  if (length < 2 * size + 4) return bad('it is too short for its addresses');
  const source = textOf(block.subarray(0, size));
  const destination = textOf(block.subarray(size, 2 * size));
  const ports = block.subarray(2 * size);
  return { kind: 'header', ends: endsOf(source, ports.readUInt16BE(0), destination, ports.readUInt16BE(2)), rest };
}

function endsOf(source: string, sourcePort: number, destination: string, destinationPort: number): Ends {
  return {
    source: { address: plainAddress(source), port: sourcePort },
    destination: { address: plainAddress(destination), port: destinationPort },
  };
}

function textOf(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join('.');
  const address = bytes.toString('hex').match(/.{4}/g)?.join(':') ?? '';
  return new SocketAddress({ address, family: 'ipv6' }).address;
}

/**
 * The header to send ahead of a connection. Ends of two families go as IPv6, the IPv4 one mapped. Without ends it is a
 * connection of our own, such as a health check: UNKNOWN in version 1, LOCAL in version 2 (proxy-protocol.txt 2.1, 2.2).
 */
export function proxyHeaderBytes(version: ProxyVersion, ends: Ends | undefined): Buffer {
  if (ends === undefined) return version === 'v1' ? Buffer.from('PROXY UNKNOWN\r\n', 'latin1') : localHeader();
  const { source, destination } = ends;
  const isV4 = isIPv4(source.address) && isIPv4(destination.address);
  if (version === 'v1') {
    const written = ({ address }: Party): string =>
      isV4 || !isIPv4(address) ? address.replace(/%.*$/, '') : `::ffff:${address}`;
    const family = isV4 ? 'TCP4' : 'TCP6';
    const line = `PROXY ${family} ${written(source)} ${written(destination)} ${source.port} ${destination.port}\r\n`;
    return Buffer.from(line, 'latin1');
  }
  const size = isV4 ? 4 : 16;
  const header = Buffer.alloc(V2_FIXED + 2 * size + 4);
  V2_SIGNATURE.copy(header);
  header.writeUInt8(V2_PROXY, V2_FIXED - 4);
  header.writeUInt8(isV4 ? V2_TCP4 : V2_TCP6, V2_FIXED - 3);
  header.writeUInt16BE(2 * size + 4, V2_FIXED - 2);
  bytesOf(source.address, size).copy(header, V2_FIXED);
  bytesOf(destination.address, size).copy(header, V2_FIXED + size);
  header.writeUInt16BE(source.port, V2_FIXED + 2 * size);
  header.writeUInt16BE(destination.port, V2_FIXED + 2 * size + 2);
  return header;
}

/** Version 2, command LOCAL, no family, no addresses. */
function localHeader(): Buffer {
  const header = Buffer.alloc(V2_FIXED);
  V2_SIGNATURE.copy(header);
  header.writeUInt8(V2_LOCAL, V2_FIXED - 4);
  return header;
}

/** The last `size` bytes of an address in sixteen; IPv4 stands at their end. */
function bytesOf(address: string, size: number): Buffer {
  const number = parseAddress(address) ?? 0n;
  return Buffer.from(number.toString(16).padStart(32, '0'), 'hex').subarray(16 - size);
}

function bad(finding: string): ProxyHeaderResult {
  return { kind: 'bad', message: `the PROXY header is broken: ${finding}.` };
}
