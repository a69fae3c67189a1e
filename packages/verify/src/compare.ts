// Room: two outcomes of one probe, held against each other: upstream, status, forwarded head. Pure. What differs is `announced`
// where the import's own table (announcedDifferences) says so and its sign is there, and a fault otherwise.
import type { AnnouncedDifference } from '@outrigger/importer';
import type { SourceRef, Upstream } from '@outrigger/rules';
import type { OldServer } from './oracle.ts';
import type { Fields, Outcome, Probe, Reached } from './probe.ts';

/** What differs: where the request went, what the client was told, or one field (or the request line) of the forwarded head. */
export type Aspect =
  | { kind: 'upstream' | 'status'; theirs: string; ours: string }
  | { kind: 'head'; field: string; theirs: string; ours: string };

/** One probe whose outcomes differ, and why. */
export type Difference = {
  probe: Probe;
  aspects: readonly Aspect[];
  /** Why each aspect is no fault; absent where one of them is one. */
  announced?: readonly AnnouncedDifference[];
  /** Lines of the rules that decided, and of the old config behind them. */
  rules: readonly SourceRef[];
  old: readonly SourceRef[];
};

export type Knowledge = {
  servers: readonly OldServer[];
  /** Stand-ins of our side by name, with what they stand for. */
  standIns: ReadonlyMap<string, { upstream: string; server: string }>;
  upstreams: ReadonlyMap<string, Upstream>;
  announced: readonly AnnouncedDifference[];
};

/** `announced`: why each aspect is no fault; absent where one of them is one. */
export type Compared = { aspects: Aspect[]; announced?: AnnouncedDifference[] };

type Found = { aspect: Aspect; because?: AnnouncedDifference };

/** What differs; empty where nothing does. */
export function compareOutcomes(probe: Probe, theirs: Outcome, ours: Outcome, knowledge: Knowledge): Compared {
  const found = differences(probe, theirs, ours, knowledge);
  const reasons = found.map(({ because }) => because);
  const known = reasons.filter((reason) => reason !== undefined);
  return {
    aspects: found.map(({ aspect }) => aspect),
    ...(found.length > 0 && known.length === found.length && { announced: [...new Set(known)] }),
  };
}

function differences(probe: Probe, theirs: Outcome, ours: Outcome, knowledge: Knowledge): Found[] {
  const because = answerReason(probe, theirs, ours, knowledge);
  if (!wentTheSameWay(theirs.reached, ours.reached, knowledge)) {
    const aspect: Aspect = { kind: 'upstream', theirs: wayOf(theirs, knowledge), ours: wayOf(ours, knowledge) };
    return [withReason(aspect, because)];
  }
  const found: Found[] = [];
  const [told, tell] = [answerOf(theirs), answerOf(ours)];
  if (told !== tell) {
    found.push(withReason({ kind: 'status', theirs: told, ours: tell }, because));
  }
  theirs.reached.forEach((head, index) => {
    const other = ours.reached[index];
    if (other !== undefined) found.push(...headDifferences(head, other, knowledge));
  });
  return found;
}

function withReason(aspect: Aspect, because: AnnouncedDifference | undefined): Found {
  return { aspect, ...(because !== undefined && { because }) };
}

/** Both reached the same servers: an upstream by the peer's name, or one that has the peer's address among its servers. */
function wentTheSameWay(theirs: readonly Reached[], ours: readonly Reached[], knowledge: Knowledge): boolean {
  if (theirs.length !== ours.length) return false;
  return theirs.every(({ server }, index) => {
    const old = knowledge.servers.find(({ name }) => name === server);
    const standIn = knowledge.standIns.get(ours[index]?.server ?? '');
    const upstream = standIn && knowledge.upstreams.get(standIn.upstream);
    return upstream !== undefined && (standIn?.upstream === server || upstream.servers.includes(old?.url ?? ''));
  });
}

function wayOf(outcome: Outcome, { standIns }: Knowledge): string {
  if (outcome.reached.length === 0) return `nobody (${answerOf(outcome)})`;
  return outcome.reached.map(({ server }) => standIns.get(server)?.upstream ?? server).join(', ');
}

function answerOf(outcome: Outcome): string {
  const words = { reset: 'connection reset', closed: 'connection closed', silent: 'no answer' };
  return outcome.kind === 'answered' ? String(outcome.status) : words[outcome.kind];
}

/** The announced difference by which one side answered itself what the other did not, or with another status. */
function answerReason(
  probe: Probe,
  theirs: Outcome,
  ours: Outcome,
  { announced }: Knowledge,
): AnnouncedDifference | undefined {
  const statusOfTheirs = theirs.kind === 'answered' && theirs.reached.length === 0 ? theirs.status : undefined;
  const refusal = ours.reached.length === 0 ? ours.code : undefined;
  return announced.find(({ sign }) => {
    if (sign.kind === 'reply') return statusOfTheirs !== undefined && sign.status(probe) === statusOfTheirs;
    if (sign.kind !== 'refusal' || refusal === undefined || !sign.codes.includes(refusal)) return false;
    return sign.beyond === undefined || (statusOfTheirs !== undefined && statusOfTheirs >= 500);
  });
}

/**
 * Probes that show whether another reading of the request is all there is to a difference: given to Outrigger alone, one of
 * them must come out as the first one did at the oracle.
 */
export function readingsOf(probe: Probe, announced: readonly AnnouncedDifference[]): Reading[] {
  return announced.flatMap((because) => {
    const read = because.sign.kind === 'reading' ? because.sign.as(probe) : undefined;
    return read === undefined ? [] : [{ because, probe: { ...probe, ...read } }];
  });
}

export type Reading = { because: AnnouncedDifference; probe: Probe };

/** Fields of one hop alone: each proxy has its own (RFC 9110 7.6.1). */
const OF_THE_HOP: ReadonlySet<string> = new Set(['connection', 'keep-alive']);

function headDifferences(theirs: Reached, ours: Reached, { announced }: Knowledge): Found[] {
  const found: Found[] = [];
  for (const part of ['method', 'target', 'version'] as const) {
    if (theirs[part] === ours[part]) continue;
    const aspect: Aspect = { kind: 'head', field: part, theirs: theirs[part], ours: ours[part] };
    found.push(withReason(aspect, part === 'version' ? announced.find(({ sign }) => sign.kind === part) : undefined));
  }
  const names = new Set([...theirs.fields, ...ours.fields].map(([name]) => name.toLowerCase()));
  for (const name of names) {
    if (OF_THE_HOP.has(name)) continue;
    const [squid, outrigger] = [valuesOf(theirs.fields, name), valuesOf(ours.fields, name)];
    if (squid === outrigger) continue;
    const because = announced.find(
      ({ sign }) =>
        sign.kind === 'field' &&
        sign.names.includes(name) &&
        (sign.alike === undefined || sign.alike(squid ?? '', outrigger ?? '')),
    );
    const aspect: Aspect = { kind: 'head', field: name, theirs: shown(name, squid), ours: shown(name, outrigger) };
    found.push(withReason(aspect, because));
  }
  return found;
}

/** Values of a field in order, joined as a list; undefined where there is none. */
function valuesOf(fields: Fields, name: string): string | undefined {
  const values = fields.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(', ');
}

/** Fields whose values are nobody's business: that they differ is enough. */
const SECRET: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie']);

function shown(name: string, value: string | undefined): string {
  if (value === undefined) return 'absent';
  return SECRET.has(name) ? 'present (value not shown)' : value;
}
