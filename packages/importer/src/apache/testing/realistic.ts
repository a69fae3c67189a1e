// Room: realistic Apache trees for tests: the files, what a person who knows Apache expects of them, and what the installed Apache
// was recorded to say.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compilePassThrough, compileRules, listenerName, type RuleSet, requestFacts, route } from '@outrigger/rules';
import { importApache, memoryReader, type Translation } from '../../index.ts';
import { FIXTURES, filesOfCase } from '../../testing/goldencase.ts';

export const REALISTIC = join(FIXTURES, 'realistic/apache');
/** What `apache2 -t` said of each tree. */
export const SYNTAX_RECORD = join(FIXTURES, 'realistic/apache-2.4.71.tsv');

export const TREES: readonly string[] = readdirSync(REALISTIC);

/** Names given with -D, one a line. */
const DEFINES = 'defines.txt';
/** Files of a tree's folder that are no part of the tree. */
const BESIDE = new Set(['expected.tsv', 'verdicts.tsv', 'secrets.txt', DEFINES]);
/** Who asks where a row does not say: nobody's own network. */
const STRANGER = '198.51.100.9';

/**
 * `moves`: a rule sends it to `server`. `added`: so does one that the report says no line of Apache's does. `stays`: Apache gets it.
 * `denied`: a rule refuses it. `may`: any of these that is as Apache does.
 */
export type ExpectedRow = {
  fate: 'moves' | 'added' | 'stays' | 'denied' | 'may';
  method: string;
  host: string;
  target: string;
  server?: string;
  client: string;
  /** Address of the listener; any where absent. */
  listener?: string;
};

export type RealisticTree = {
  name: string;
  files: Record<string, string>;
  defines: string[];
  secrets: string[];
  /** Exit code of `outrigger import`; undefined where it may be any. */
  exit?: number;
  rows: ExpectedRow[];
  /** What Apache did with each row, in the order of `rows`; empty where it was not asked. */
  verdicts: string[];
};

export function realisticTree(name: string): RealisticTree {
  const folder = join(REALISTIC, name);
  const all = filesOfCase(folder);
  const cells = linesOf(folder, 'expected.tsv').map((line) => line.split('\t'));
  const exit = cells.find(([fate]) => fate === 'exit')?.[1];
  return {
    name,
    files: Object.fromEntries(Object.entries(all).filter(([path]) => !BESIDE.has(path))),
    defines: linesOf(folder, DEFINES),
    secrets: linesOf(folder, 'secrets.txt'),
    ...(exit !== undefined && exit !== '*' && { exit: Number(exit) }),
    rows: cells.filter(([fate]) => fate !== 'exit').map(rowOf),
    verdicts: linesOf(folder, 'verdicts.tsv').map((line) => line.split('\t').at(-1) ?? ''),
  };
}

function linesOf(folder: string, name: string): string[] {
  const path = join(folder, name);
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** FATE HOST [METHOD ]TARGET [SERVER] [CLIENT] [LISTENER]; the last three in any order, told apart by their form. */
function rowOf([fate = '', host = '', request = '', ...more]: string[]): ExpectedRow {
  const [first = '', second] = request.split(' ');
  const server = more.find((cell) => cell.includes('://'));
  const listener = more.find((cell) => /^(?:\*|[\d.]+|\[.*\]):\d+$/.test(cell));
  const client = more.find((cell) => cell !== server && cell !== listener);
  return {
    fate: fate as ExpectedRow['fate'],
    host,
    method: second === undefined ? 'GET' : first,
    target: second ?? first,
    client: client ?? STRANGER,
    ...(server !== undefined && { server }),
    ...(listener !== undefined && { listener }),
  };
}

export function importRealistic({ files, defines }: RealisticTree): Translation {
  return importApache({ path: '', reader: memoryReader(files), names: defines });
}

export function rowText({ method, host, target, client, listener = '' }: ExpectedRow): string {
  return [method, target, host, client, listener].join('\t');
}

/** What the rules do with a row: `denied`, `stays`, or the servers of an upstream. `serverName`: in TLS, empty for none; the Host where absent. */
export function fateIn(rules: RuleSet, row: ExpectedRow, serverName = row.host.replace(/:\d+$/, '')): string {
  const { method, target, host, client } = row;
  const listener = rules.listen.find(({ address }) => row.listener === undefined || address === row.listener);
  if (listener === undefined) return `no listener ${row.listener}`;
  if (compilePassThrough(listener)?.(serverName)?.to.startsWith('apache')) return 'stays';
  const read = requestFacts(
    { method, target, version: '1.1', fields: [['Host', host]] },
    { listener, client, time: { day: 'wed', minute: 720 } },
  );
  if (read.kind === 'bad') return `bad: ${read.code} at ${listenerName(listener)}`;
  const { access, upstream = '', answer, refusal } = route(compileRules(rules), read.facts);
  if (access === 'deny' && answer === 'misdirected') return 'status 421';
  if (access === 'deny')
    return typeof answer === 'object' && 'redirect' in answer ? `answered ${answer.redirect}` : 'denied';
  if (refusal !== undefined) return `refused ${refusal.status}`;
  return upstream.startsWith('apache') ? 'stays' : (rules.upstreams.get(upstream)?.servers.join(' ') ?? 'nowhere');
}

/** Whether a rule that takes a request from Apache does as Apache did. */
export function isAsApache(fate: string, verdict: string): boolean {
  if (fate === 'stays' || fate === verdict) return true;
  if (fate === 'denied') return verdict === 'denied';
  const [what, server = '', location = ''] = verdict.split(' ');
  if (what === 'proxied') return fate.split(' ').includes(server);
  return what === 'redirect' && fate === `answered ${location}`;
}
