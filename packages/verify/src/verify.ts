// Room: the experiment as a whole: an oracle and Outrigger side by side, the same probes to both, what differs.
import {
  type AnnouncedDifference,
  announcedDifferences,
  importSquid,
  type Model,
  type Reader,
  type Redactor,
  readSquid,
} from '@outrigger/importer';
import { type CompiledRules, compileRules, type RuleSet, requestFacts, route, type SourceRef } from '@outrigger/rules';
import { throwawayCertificate } from './certificate.ts';
import { type Compared, compareOutcomes, type Difference, type Knowledge, readingsOf } from './compare.ts';
import { type Pair, pairEntrances, standInName } from './mapped.ts';
import type { Oracle, OracleProblem, TakenOut } from './oracle.ts';
import { startOutrigger } from './outrigger.ts';
import type { Entrance, Fields, Outcome, Probe, Side } from './probe.ts';
import { probesFor } from './probes.ts';
import { copySquid } from './squid/copy.ts';
import { findSquid, startSquid, versionOf } from './squid/squid.ts';

/** Why nothing could be compared. Closed, with OracleProblem's; each has its line in the README. */
export type VerifyProblem =
  | OracleProblem
  | { code: 'NOTHING_TO_COMPARE' | 'RULES_NOT_SERVED'; message: string; said?: string };

export type Verified = {
  kind: 'verified';
  /** Number of probes put to both sides. */
  probes: number;
  /** Probes whose outcomes differ though nothing announced it. */
  differences: Difference[];
  /** Probes whose outcomes differ as announced. */
  announced: Difference[];
  /** Lines the copy did without. */
  takenOut: readonly TakenOut[];
  /** Entrances of the old config that no listener stands for. */
  unpaired: readonly Entrance[];
  /** The daemon, for a person: `Squid 5.7`. */
  oracle: string;
  /** Knows the secrets of the files: probes are made of what stands there, and no report shows those. */
  redactor: Redactor;
};

export type VerifyResult = Verified | { kind: 'failed'; problem: VerifyProblem };

export type VerifySquidOptions = {
  /** squid.conf files, read in order as one; `reader` finds them and what they include. */
  files: string[];
  reader: Reader;
  /** Default: what the import of these files writes. */
  rules?: RuleSet;
  /** Default: made of the config and the rules. */
  probes?: readonly Probe[];
  /** Of the probes made; default 1. */
  seed?: number;
  /** Probes made at most; default 1,000. */
  most?: number;
  /** The squid program; default: the installed one. */
  program?: string;
  /** Told after each probe. */
  progress?: (done: number, total: number) => void;
};

/** Probes made where nobody says: a minute on a slow machine, seconds on most. */
const PROBES = 1_000;

/** Holds rules against the installed Squid on a private copy of the config. Leaves nothing behind. Never throws on input. */
export async function verifySquid(options: VerifySquidOptions): Promise<VerifyResult> {
  const comparison = await openSquidComparison(options);
  if (comparison.kind === 'failed') return comparison;
  try {
    const { seed = 1, most = PROBES, progress } = options;
    const probes = options.probes ?? comparison.probes({ seed, most });
    return await comparison.put(probes, progress);
  } finally {
    await comparison.close();
  }
}

/** A Squid and an Outrigger that run side by side, to be asked as often as wanted: one start of each. */
export type Comparison = {
  kind: 'open';
  /** Probes made of config and rules. */
  probes(options: { seed: number; most: number }): Probe[];
  /** Puts probes to both sides, one after another. */
  put(probes: readonly Probe[], progress?: (done: number, total: number) => void): Promise<Verified>;
  close(): Promise<void>;
};

/** Starts both sides; the caller closes. */
export async function openSquidComparison(
  options: VerifySquidOptions,
): Promise<Comparison | { kind: 'failed'; problem: VerifyProblem }> {
  const { files, reader, program = findSquid() } = options;
  const squidVersion = program === undefined ? undefined : versionOf(program);
  const given = { files, reader, ...(squidVersion !== undefined && { squidVersion }) };
  const rules = options.rules ?? importSquid(given).rules;
  if (rules === undefined) {
    return failed('NOTHING_TO_COMPARE', 'The import of this file writes no rules: outrigger import says why.');
  }
  const { model, redactor } = readSquid(given);
  const copy = copySquid({ files, reader });
  const pairs = pairEntrances(copy.entrances, rules);
  if (pairs.length === 0) {
    return failed(
      'NOTHING_TO_COMPARE',
      'No listener of the rules stands for a port of the file, by name, address or port.',
    );
  }
  const pem = await throwawayCertificate();
  const started = await startSquid(copy, pem, program);
  if (started.kind === 'failed') {
    const { problem } = started;
    return {
      kind: 'failed',
      problem: { ...problem, ...(problem.said !== undefined && { said: redactor.text(problem.said) }) },
    };
  }
  const { oracle } = started;
  const ours = await startOutrigger(rules, pairs, pem);
  if (ours.kind === 'failed') {
    await oracle.stop();
    return failed('RULES_NOT_SERVED', `Outrigger does not start on these rules. ${ours.message}`);
  }
  return openComparison({ oracle, ours: ours.side, rules, pairs, model, redactor });
}

function failed(code: VerifyProblem['code'], message: string): { kind: 'failed'; problem: VerifyProblem } {
  return { kind: 'failed', problem: { code, message } };
}

type Running = {
  oracle: Oracle;
  ours: Side;
  rules: RuleSet;
  pairs: readonly Pair[];
  model: Model;
  redactor: Redactor;
};

function openComparison({ oracle, ours, rules, pairs, model, redactor }: Running): Comparison {
  const compiled = compileRules(rules);
  const knowledge: Knowledge = {
    servers: oracle.config.servers,
    standIns: new Map(
      [...rules.upstreams].flatMap(([upstream, { servers }]) =>
        servers.map((server) => [standInName(upstream, server), { upstream, server }] as const),
      ),
    ),
    upstreams: rules.upstreams,
    announced: announcedDifferences(compiled),
  };
  const entrances = pairs.map(({ entrance }) => entrance);
  /** The announced other reading of a request that explains the whole of a difference. */
  async function readOtherwise(
    probe: Probe,
    theirs: Outcome,
    { aspects }: Compared,
  ): Promise<AnnouncedDifference[] | undefined> {
    if (aspects.length === 0) return undefined;
    for (const reading of readingsOf(probe, knowledge.announced)) {
      const again = compareOutcomes(reading.probe, theirs, await ours.ask(reading.probe), knowledge);
      if (again.aspects.length === 0 || again.announced !== undefined)
        return [reading.because, ...(again.announced ?? [])];
    }
    return undefined;
  }
  return {
    kind: 'open',
    probes: ({ seed, most }) => probesFor({ rules, entrances, model, seed, most }),
    async put(probes, progress) {
      const found: Difference[] = [];
      for (const [index, probe] of probes.entries()) {
        const [theirs, mine] = await Promise.all([oracle.ask(probe), ours.ask(probe)]);
        const compared = compareOutcomes(probe, theirs, mine, knowledge);
        const { aspects, announced = await readOtherwise(probe, theirs, compared) } = compared;
        if (aspects.length > 0) {
          const lines = linesFor(probe, compiled, pairs);
          const peers = knowledge.servers.filter(({ name }) => theirs.reached.some(({ server }) => server === name));
          const old = [...new Set([...lines.old, ...peers.map(({ at }) => at)])];
          found.push({ probe, aspects, ...(announced && { announced }), rules: lines.rules, old });
        }
        progress?.(index + 1, probes.length);
      }
      return {
        kind: 'verified',
        probes: probes.length,
        differences: found.filter(({ announced }) => announced === undefined),
        announced: found.filter(({ announced }) => announced !== undefined),
        takenOut: oracle.config.takenOut,
        unpaired: oracle.config.entrances.filter((entrance) => !entrances.includes(entrance)),
        oracle: oracle.name,
        redactor,
      };
    },
    async close() {
      await Promise.all([oracle.stop(), ours.stop()]);
    },
  };
}

/** The access line and the route that decide over a probe, and the lines of the old config they came from. */
function linesFor(
  probe: Probe,
  rules: CompiledRules,
  pairs: readonly Pair[],
): { rules: SourceRef[]; old: SourceRef[] } {
  const listener = pairs.find(({ entrance }) => entrance.name === probe.entrance)?.listener;
  if (listener === undefined) return { rules: [], old: [] };
  const fields: Fields = probe.host === undefined ? probe.fields : [['Host', probe.host], ...probe.fields];
  const version = probe.host === undefined ? '1.0' : '1.1';
  const result = requestFacts({ ...probe, version, fields }, { listener, client: probe.client });
  if (result.kind !== 'facts') return { rules: [], old: [] };
  const { accessLine, route: chosen, access } = route(rules, result.facts);
  const deciding = [accessLine, access === 'deny' ? undefined : chosen].filter((rule) => rule !== undefined);
  return {
    rules: deciding.flatMap(({ at }) => at ?? []),
    old: deciding.flatMap(({ from }) => from ?? []),
  };
}
