// Room: Outrigger as a side of the comparison: the real proxy, in this process, on mapped rules with stand-in servers.
import type { Reader } from '@outrigger/importer';
import { type LogRecord, startEdge } from '@outrigger/proxy';
import { compilePassThrough, listenerName, type RuleSet } from '@outrigger/rules';
import { ask } from './ask.ts';
import { AUTHORITY, CERTIFICATE, mappedRules, type Pair, standInName } from './mapped.ts';
import type { Pem, ServerPem } from './oracle.ts';
import { type Self, startOrigins } from './origins.ts';
import { type Fields, type Probe, probeBytes, type Reached, type Side, serverNameOf } from './probe.ts';

export type OutriggerStart = { kind: 'ready'; side: Side } | { kind: 'failed'; message: string };

/** Local ports that a PROXY header names, one a probe: by them a record of the proxy is known to be a probe's. */
const FIRST_PORT = 1_024;
const PORTS = 60_000;

/** The daemon itself, where it stays behind Outrigger for some servers of the rules: where it is, and what came through it. */
export type Behind = {
  urlOf(standIn: string): string | undefined;
  take(): Reached[];
  /** How it is told who sends a probe that comes to it unread. */
  tells(probe: Probe): Fields;
};

const NOBODY: Behind = { urlOf: () => undefined, take: () => [], tells: () => [] };

/**
 * What stands behind the proxy: by default plain stand-ins alone. `serverPem`: servers of https are stand-ins that speak TLS with it.
 * `tellsOfItself`: they tell clients of themselves by the URL that the rules have. `reader`: where pages are read from.
 */
export type Servers = {
  behind?: Behind;
  serverPem?: ServerPem;
  tellsOfItself?: boolean;
  reader?: Pick<Reader, 'read'>;
};

/** Starts the proxy on the pairs' listeners. */
export async function startOutrigger(
  rules: RuleSet,
  pairs: readonly Pair[],
  pem: Pem,
  { behind = NOBODY, serverPem, tellsOfItself = false, reader }: Servers = {},
): Promise<OutriggerStart> {
  const servers = [...rules.upstreams].flatMap(([name, upstream]) =>
    upstream.servers.map((server) => standInName(name, server)),
  );
  const secured = new Set(servers.filter((name) => / https:/.test(name)));
  const origins = await startOrigins(
    servers,
    (name) => (secured.has(name) ? serverPem : undefined),
    tellsOfItself ? selfOf : undefined,
  );
  const codes = new Map<string, string>();
  const texts: Readonly<Record<string, string>> = {
    [CERTIFICATE.cert]: pem.cert,
    [CERTIFICATE.key]: pem.key,
    [AUTHORITY]: serverPem?.ca ?? '',
  };
  const started = await startEdge({
    rules: mappedRules(rules, pairs, origins.portOf, { urlOf: behind.urlOf, keepsTls: serverPem !== undefined }),
    report: (record) => note(record, codes),
    readFile: (path) => {
      const page = texts[path] === undefined ? reader?.read(path) : undefined;
      return page?.kind === 'file' ? Buffer.from(page.file.text, 'latin1') : Buffer.from(texts[path] ?? '');
    },
  });
  if (started.kind === 'failed') {
    await origins.close();
    return { kind: 'failed', message: started.problems.map(({ message }) => message).join('\n') };
  }
  const { edge } = started;
  let asked = 0;
  return {
    kind: 'ready',
    side: {
      name: 'Outrigger',
      async ask(probe) {
        const pair = pairs.find(({ entrance }) => entrance.name === probe.entrance);
        const name = pair && listenerName(pair.listener);
        const door = edge.addresses.find(({ listener }) => listener === name);
        if (pair === undefined || door === undefined) throw new Error(`no listener for a probe: ${probe.entrance}`);
        const clientPort = FIRST_PORT + (asked++ % PORTS);
        const preface = proxyHeader(probe, clientPort);
        const { tls } = pair.entrance;
        const serverName = tls ? serverNameOf(probe) : undefined;
        const isUnread = tls && compilePassThrough(pair.listener)?.(serverName?.toLowerCase() ?? '') !== undefined;
        const bytes = probeBytes(probe, isUnread ? behind.tells(probe) : []);
        const answer = await ask({ port: door.port, tls, preface, ...(serverName && { serverName }) }, bytes);
        // The record of a request is told when its exchange has ended, which is after the last byte of the answer.
        await new Promise((resolve) => setImmediate(resolve));
        const code = takeCode(codes, clientPort);
        return { ...answer, reached: [...origins.take(), ...behind.take()], ...(code !== undefined && { code }) };
      },
      async stop() {
        await edge.close();
        await origins.close();
      },
    },
  };
}

/** A server by its URL, the last word of what its stand-in is called, without the port that its scheme has anyway. */
function selfOf(standIn: string): Self | undefined {
  const written = standIn.split(' ').at(-1) ?? '';
  if (!/^https?:/.test(written)) return undefined;
  const { origin, hostname } = new URL(written);
  return { url: origin, host: hostname };
}

/** PROXY protocol, version 1: who the client is (proxy-protocol.txt 2.1). */
function proxyHeader({ client }: Probe, port: number): string {
  return client.includes(':')
    ? `PROXY TCP6 ${client} ::1 ${port} 443\r\n`
    : `PROXY TCP4 ${client} 127.0.0.1 ${port} 443\r\n`;
}

function note(record: LogRecord, codes: Map<string, string>): void {
  if (record.kind === 'passThrough' || record.code === undefined) return;
  // Where a trusted proxy names the client, the port is the proxy's.
  const connected = ('via' in record ? record.via : undefined) ?? record.client;
  if (connected !== undefined) codes.set(/\d+$/.exec(connected)?.[0] ?? '', record.code);
}

function takeCode(codes: Map<string, string>, port: number): string | undefined {
  const code = codes.get(String(port));
  codes.clear();
  return code;
}
