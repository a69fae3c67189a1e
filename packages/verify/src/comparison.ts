// Room: two sides that run, asked the same: each probe to both at once, one probe after another, and what came of it compared.
import type { AskedRequest, Redactor } from '@outrigger/importer';
import {
  type CompiledRules,
  clientOf,
  localTimeOf,
  type RequestFacts,
  requestFacts,
  route,
  type SourceRef,
  type TrustedProxies,
} from '@outrigger/rules';
import {
  type Announcement,
  type Aspect,
  compareOutcomes,
  isAnnounced,
  type Knowledge,
  type Known,
  readingsOf,
  respellingsOf,
} from './compare.ts';
import { type Pair, standInName } from './mapped.ts';
import type { Oracle, TakenOut } from './oracle.ts';
import type { Entrance, Fields, Outcome, Probe, Side } from './probe.ts';
import { type OldWords, probesFor } from './probes.ts';
import type { Subjects } from './subjects.ts';

/** One probe whose outcomes differ. */
export type Difference = {
  probe: Probe;
  /** What differs; each that the import announced says so. */
  aspects: readonly Aspect[];
  /** Lines of the rules that decided, and of the old config behind them. */
  rules: readonly SourceRef[];
  old: readonly SourceRef[];
};

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

/** Told after each probe. */
export type TellProgress = (done: number, total: number) => void;

/** An oracle and an Outrigger that run side by side, to be asked as often as wanted: one start of each. */
export type Comparison = {
  kind: 'open';
  /** Probes made of config and rules. */
  probes(options: { seed: number; most: number }): Probe[];
  /** Puts probes to both sides, one after another; all of them, or as many as could be before `signal` broke it off. */
  put(probes: readonly Probe[], options?: { progress?: TellProgress; signal?: AbortSignal }): Promise<Verified>;
  close(): Promise<void>;
};

/** Both sides, and what is known of the rules that one of them obeys. */
export type Running = {
  oracle: Oracle;
  ours: Side;
  rules: CompiledRules;
  pairs: readonly Pair[];
  /** What the import announced; empty where nothing was. */
  known: readonly Known[];
  redactor: Redactor;
  /** Fields of answers are compared, too. */
  comparesAnswers?: boolean;
  /** What the old config says, to make probes of. */
  model?: OldWords;
  /** What else to make probes of. */
  subjects?: Partial<Subjects>;
  /** The line behind the route of a probe: its prefix, and the target in its spelling. */
  spelling?(probe: Probe): Pick<AskedRequest, 'written' | 'prefix'>;
};

/** A comparison of two sides that are running. */
export function compareSides({
  oracle,
  ours,
  rules,
  pairs,
  known,
  redactor,
  comparesAnswers = false,
  model,
  subjects,
  spelling,
}: Running): Comparison {
  const { ruleSet } = rules;
  const knowledge: Knowledge = {
    servers: oracle.config.servers,
    standIns: new Map(
      [...ruleSet.upstreams].flatMap(([name, { servers }]) =>
        servers.map((server) => [standInName(name, server), name] as const),
      ),
    ),
    upstreams: ruleSet.upstreams,
    known,
    comparesAnswers,
    asked: (probe) => {
      const cameTo = oracle.addressOf?.(probe.entrance);
      return {
        ...probe,
        ...(cameTo !== undefined && { cameTo }),
        hasSite: listenerOf(probe, pairs)?.defaultHost !== undefined,
        ...spelling?.(probe),
      };
    },
  };
  const entrances = pairs.map(({ entrance }) => entrance);

  /** The aspects, explained by the announced other reading of the request, where that is all there is to them. */
  async function readOtherwise(probe: Probe, theirs: Outcome, mine: Outcome, aspects: Aspect[]): Promise<Aspect[]> {
    const because = ({ because: announced }: { because: Announcement }): Aspect[] =>
      aspects.map((aspect) => ({ announced, ...aspect }));
    for (const reading of readingsOf(probe, knowledge)) {
      const again = compareOutcomes(reading.probe, theirs, await ours.ask(reading.probe), knowledge);
      if (isAnnounced(again)) return because(reading);
    }
    for (const spelling of respellingsOf(probe, theirs, knowledge)) {
      const again = compareOutcomes(probe, await oracle.ask(spelling.probe), mine, knowledge);
      if (isAnnounced(again)) return because(spelling);
    }
    return aspects;
  }

  async function difference(probe: Probe): Promise<Difference | undefined> {
    const [theirs, mine] = await Promise.all([oracle.ask(probe), ours.ask(probe)]);
    const found = compareOutcomes(probe, theirs, mine, knowledge);
    if (found.length === 0) return undefined;
    const aspects = isAnnounced(found) ? found : await readOtherwise(probe, theirs, mine, found);
    const deciding = decidingRules(probe, rules, pairs);
    const reached = knowledge.servers.filter(({ name }) => theirs.reached.some(({ server }) => server === name));
    const old = [...deciding.flatMap(({ from }) => from ?? []), ...reached.map(({ at }) => at)];
    return {
      probe,
      aspects,
      rules: deciding.flatMap(({ at }) => at ?? []),
      old: [...new Map(old.map((at) => [`${at.file}:${at.line}`, at])).values()],
    };
  }

  return {
    kind: 'open',
    probes: ({ seed, most }) =>
      probesFor({
        rules: ruleSet,
        entrances,
        seed,
        most,
        ...(model !== undefined && { model }),
        ...(subjects !== undefined && { more: subjects }),
      }),
    async put(probes, { progress, signal } = {}) {
      const found: Difference[] = [];
      let done = 0;
      for (const probe of probes) {
        if (signal?.aborted) break;
        const differs = await difference(probe);
        if (differs !== undefined) found.push(differs);
        done += 1;
        progress?.(done, probes.length);
      }
      return {
        kind: 'verified',
        probes: done,
        differences: found.filter(({ aspects }) => !isAnnounced(aspects)),
        announced: found.filter(({ aspects }) => isAnnounced(aspects)),
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

function listenerOf({ entrance }: Probe, pairs: readonly Pair[]): Pair['listener'] | undefined {
  return pairs.find((pair) => pair.entrance.name === entrance)?.listener;
}

/** A probe as rules see it; undefined where no rule does. */
export function factsOf(probe: Probe, pairs: readonly Pair[], trusts: TrustedProxies): RequestFacts | undefined {
  const listener = listenerOf(probe, pairs);
  if (listener === undefined) return undefined;
  const fields: Fields = probe.host === undefined ? probe.fields : [['Host', probe.host], ...probe.fields];
  const version = probe.host === undefined ? '1.0' : '1.1';
  const client = clientOf(fields, probe.client, trusts);
  if (client.kind === 'bad') return undefined;
  const result = requestFacts(
    { ...probe, version, fields },
    { listener, client: client.address, connectsFrom: probe.client, time: localTimeOf(new Date()) },
  );
  return result.kind === 'facts' ? result.facts : undefined;
}

/** The access line and the route that decide over a probe. */
function decidingRules(probe: Probe, rules: CompiledRules, pairs: readonly Pair[]) {
  const facts = factsOf(probe, pairs, rules.trusts);
  if (facts === undefined) return [];
  const { accessLine, route: chosen, access } = route(rules, facts);
  return [accessLine, access === 'deny' ? undefined : chosen].filter((rule) => rule !== undefined);
}
