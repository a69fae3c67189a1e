// Room: the importer's tables of announced differences, made ready for comparing: each with the test of what it blames. Pure.
import {
  type AnnouncedDifference,
  APACHE_DIFFERENCES,
  announcedDifferences,
  apacheLineDifferences,
  isConcerned,
  type LedgerEntry,
  type LineDifference,
  lineDifferences,
} from '@outrigger/importer';
import { type CompiledRules, conditionTest, type RequestFacts, route, type SourceRef } from '@outrigger/rules';
import type { Known } from './compare.ts';
import type { OldConfig } from './oracle.ts';
import type { Outcome, Probe } from './probe.ts';

export type AnnouncementSources = {
  rules: CompiledRules;
  /** What became of each line of the old config. */
  ledger: readonly LedgerEntry[];
  config: OldConfig;
  /** A probe as rules see it; undefined for one that no rule sees. */
  factsOf(probe: Probe): RequestFacts | undefined;
};

/** What the import of a squid.conf announced: for all files, and for lines of this one. */
export function squidAnnouncements(sources: AnnouncementSources): Known[] {
  return [
    ...announcedDifferences(sources.rules).flatMap(({ code, text, signs }: AnnouncedDifference): Known[] =>
      signs.map((sign) => ({ announcement: { code, text }, sign, isResponsible: () => true })),
    ),
    ...knownByLines(lineDifferences(sources.ledger), sources),
  ];
}

/**
 * What the import of an Apache configuration announced. None of its signs can excuse that a request reached another server, or one at
 * all where Apache let it reach none: their type leaves those out, and `respelled` is Apache's own word (`ApacheSign`).
 */
export function apacheAnnouncements(sources: AnnouncementSources): Known[] {
  const { rules, ledger, factsOf } = sources;
  const always = APACHE_DIFFERENCES.flatMap(({ code, text, on, signs }) =>
    signs.map(
      (sign): Known => ({
        announcement: { code, text },
        sign,
        isResponsible: (probe) => {
          if (on === 'all') return true;
          const facts = factsOf(probe);
          if (facts === undefined) return false;
          const { route: chosen, upstream } = route(rules, facts);
          return isConcerned(on, probe, chosen, rules.ruleSet.upstreams.get(upstream ?? ''));
        },
      }),
    ),
  );
  return [...always, ...knownByLines(apacheLineDifferences(ledger), sources)];
}

function knownByLines(differences: readonly LineDifference[], sources: AnnouncementSources): Known[] {
  return differences.map((difference) => {
    const { code, text, at, sign } = difference;
    return { announcement: { code, text, at }, sign, isResponsible: responsibility(difference, sources) };
  });
}

function responsibility(difference: LineDifference, { config, factsOf }: AnnouncementSources): Known['isResponsible'] {
  const { at } = difference;
  switch (difference.by) {
    case 'server': {
      const names = config.servers.filter((server) => isSamePlace(server.at, at)).map(({ name }) => name);
      return (_probe, theirs: Outcome) => theirs.reached.some(({ server }) => names.includes(server));
    }
    case 'entrance': {
      const names = config.entrances.filter((entrance) => isSamePlace(entrance.at, at)).map(({ name }) => name);
      return ({ entrance }) => names.includes(entrance);
    }
    case 'request': {
      const concerns = conditionTest(difference.concerns);
      return (probe) => {
        const facts = factsOf(probe);
        return facts !== undefined && concerns(facts);
      };
    }
  }
}

function isSamePlace(a: SourceRef, b: SourceRef): boolean {
  return a.file === b.file && a.line === b.line;
}
