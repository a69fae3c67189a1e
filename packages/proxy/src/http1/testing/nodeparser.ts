// Room: what node's own parser makes of a head, without sockets: an http.Server that never listens, fed through a Duplex.
import { createServer, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';

/** Node's verdict: what it read, the code of its refusal, or that it waits for more. */
export type NodeVerdict =
  | { kind: 'head'; method: string; target: string; fields: string[] }
  | { kind: 'bad'; code: string }
  | { kind: 'more' };

/** Asks node's parser, as strict as it can be set and with our limit of a head; Host is not its question. */
export function askNode(bytes: Buffer, maxHeaderSize: number): Promise<NodeVerdict> {
  return new Promise((resolve) => {
    const server = createServer({ insecureHTTPParser: false, requireHostHeader: false, maxHeaderSize });
    const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    const settle = (verdict: NodeVerdict): void => {
      socket.destroy();
      server.close();
      resolve(verdict);
    };
    const onHead = (request: IncomingMessage): void =>
      settle({ kind: 'head', method: request.method ?? '', target: request.url ?? '', fields: request.rawHeaders });
    for (const event of ['request', 'checkContinue', 'checkExpectation', 'upgrade', 'connect'])
      server.on(event, onHead);
    server.on('clientError', (error: NodeJS.ErrnoException) =>
      settle(
        error.code === 'HPE_INVALID_EOF_STATE' ? { kind: 'more' } : { kind: 'bad', code: error.code ?? String(error) },
      ),
    );
    // Only skipped line ends and then the end: node closes without a word.
    socket.on('close', () => settle({ kind: 'more' }));
    server.emit('connection', socket);
    socket.push(bytes);
    socket.push(null);
  });
}
