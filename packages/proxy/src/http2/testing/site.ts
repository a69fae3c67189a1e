// Room: the stage of HTTP/2 tests: an edge whose names are websites, with one that may see RPC, and node's own client of HTTP/2.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from 'node:http2';
import { startApache } from '@outrigger/tools/apache/index';
import { createAuthority, type Leaf } from '@outrigger/tools/certs';
import { nextHead, type Proxy as RunningProxy, type Stage } from '../../testing/stage.ts';

let leaf: Promise<Leaf> | undefined;
let other: Promise<Leaf> | undefined;

/** `www.test`, `b.test` and `mail.test` share a certificate, `alone.test` has its own; `/rpc` of `mail.test` leads to Exchange. */
export async function site(
  stage: Stage,
  port: number,
  options: {
    tls?: string;
    web?: string;
    access?: string;
    more?: string;
    files?: Readonly<Record<string, string>>;
  } = {},
): Promise<RunningProxy> {
  leaf ??= createAuthority().then((authority) => authority.issue({ names: ['www.test', 'b.test', 'mail.test'] }));
  other ??= createAuthority().then((authority) => authority.issue({ names: ['alone.test'] }));
  const files: Record<string, string> = {
    ...options.files,
    'a.crt': (await leaf).certPem,
    'a.key': (await leaf).keyPem,
    'b.crt': (await other).certPem,
    'b.key': (await other).keyPem,
  };
  const rules = `
listen:
  - address: 127.0.0.1:0
    tls: { certificates: [{ cert: a.crt, key: a.key }, { cert: b.crt, key: b.key }]${options.tls ?? ''} }
upstreams:
  web: { servers: ['http://127.0.0.1:${port}']${options.web ?? ''} }
  exchange: { servers: ['http://127.0.0.1:${port}'], rpcOverHttp: true }
access:
${options.access ?? ''}  - deny: { path: { prefix: /denied } }
  - deny: { path: { prefix: /reset } }
    answer: reset
  - allow: {}
routes:
  - when: { hosts: mail.test, path: { prefix: /rpc } }
    to: exchange
  - when: { path: { prefix: /mapped } }
    to: web
    rewrite: { path: { from: /mapped, to: /plain } }
  - to: web
${options.more ?? ''}`;
  return stage.proxy(rules, (path) => Buffer.from(files[path] ?? ''));
}

export type Answer = {
  status: number;
  headers: Record<string, unknown>;
  body: string;
  trailers: Record<string, unknown>;
  interim: number[];
};

export type Browser = {
  session: ClientHttp2Session;
  request(headers: OutgoingHttpHeaders, options?: { endStream?: boolean }): ClientHttp2Stream;
  /** The whole answer to a request; rejects with node's error where its stream breaks. */
  fetch(headers: OutgoingHttpHeaders | string, body?: string): Promise<Answer>;
};

/** A client of HTTP/2 that asked for `name` in the handshake. */
export async function browse(stage: Stage, proxy: RunningProxy, name = 'www.test'): Promise<Browser> {
  const session = connect(`https://${name}:${proxy.port}`, {
    host: '127.0.0.1',
    servername: name,
    rejectUnauthorized: false,
  });
  session.on('error', () => {});
  stage.keep({
    close: async () => session.destroy(),
  });
  const authority = name;
  return {
    session,
    request: (headers, options) => session.request({ ':authority': authority, ...headers }, options),
    fetch(given, body) {
      const headers = typeof given === 'string' ? { ':path': given } : given;
      const stream = session.request({ ':authority': authority, ...headers }, { endStream: body === undefined });
      if (body !== undefined) stream.end(body);
      return answerOf(stream);
    },
  };
}

/** Reads a stream to its end. */
export function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const answer: Answer = { status: 0, headers: {}, body: '', trailers: {}, interim: [] };
    stream.setEncoding('latin1');
    stream.on('headers', (headers) => answer.interim.push(Number(headers[':status'])));
    stream.on('response', (headers) => Object.assign(answer, { headers, status: headers[':status'] }));
    stream.on('data', (text: string) => {
      answer.body += text;
    });
    stream.on('trailers', (trailers) => Object.assign(answer, { trailers }));
    stream.on('error', reject);
    stream.on('close', () => {
      // A connection that ends takes its streams along, some of them without a code.
      if (stream.rstCode === 0 && answer.status !== 0) resolve(answer);
      else reject(new Error(`the stream ended with ${stream.rstCode} and status ${answer.status}`));
    });
  });
}

/** The stand-in web server and a client of HTTP/2 in front of it. */
export async function website(stage: Stage) {
  const apache = stage.keep(await startApache());
  const proxy = await site(stage, apache.port);
  return { apache, proxy, browser: await browse(stage, proxy) };
}

/** A server that answers each request with `bytes` and keeps the connection. */
export async function serving(stage: Stage, bytes: string | ((head: string) => string)) {
  const heads: string[] = [];
  const port = await stage.server(async (connection) => {
    for (;;) {
      const head = await nextHead(connection).catch(() => '');
      if (head === '') return;
      heads.push(head);
      await connection.send(Buffer.from(typeof bytes === 'string' ? bytes : bytes(head), 'latin1'));
    }
  });
  const proxy = await site(stage, port);
  return { proxy, heads, browser: await browse(stage, proxy) };
}
