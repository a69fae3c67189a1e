// Room: a server of WebSockets for live tests (RFC 6455): it takes the handshake and gives one short text message back.
import { createHash } from 'node:crypto';
import { type Accepted, type Acceptor, accept } from '@outrigger/tools/acceptor';
import { field, splitHead, takeHead } from '@outrigger/tools/message';

/** RFC 6455 1.3. */
const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** Milliseconds a browser may take for its next bytes. */
const PATIENCE = 20_000;

export function startEchoSocket(): Promise<Acceptor> {
  return accept({}, (connection) => void serve(connection));
}

async function serve({ inlet, send, finish }: Accepted): Promise<void> {
  const taken = await takeHead(inlet, PATIENCE);
  const key = field(splitHead(taken.bytes)?.fields ?? [], 'sec-websocket-key') ?? '';
  const accepted = createHash('sha1')
    .update(key + MAGIC)
    .digest('base64');
  const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket';
  await send(
    Buffer.from(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}\r\nSec-WebSocket-Accept: ${accepted}\r\n\r\n`),
  );
  // A masked text frame below 126 bytes (5.2): two bytes, four of mask, the text.
  const head = await inlet.exactly(6, PATIENCE);
  if (head.kind !== 'bytes') return;
  const mask = Buffer.from(head.bytes.subarray(2));
  const length = (head.bytes[1] ?? 0) & 0x7f;
  const text = await inlet.exactly(length, PATIENCE);
  const plain = Buffer.from(text.bytes).map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  await send(Buffer.concat([Buffer.from([0x81, length]), plain]));
  await inlet.whenOver();
  finish();
}
