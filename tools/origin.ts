// Room: a server that takes any method for any path, answers at once and says who it is: what stands behind a proxy when
// the question is only which server a request reaches, and with which head.
import { accept, type ServerTls } from './acceptor.ts';
import { announcedFraming, composeHead, type Fields, readBody, splitHead, takeHead } from './message.ts';

/** `serverName`: the SNI, absent where none came. */
export type OriginRequest = {
  method: string;
  target: string;
  version: string;
  fields: Fields;
  bodyBytes: number;
  serverName?: string;
};

export type Origin = {
  readonly name: string;
  readonly port: number;
  /** Every request so far, in order. */
  readonly requests: readonly OriginRequest[];
  close(): Promise<void>;
};

/** Milliseconds for a head or a piece of a body: a proxy under test may keep a connection idle, and then it just ends. */
const PATIENCE = 10_000;

/**
 * Starts one, on any port of loopback unless told otherwise. Each answer is 200 with `X-Stand-In: name`, not to be cached, and ends its connection. A request may ask for more:
 * `X-Answer-Status: 503`, fields with `X-Answer-Field: Location: /x` (`X-Answer-Field-2` and so on for more, since Apache joins lines of one name), and milliseconds of silence first with `X-Answer-Wait: 1500`.
 */
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
      const { serverName } = connection.tls ?? {};
      requests.push({
        method,
        target,
        version,
        fields: head.fields,
        bodyBytes: body.bytes,
        ...(serverName !== undefined && { serverName }),
      });
      const wished = wishesOf(head.fields);
      await new Promise((resolve) => setTimeout(resolve, wished.wait));
      const content = method === 'HEAD' ? '' : `${name}\n`;
      const fields: Fields = [
        ['X-Stand-In', name],
        ...(wished.fields.some(([field]) => field.toLowerCase() === 'server') ? [] : [SERVER]),
        ['Content-Type', 'text/plain'],
        ['Content-Length', String(name.length + 1)],
        ['Cache-Control', 'no-store'],
        ...wished.fields,
        ['Connection', 'close'],
      ];
      await connection.send(
        Buffer.concat([composeHead(`HTTP/1.1 ${wished.status} Said`, fields), Buffer.from(content)]),
      );
      connection.finish();
    },
  );
  return { name, port: acceptor.port, requests, close: () => acceptor.close() };
}

const SERVER: Fields[number] = ['Server', 'stand-in'];

function wishesOf(fields: Fields): { status: string; wait: number; fields: Fields } {
  const all = (wanted: RegExp): string[] => fields.flatMap(([name, value]) => (wanted.test(name) ? [value] : []));
  const wished = all(/^x-answer-field/i).map((line): Fields[number] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return {
    status: all(/^x-answer-status$/i)[0] ?? '200',
    wait: Number(all(/^x-answer-wait$/i)[0] ?? 0),
    fields: wished,
  };
}
