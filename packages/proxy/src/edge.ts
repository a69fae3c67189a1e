// Room: the edge as a whole: every listener of the rules, opened together or not at all, new rules in place of the old ones while
// it serves, and one end for all.
import { readFileSync } from 'node:fs';
import type { CompiledRules, RuleSet } from '@outrigger/rules';
import type { LogRecord } from './accesslog.ts';
import { type ClientLimits, createClients } from './clients.ts';
import { createGeneration, type Generation, type PreparedListener } from './generation.ts';
import { watchHealth } from './health.ts';
import { type OpenListener, openListener, placeOf } from './listener.ts';
import type { AccessEntry } from './logline.ts';
import type { PemReader, ReadFile } from './pem.ts';
import type { StartProblem } from './start.ts';
import type { TellFailover } from './upstream.ts';
import { createWaiting } from './waiting.ts';

export type EdgeOptions = {
  rules: RuleSet;
  report: (record: LogRecord) => void;
  /** Told of every request while the rules that judged it have access logs. */
  logAccess?: (entry: AccessEntry) => void;
  /** Default: the file system. */
  readFile?: ReadFile;
  /** Milliseconds since 1970; default: the clock. */
  now?: () => number;
};

/** `failed`: all that was found wrong before anything was served; nothing is left open. */
export type StartResult = { kind: 'started'; edge: Edge } | { kind: 'failed'; problems: StartProblem[] };

/** Names of the listeners that came and went · `failed`: nothing has changed · `closed`: the edge was ended meanwhile. */
export type ReloadResult =
  | { kind: 'reloaded'; opened: string[]; closed: string[] }
  | { kind: 'failed'; problems: StartProblem[] }
  | { kind: 'closed' };

export type Edge = {
  /** Where each listener is bound now; `listener` is its name, or its address where unnamed. */
  readonly addresses: { listener: string; host: string; port: number }[];
  /** A file of the rules as it was read for what is served now: a certificate that has changed since is not what clients see. */
  readFile: ReadFile;
  /** Client connections open now, handshakes included, and those of listeners that are gone. */
  connections(): number;
  /**
   * Serves by these rules from now on, files read again; all of them, or nothing where anything is wrong. A listener whose address
   * is still in the rules goes on accepting; of one that is not, what is under way may finish within `graceMs` milliseconds
   * (default 0). Connections stay; each of their next heads is judged by the new rules. One reload at a time.
   */
  reload(rules: RuleSet, graceMs?: number): Promise<ReloadResult>;
  /**
   * Stops accepting, lets what is under way finish within `graceMs` milliseconds (default 0), then ends the rest. A channel is
   * told nothing: its connections just end. Resolves when every socket and timer is gone.
   */
  close(graceMs?: number): Promise<void>;
};

/** Checks files, binds every listener, and serves; or says all that keeps it from that, with nothing left open. */
export async function startEdge(options: EdgeOptions): Promise<StartResult> {
  const { report, logAccess, readFile = readFileSync, now = Date.now } = options;
  const tell: TellFailover = (finding) => report({ kind: 'notice', at: now(), ...finding });
  const warn: PemReader['warn'] = (finding) => report({ kind: 'notice', at: now(), severity: 'warning', ...finding });
  const prepare = (rules: RuleSet, before?: Generation) =>
    createGeneration(rules, { readFile, now: now(), warn }, now, tell, before);

  const first = prepare(options.rules);
  if (first.kind === 'bad') return { kind: 'failed', problems: first.problems };
  let { generation } = first;
  const clients = createClients(clientLimits(generation.rules), report, now);
  const waiting = createWaiting(generation.rules.ruleSet.limits, report, now);
  const open = (wanted: readonly PreparedListener[], next: Generation) =>
    openAll(wanted, (prepared) => openListener(prepared, next, { clients, waiting, report, logAccess, now }));
  const opened = await open(generation.listeners, generation);
  if (opened.kind === 'bad') return { kind: 'failed', problems: opened.problems };
  let { listeners } = opened;
  /** Those that left the rules and have connections still. */
  const leaving = new Set<OpenListener>();
  const health = watchHealth(report, now);
  health.watch(options.rules, generation.diallers);
  let closed = false;

  async function reload(rules: RuleSet, graceMs = 0): Promise<ReloadResult> {
    const prepared = prepare(rules, generation);
    if (prepared.kind === 'bad') return { kind: 'failed', problems: prepared.problems };
    const next = prepared.generation;
    const { kept, fresh, gone } = compare(listeners, next.listeners);
    const added = await open(fresh, next);
    if (added.kind === 'bad') return { kind: 'failed', problems: added.problems };
    if (closed) {
      await Promise.all(added.listeners.map((listener) => listener.close(0)));
      return { kind: 'closed' };
    }
    // From here to the end nothing waits: no connection meets old rules at one listener and new ones at another.
    for (const [listener, wanted] of kept) listener.adopt(wanted, next);
    clients.heed(clientLimits(next.rules));
    waiting.heed(rules.limits);
    health.watch(rules, next.diallers);
    for (const listener of gone) {
      leaving.add(listener);
      void listener.close(graceMs).finally(() => leaving.delete(listener));
    }
    generation = next;
    listeners = [...kept.keys(), ...added.listeners];
    return { kind: 'reloaded', opened: added.listeners.map(nameOf), closed: gone.map(nameOf) };
  }

  const edge: Edge = {
    get addresses() {
      return listeners.map(({ address }) => address);
    },
    readFile: (path) => generation.readFile(path),
    connections: () => [...listeners, ...leaving].reduce((sum, listener) => sum + listener.connections(), 0),
    reload,
    async close(graceMs = 0) {
      closed = true;
      health.close();
      await Promise.all([...listeners, ...leaving].map((listener) => listener.close(graceMs)));
    },
  };
  return { kind: 'started', edge };
}

function clientLimits({ ruleSet, trusts }: CompiledRules): ClientLimits {
  return { ...ruleSet.limits, isProxy: trusts };
}

function nameOf({ address }: OpenListener): string {
  return address.listener;
}

/** Opens all, or none and says why. */
async function openAll(
  wanted: readonly PreparedListener[],
  open: (prepared: PreparedListener) => ReturnType<typeof openListener>,
): Promise<{ kind: 'open'; listeners: OpenListener[] } | { kind: 'bad'; problems: StartProblem[] }> {
  const listeners: OpenListener[] = [];
  const problems: StartProblem[] = [];
  for (const prepared of wanted) {
    const result = await open(prepared);
    if (result.kind === 'open') listeners.push(result);
    else problems.push(result.problem);
  }
  if (problems.length === 0) return { kind: 'open', listeners };
  await Promise.all(listeners.map((listener) => listener.close(0)));
  return { kind: 'bad', problems };
}

/** Which open listeners the rules still name, which have to be opened, and which are in the rules no more. */
function compare(
  listeners: readonly OpenListener[],
  wanted: readonly PreparedListener[],
): { kept: Map<OpenListener, PreparedListener>; fresh: PreparedListener[]; gone: OpenListener[] } {
  const kept = new Map<OpenListener, PreparedListener>();
  const fresh: PreparedListener[] = [];
  for (const prepared of wanted) {
    const place = placeOf(prepared.listener);
    const same = listeners.find((listener) => listener.place === place && !kept.has(listener));
    if (same === undefined) fresh.push(prepared);
    else kept.set(same, prepared);
  }
  return { kept, fresh, gone: listeners.filter((listener) => !kept.has(listener)) };
}
