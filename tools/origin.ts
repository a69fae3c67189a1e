// Room: a server that takes any method for any path, answers at once and says who it is: what stands behind a proxy when
// the question is only which server a request reaches, and with which head.
import { accept, type ServerTls } from './acceptor.ts';
import { announcedFraming, composeHead, type Fields, readBody, splitHead, takeHead } from './message.ts';

export type OriginRequest = { method: string; target: string; version: string; fields: Fields; bodyBytes: number };

export type Origin = {
  readonly name: string;
  readonly port: number;
  /** Every request so far, in order. */
  readonly requests: readonly OriginRequest[];
  close(): Promise<void>;
};

/** Milliseconds for a head or a piece of a body: a proxy under test may keep a connection idle, and then it just ends. */
const PATIENCE = 10_000;

/** Starts one, on any port of loopback unless told otherwise. Each answer is 200 with `X-Stand-In: name`, not to be cached, and ends its connection. */
export async function startOrigin(options: {
  name: string;
  tls?: ServerTls;
  host?: string;
  port?: number;
}): Promise<Origin> {
  const { name, tls, host, port } = options;
  const requests: OriginRequest[] = [];
  const acceptor = await accept(
    { ...(tls && { tls }), ...(host !== undefined && { host }), ...(port !== undefined && { port }) },
    async (connection) => {
      const taken = await takeHead(connection.inlet, PATIENCE);
      const head = taken.kind === 'bytes' ? splitHead(taken.bytes) : undefined;
      if (head === undefined) return connection.close();
      const [method = '', target = '', version = ''] = head.firstLine.split(' ');
      const framing = announcedFraming(head.fields) ?? { kind: 'none' };
      const body = await readBody(connection.inlet, framing, PATIENCE, () => {});
      requests.push({ method, target, version, fields: head.fields, bodyBytes: body.bytes });
      const content = method === 'HEAD' ? '' : `${name}\n`;
      const fields: Fields = [
        ['X-Stand-In', name],
        ['Server', 'stand-in'],
        ['Content-Type', 'text/plain'],
        ['Content-Length', String(name.length + 1)],
        ['Cache-Control', 'no-store'],
        ['Connection', 'close'],
      ];
      await connection.send(Buffer.concat([composeHead('HTTP/1.1 200 OK', fields), Buffer.from(content)]));
      connection.finish();
    },
  );
  return { name, port: acceptor.port, requests, close: () => acceptor.close() };
}
