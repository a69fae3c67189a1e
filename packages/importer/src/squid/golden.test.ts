// One walker over all cases: what an import writes, what its report says, and where requests go, held against what a real
// Squid did. UPDATE_GOLDEN=1 rewrites rules and reports; verdicts are observations and are never rewritten.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  addressTest,
  type CompiledRules,
  clientOf,
  compileRules,
  connectionLimits,
  denialAnswer,
  dumpRules,
  fallbackDecisions,
  type Listener,
  parseLocalTime,
  type RuleSet,
  requestFacts,
  route,
  type Upstream,
} from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { reportText } from '../index.ts';
import { expectFile, FIXTURES, filesOfCase, importCase } from '../testing/goldencase.ts';
import { ledgerErrors } from '../testing/ledgercount.ts';
import { expectLoadsAgain } from '../testing/soundimport.ts';

const cases = ['contoso', ...readdirSync(join(FIXTURES, 'squid')).map((name) => `squid/${name}`)];

describe.each(cases)('%s', (name) => {
  const folder = join(FIXTURES, name);
  const translation = importCase(folder);
  const text = translation.rules === undefined ? undefined : dumpRules(translation.rules);

  it('writes the rules', () => {
    expectFile(join(folder, 'outrigger.yaml'), text ?? '# no rules\n');
  });

  it('reports', () => {
    expectFile(join(folder, 'report.txt'), reportText(translation));
  });

  itIf(existsSync(join(folder, 'verdicts.tsv')), 'decides as Squid did', () => {
    const rules = translation.rules === undefined ? undefined : compileRules(translation.rules);
    const rows = readVerdicts(join(folder, 'verdicts.tsv'));
    const differing = rows
      .map((row) => ({ ...row, ours: verdictOf(rules, row) }))
      .filter(({ verdict, ours, options }) => !(options.has('narrower') ? isNarrower(ours) : includes(ours, verdict)))
      .filter(({ options }) => !options.has('announced'));
    expect(differing.map(({ request, verdict, ours }) => [...request, verdict, ours])).toEqual([]);
  });

  itIf(existsSync(join(folder, 'refused.txt')), 'finds fault with the line at which Squid refuses to start', () => {
    const words = linesOf(join(folder, 'refused.txt'));
    const faults = translation.ledger.filter(({ remarks }) =>
      remarks.some(({ severity, message }) => severity === 'error' || /do(?:es)? not start/.test(message)),
    );
    expect(faults).not.toHaveLength(0);
    // Squid counts the rest of a line that was too long as a line of its own.
    if (faults.some(({ remarks }) => remarks.some(({ code }) => code === 'SQUID_LINE_TOO_LONG'))) return;
    const named = words.flatMap((line) => /(\S+?)(?: line |\()(\d+)\b/.exec(line)?.slice(1) ?? []);
    if (named.length > 0) expect(faults.map(({ at }) => [at.file, String(at.line)])).toContainEqual(named.slice(-2));
  });

  it('accounts for every directive once', () => {
    expect(ledgerErrors(translation, filesOfCase(folder))).toEqual([]);
  });

  itIf(translation.rules !== undefined, 'names the line each rule came from', () => {
    const rules = translation.rules as RuleSet;
    for (const item of [...rules.listen, ...rules.upstreams.values(), ...rules.access, ...rules.routes]) {
      expect(item.from?.length).toBeGreaterThan(0);
    }
  });

  itIf(text !== undefined, 'writes rules that load as what was written', () => {
    expect(text).not.toMatch(/[&*]a\d/);
    expectLoadsAgain(translation.rules as RuleSet, text ?? '');
  });
});

/** A case without rules or verdicts has nothing to ask here, which is not the same as a test that was skipped. */
function itIf(applies: boolean, name: string, test: () => void): void {
  if (applies) it(name, test);
}

type Row = {
  request: string[];
  method: string;
  target: string;
  host: string;
  verdict: string;
  options: Map<string, string>;
};

/**
 * Columns: method, target, Host or (none), verdict, then `listener=`, `client=`, `proxy=` (the client in a PROXY header), `tls=` (the one version offered), `time=` (`mon 09:30`), `down=` (peers
 * that cannot be reached) or a field as `Name: value`; `narrower` where the rules let the request through nowhere, as the report
 * says; `announced` where it goes another way, as the report says. A verdict `a+b`: requests were spread over these peers;
 * `open=60`: the client has so many connections open besides; `a=150 b=50` (`spread=200`): so many of as many clients each;
 * `a=2 none=1` (`at-once=3`): so many of as many requests at once.
 */
function readVerdicts(path: string): Row[] {
  return linesOf(path).map((line) => {
    const [method = '', target = '', host = '', verdict = '', ...rest] = line.split('\t');
    const options = new Map(rest.map((option) => option.split(/=|: /, 2) as [string, string]));
    return { request: [method, target, host, ...rest], method, target, host, verdict, options };
  });
}

function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/**
 * Name of the peer, `denied`, `reset`, `refused` where no connection comes about, or `none` where nobody takes the request; `a+b`
 * where the client decides which of these. Announced refusals name the peer.
 */
function verdictOf(rules: CompiledRules | undefined, { method, target, host, options }: Row): string {
  if (rules === undefined) return 'none';
  const wanted = options.get('listener');
  const listener = rules.ruleSet.listen.find(
    ({ address, name }) => wanted === undefined || wanted === address || wanted === name,
  );
  if (listener === undefined) return 'no listener';
  const [offered, { minVersion = '1.2', maxVersion = '1.3' } = {}] = [options.get('tls'), listener.tls];
  if (offered !== undefined && (offered < minVersion || offered > maxVersion)) return 'refused';
  if (listener.tls?.clientCertificates?.mode === 'require') return 'refused';
  const fields = [...options].filter(([name]) => /^[A-Z]/.test(name));
  const head =
    host === '(none)'
      ? { method, target, version: '1.0' as const, fields }
      : { method, target, version: '1.1' as const, fields: [['Host', host] as [string, string], ...fields] };
  const address = addressSeen(listener, options);
  if (address === undefined) return 'ended';
  const client = clientOf(head.fields, address, rules.trusts);
  if (client.kind === 'bad') return 'bad request';
  const time = parseLocalTime(options.get('time') ?? 'wed 12:00');
  if (time === undefined) return 'no time';
  const connections = 1 + Number(options.get('open') ?? 0);
  const connectsFrom = address;
  const result = requestFacts(head, { listener, client: client.address, connectsFrom, connections, time });
  if (result.kind === 'bad') return 'bad request';
  const decision = route(rules, result.facts);
  if (decision.access === 'deny') {
    const answer = denialAnswer(decision.answer, result.facts);
    if (answer.kind === 'reset') return 'reset';
    return answer.kind === 'redirect' || answer.status === 403 ? 'denied' : String(answer.status);
  }
  const standingIn = fallbackDecisions(rules, result.facts).filter(
    ({ access, refusal }) => access === 'allow' && !refusal,
  );
  const names = [decision, ...standingIn].flatMap(({ upstream }) => upstream ?? []);
  const atOnce = options.get('at-once');
  if (atOnce !== undefined) return filled(rules.ruleSet, names, Number(atOnce));
  const reached = names.map((upstream) =>
    serverOf(rules.ruleSet, upstream, options.get('down'), options.has('spread')),
  );
  return reached.find((server) => server !== 'none') ?? 'none';
}

/** Whom the rules take for the client of a connection: who connects, or whom the PROXY header names (`proxy=`); undefined where it is closed. */
function addressSeen(
  { proxyProtocol = [], proxyProtocolOnly }: Listener,
  options: ReadonlyMap<string, string>,
): string | undefined {
  const address = options.get('client') ?? '127.0.0.1';
  if (addressTest(proxyProtocol)(address)) return options.get('proxy');
  return proxyProtocolOnly || options.has('proxy') ? undefined : address;
}

/** Shares of a spread that may differ: Squid's own hashes come no nearer to its weights with 300 clients. */
const SPREAD_TOLERANCE = 0.1;

function includes(ours: string, verdict: string): boolean {
  if (verdict.includes('=')) return areAlike(sharesIn(ours), sharesIn(verdict));
  return verdict.split('+').every((name) => ours.split('+').includes(name));
}

/** Peers that so many requests at once go to, each to the first that has room. */
function filled({ upstreams }: RuleSet, names: readonly string[], requests: number): string {
  const counts: string[] = [];
  let left = requests;
  for (const upstream of names.flatMap((name) => upstreams.get(name) ?? [])) {
    const limits = connectionLimits(upstream);
    for (const [index, peer] of peersOf(upstream).entries()) {
      const count = Math.min(left, limits[index] ?? left);
      left -= count;
      if (count > 0) counts.push(`${peer}=${count}`);
    }
  }
  return [...counts, ...(left > 0 ? [`none=${left}`] : [])].sort().join(' ');
}

/** The peers that an upstream came from. */
function peersOf({ from = [] }: Upstream): string[] {
  return from.map(({ directive }) => /.*\sname=(\S+)/.exec(directive)?.[1] ?? directive.split(' ')[1] ?? '');
}

/** `a=150 b=50` as shares of one. */
function sharesIn(text: string): Map<string, number> {
  const counts = text.split(' ').map((each) => each.split('=') as [string, string]);
  const sum = counts.reduce((total, [, count]) => total + Number(count), 0);
  return new Map(counts.map(([name, count]) => [name, Number(count) / sum]));
}

function areAlike(ours: ReadonlyMap<string, number>, theirs: ReadonlyMap<string, number>): boolean {
  const names = new Set([...ours.keys(), ...theirs.keys()]);
  return [...names].every((name) => Math.abs((ours.get(name) ?? 0) - (theirs.get(name) ?? 0)) < SPREAD_TOLERANCE);
}

function isNarrower(ours: string): boolean {
  return ['none', 'denied', 'no listener'].includes(ours);
}

/** The peers whose server may take the request, by the cache_peer lines that the upstream came from; their weights for a spread. */
function serverOf({ upstreams }: RuleSet, name: string, down = '', isSpread = false): string {
  const upstream = upstreams.get(name);
  if (upstream === undefined) return 'none';
  const { affinity = 'none', weights = [] } = upstream;
  const up = peersOf(upstream)
    .map((peer, index) => [peer, weights[index] ?? 1] as const)
    .filter(([peer]) => !down.split(',').includes(peer));
  const taking = affinity === 'none' ? up.slice(0, 1) : up;
  return taking.map(([peer, weight]) => (isSpread ? `${peer}=${weight}` : peer)).join(isSpread ? ' ' : '+') || 'none';
}
