// Room: what tests of the edge stand on: an edge on a free port, servers that do as a test says, and one end for all of them.

import { formatDiagnostic, loadRules, type RuleSet } from '@outrigger/rules';
import { type Accepted, accept, type ServerTls } from '@outrigger/tools/acceptor';
import { splitHead, takeHead } from '@outrigger/tools/message';
import { connect, type Wire, type WireOptions } from '@outrigger/tools/wire';
import { expect } from 'vitest';
import type { LogRecord, NoticeRecord, RequestRecord } from '../accesslog.ts';
import { type Edge, type EdgeOptions, startEdge } from '../edge.ts';
import type { ReadFile } from '../pem.ts';

/** Milliseconds a test waits for what should come at once, on a machine that is busy with other tests. */
export const PATIENCE = 5_000;

export type Proxy = {
  edge: Edge;
  port: number;
  records: readonly LogRecord[];
  /** A client of this proxy. */
  wire(options?: Partial<WireOptions>): Promise<Wire>;
  /** The record of a request whose path begins so, once it is there. */
  request(target: string): Promise<RequestRecord>;
  notice(code: string): Promise<NoticeRecord>;
};

export type Stage = {
  /** A server on loopback; each connection is given to `serve`. */
  server(serve: (connection: Accepted) => unknown, tls?: ServerTls): Promise<number>;
  /** An edge with these rules; `now` in its place where a test turns the clock. */
  proxy(
    rules: RuleSet | string,
    readFile?: (path: string) => Buffer,
    now?: () => number,
    logAccess?: EdgeOptions['logAccess'],
  ): Promise<Proxy>;
  /** Something to close at the end. */
  keep<Thing extends { close(): Promise<unknown> }>(thing: Thing): Thing;
  close(): Promise<void>;
};

export function openStage(): Stage {
  const closers: (() => Promise<unknown>)[] = [];
  const keep = <Thing extends { close(): Promise<unknown> }>(thing: Thing): Thing => {
    closers.push(() => thing.close());
    return thing;
  };
  return {
    keep,
    async server(serve, tls) {
      const acceptor = keep(await accept({ ...(tls && { tls }) }, (connection) => void serve(connection)));
      return acceptor.port;
    },
    async proxy(given, readFile, now, logAccess) {
      const records: LogRecord[] = [];
      const rules = typeof given === 'string' ? rulesOf(given) : given;
      const report = (record: LogRecord): void => void records.push(record);
      const options = { ...(readFile && { readFile }), ...(now && { now }), ...(logAccess && { logAccess }) };
      const started = await startEdge({ rules, report, ...options });
      if (started.kind === 'failed') throw new Error(started.problems.map(({ message }) => message).join('\n'));
      const { edge } = started;
      keep(edge);
      const port = edge.addresses[0]?.port ?? 0;
      const found = async <Kind extends LogRecord>(is: (record: LogRecord) => boolean): Promise<Kind> => {
        await expect.poll(() => records.some(is), { timeout: PATIENCE, interval: 5 }).toBe(true);
        return records.find(is) as Kind;
      };
      return {
        edge,
        port,
        records,
        wire: async (options) => keep(await connect({ host: '127.0.0.1', port, ...options })),
        request: (target) => found((record) => record.kind === 'request' && record.target.startsWith(target)),
        notice: (code) => found((record) => record.kind === 'notice' && record.code === code),
      };
    },
    async close() {
      for (const close of closers.splice(0).reverse()) await close();
    },
  };
}

/** Reads these files, by name, and finds no other. */
export function readerOf(files: ReadonlyMap<string, string>): ReadFile {
  return (path) => {
    const text = files.get(path);
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return Buffer.from(text);
  };
}

/** Rules from their text; a finding is the test's mistake. */
export function rulesOf(text: string): RuleSet {
  const { rules, diagnostics } = loadRules(text, 'test.yaml');
  if (rules === undefined) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
  return rules;
}

/** One listener, plain unless told otherwise, and everything to one server. `settings` are further keys of the upstream, `listener` of the listener. */
export function simpleRules(port: number, settings = '', listener = ''): string {
  return `
listen: [{ address: '127.0.0.1:0'${listener && `, ${listener}`} }]
upstreams:
  one: { servers: ['http://127.0.0.1:${port}'], rpcOverHttp: true ${settings && `, ${settings}`} }
access: [{ allow: {} }]
routes: [{ to: one }]
`;
}

/** The next request head a server gets, as text with its own fields left in; throws where none comes. */
export async function nextHead({ inlet }: Pick<Accepted, 'inlet'>): Promise<string> {
  const taken = await takeHead(inlet, PATIENCE);
  if (taken.kind !== 'bytes') throw new Error(`no head: ${taken.kind} after ${taken.bytes.toString('latin1')}`);
  return taken.bytes.toString('latin1');
}

/** The path a head asks for. */
export function pathOf(head: string): string {
  return splitHead(Buffer.from(head, 'latin1'))?.firstLine.split(' ')[1] ?? '';
}

/** Answers every request without a body on a connection until it ends: 200 with the path and a number of the connection. */
export function echoing(name: string, seen: string[] = []): (connection: Accepted) => Promise<void> {
  let count = 0;
  return async (connection) => {
    count += 1;
    const number = count;
    for (;;) {
      const taken = await takeHead(connection.inlet, PATIENCE);
      if (taken.kind !== 'bytes') break;
      const path = pathOf(taken.bytes.toString('latin1'));
      seen.push(path);
      await connection.send(answer(`${name} ${number} ${path}`));
    }
    connection.finish();
  };
}

/** A 200 with this body. */
export function answer(body: string, ...fields: string[]): Buffer {
  const head = ['HTTP/1.1 200 OK', `Content-Length: ${Buffer.byteLength(body)}`, ...fields, '', ''].join('\r\n');
  return Buffer.from(head + body, 'latin1');
}

/** A promise and its resolver, as Promise.withResolvers of newer Nodes gives them. */
export function later<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => {};
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Holds its one answer, `finished`, until `go`, and the end of its side until the client's: what is under way at an end. */
export function heldAnswer() {
  const [begun, go] = [later<void>(), later<void>()];
  const serve = async (connection: Accepted): Promise<void> => {
    await nextHead(connection);
    begun.resolve();
    await go.promise;
    await connection.send(answer('finished'));
    await connection.inlet.whenOver();
    connection.finish();
  };
  return { begun: begun.promise, go: go.resolve, serve };
}

/** Answers the first request of each connection with the number of the connection, and breaks off under the second. */
export function breakingUnderSecond() {
  let connections = 0;
  const serve = async (connection: Accepted): Promise<void> => {
    connections += 1;
    await nextHead(connection);
    await connection.send(answer(`${connections}`));
    await nextHead(connection).catch(() => '');
    connection.reset();
  };
  return { connections: () => connections, serve };
}
