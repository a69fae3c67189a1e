// Room: the edge as a whole: what must be true before anything is served, every listener of the rules, and one end for all.
import { readFileSync } from 'node:fs';
import { compileRules, type Listener, listenerName, type RuleSet } from '@outrigger/rules';
import type { LogRecord } from './accesslog.ts';
import { listenerTls } from './certificates.ts';
import { createClients } from './clients.ts';
import type { Runtime } from './connection.ts';
import { type HealthWatch, watchHealth } from './health.ts';
import { type OpenListener, openListener, type PreparedListener } from './listener.ts';
import type { PemReader, ReadFile } from './pem.ts';
import type { StartProblem } from './start.ts';
import { createDiallers, createTcpDiallers, type TellFailover } from './upstream.ts';
import { createRewriteLane } from './web.ts';

export type EdgeOptions = {
  rules: RuleSet;
  report: (record: LogRecord) => void;
  /** Default: the file system. */
  readFile?: ReadFile;
  /** Milliseconds since 1970; default: the clock. */
  now?: () => number;
};

/** `failed`: all that was found wrong before anything was served; nothing is left open. */
export type StartResult = { kind: 'started'; edge: Edge } | { kind: 'failed'; problems: StartProblem[] };

export type Edge = {
  /** Where each listener is bound; `listener` is its name, or its address where unnamed. */
  addresses: { listener: string; host: string; port: number }[];
  /** Client connections open now, handshakes included. */
  connections(): number;
  /**
   * Stops accepting, lets what is under way finish within `graceMs` milliseconds (default 0), then ends the rest. A channel is
   * told nothing: its connections just end. Resolves when every socket and timer is gone.
   */
  close(graceMs?: number): Promise<void>;
};

/** Checks files, binds every listener, and serves; or says all that keeps it from that, with nothing left open. */
export async function startEdge(options: EdgeOptions): Promise<StartResult> {
  const { rules, report, readFile = readFileSync, now = Date.now } = options;
  const reader: PemReader = {
    readFile,
    now: now(),
    warn: (finding) => report({ kind: 'notice', at: now(), severity: 'warning', ...finding }),
  };
  const tell: TellFailover = (finding) => report({ kind: 'notice', at: now(), ...finding });
  const dialling = createDiallers(rules, reader, now, tell);
  const { prepared, problems } = prepareListeners(rules.listen, reader);
  if (dialling.kind === 'bad') return { kind: 'failed', problems: [...problems, ...dialling.problems] };
  if (problems.length > 0) return { kind: 'failed', problems };

  const { diallers } = dialling;
  const rewriteLane = createRewriteLane(rules, diallers);
  const compiled = compileRules(rules);
  const clients = createClients(rules.limits, compiled.trusts, report, now);
  const tcpDiallers = createTcpDiallers(rules, now, tell);
  const runtime: Runtime = { rules: compiled, diallers, tcpDiallers, rewriteLane, clients, report, now };
  const listeners: OpenListener[] = [];
  let health: HealthWatch | undefined;
  const close = async (graceMs = 0): Promise<void> => {
    health?.close();
    await Promise.all(listeners.map((listener) => listener.close(graceMs)));
  };
  for (const listener of prepared) {
    const opened = await openListener(listener, runtime);
    if (opened.kind === 'open') listeners.push(opened);
    else problems.push(opened.problem);
  }
  if (problems.length > 0) {
    await close();
    return { kind: 'failed', problems };
  }
  health = watchHealth(rules, diallers, report, now);
  const edge: Edge = {
    addresses: listeners.map(({ address }) => address),
    connections: () => listeners.reduce((sum, listener) => sum + listener.connections(), 0),
    close,
  };
  return { kind: 'started', edge };
}

function prepareListeners(
  listeners: readonly Listener[],
  reader: PemReader,
): { prepared: PreparedListener[]; problems: StartProblem[] } {
  const prepared: PreparedListener[] = [];
  const problems: StartProblem[] = [];
  for (const listener of listeners) {
    const loaded = listener.tls === undefined ? undefined : listenerTls(listener.tls, listenerName(listener), reader);
    if (loaded === undefined) prepared.push({ listener });
    else if (loaded.kind === 'tls') prepared.push({ listener, tls: loaded.tls });
    else problems.push(...loaded.problems);
  }
  return { prepared, problems };
}
