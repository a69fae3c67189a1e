// Room: `verify` for an Apache configuration: the installed Apache on a private copy, alone as it was before, and a second one behind
// Outrigger on the rules; what the servers got and what the client was told must be the same.
import {
  type ApacheModel,
  type ApacheOptions,
  everyNode,
  importApache,
  readApache,
  takenPrefix,
  writtenTargets,
} from '@outrigger/importer';
import { compileRules, type RuleSet, route } from '@outrigger/rules';
import { apacheAnnouncements } from '../announcements.ts';
import { throwawayCertificate } from '../certificate.ts';
import { type Comparison, compareSides, factsOf, type Verified } from '../comparison.ts';
import { pairEntrances, standInName } from '../mapped.ts';
import type { OracleProblem } from '../oracle.ts';
import { startOutrigger } from '../outrigger.ts';
import type { Probe } from '../probe.ts';
import type { Subjects } from '../subjects.ts';
import { failed, notStarted, type VerifyFailure, type VerifyOptions, verifyWith } from '../verify.ts';
import { startApache, underItsName } from './apache.ts';
import { CLIENT_FIELD, copyApache } from './copy.ts';

export type VerifyApacheOptions = VerifyOptions & Omit<ApacheOptions, 'place'>;

/** Holds rules against the installed Apache on a private copy. Leaves nothing behind. Never throws on input. */
export function verifyApache(options: VerifyApacheOptions): Promise<Verified | VerifyFailure> {
  return verifyWith(options, openApacheComparison);
}

/** Starts all sides; the caller closes. */
export async function openApacheComparison(options: VerifyApacheOptions): Promise<Comparison | VerifyFailure> {
  const model = readApache(options);
  const { rules: imported, ledger } = importApache(options);
  const ruleSet = options.rules ?? imported;
  if (model === undefined || imported === undefined || ruleSet === undefined)
    return failed('NOTHING_TO_COMPARE', 'The import of this configuration writes no rules: outrigger import says why.');
  const copy = copyApache(model, imported);
  const pairs = pairEntrances(copy.entrances, ruleSet);
  if (pairs.length === 0) {
    const message = 'No listener of the rules stands for an address of the configuration, by name, address or port.';
    return failed('NOTHING_TO_COMPARE', message);
  }
  const pem = await throwawayCertificate();
  const [alone, behind] = await Promise.all([
    startApache(copy, pem, options.program),
    startApache(copy, pem, options.program),
  ]);
  const stop = async (): Promise<void> => {
    await Promise.all([alone, behind].map((each) => (each.kind === 'ready' ? each.oracle.stop() : undefined)));
  };
  if (alone.kind === 'failed' || behind.kind === 'failed') {
    await stop();
    const { problem } = alone.kind === 'failed' ? alone : (behind as { problem: OracleProblem });
    return notStarted(problem, model.redactor);
  }
  const places = apachePlaces(imported, ruleSet);
  const ours = await startOutrigger(ruleSet, pairs, pem, {
    behind: {
      urlOf: (standIn) => {
        const entrance = copy.entrances[places.get(standIn) ?? -1];
        return entrance && behind.oracle.urlOf(entrance);
      },
      take: behind.oracle.take,
      tells: ({ client }) => [[CLIENT_FIELD, client]],
    },
    tellsOfItself: true,
  });
  if (ours.kind === 'failed') {
    await stop();
    return failed('RULES_NOT_SERVED', `Outrigger does not start on these rules. ${ours.message}`);
  }
  const { side } = ours;
  const rules = compileRules(ruleSet);
  const facts = (probe: Probe) => factsOf(probe, pairs, rules.trusts);
  return compareSides({
    oracle: alone.oracle,
    ours: {
      ...side,
      ask: async (probe) => {
        const outcome = await side.ask(probe);
        const reached = outcome.reached.map(underItsName);
        // What Apache behind it says of itself comes through.
        return outcome.kind === 'answered'
          ? { ...outcome, reached, fields: behind.oracle.fieldsInWordsOfFile(outcome.fields ?? []) }
          : { ...outcome, reached };
      },
      stop: async () => {
        await Promise.all([side.stop(), behind.oracle.stop()]);
      },
    },
    rules,
    pairs,
    comparesAnswers: true,
    known: apacheAnnouncements({ rules, ledger, config: copy, factsOf: facts }),
    spelling: (probe) => {
      const seen = facts(probe);
      const chosen = seen && route(rules, seen).route;
      if (chosen === undefined) return {};
      const spellings = writtenTargets(probe, chosen, ruleSet.routes);
      const prefix = takenPrefix(probe, chosen);
      const goesAlong = (target: string): boolean => {
        const other = facts({ ...probe, target });
        return other !== undefined && route(rules, other).upstream === chosen.to;
      };
      const written = spellings.find(goesAlong) ?? spellings[0];
      return { ...(written !== undefined && { written }), ...(prefix !== undefined && { prefix }) };
    },
    redactor: model.redactor,
    subjects: subjectsOfTree(model),
  });
}

/** Which server of the rules is Apache, by the name of its upstream: with the index of its listener among those the import writes. */
function apachePlaces(imported: RuleSet, rules: RuleSet): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  for (const index of imported.listen.keys()) {
    const name = index === 0 ? 'apache' : `apache-${index + 1}`;
    for (const server of rules.upstreams.get(name)?.servers ?? []) places.set(standInName(name, server), index);
  }
  return places;
}

/** What the lines of a configuration name: hosts, paths, and clients. */
function subjectsOfTree({ tree }: ApacheModel): Pick<Subjects, 'hosts' | 'urls'> {
  const nodes = [...everyNode(tree.nodes)];
  const words = nodes.flatMap((node) => node.words.map(({ text }) => text));
  const names = nodes.filter(({ key }) => key === 'servername' || key === 'serveralias');
  const hosts = names.flatMap((node) =>
    node.words.map(({ text }) => text.replace(/^.*:\/\//, '').replace(/^\*/, 'any')),
  );
  const paths = words.map((text) => text.replace(/^\^/, '')).filter((text) => /^\/[\w./-]*$/.test(text));
  return { hosts: [...new Set(hosts)], urls: [...new Set(paths)].map((target) => ({ target })) };
}
