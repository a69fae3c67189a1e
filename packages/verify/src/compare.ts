// Room: two outcomes of one probe, held against each other: upstream, status, forwarded head. Pure. What differs is announced
// where the importer's tables say so, the thing they blame is responsible, and its sign is there; otherwise it is a fault.
import type { AskedRequest, Sign } from '@outrigger/importer';
import type { SourceRef, Upstream } from '@outrigger/rules';
import type { OldServer } from './oracle.ts';
import { pageDifference } from './pages.ts';
import type { Fields, Outcome, Probe, Reached } from './probe.ts';
import { inItsTurn, toldInItsTurn, turnOf } from './turns.ts';

/** A difference the import announced; `at` is the line that makes it, where one does. */
export type Announcement = { code: string; text: string; at?: SourceRef };

/** An announcement and what tells that it is the reason: its sign, and whether what it blames is responsible for this outcome. */
export type Known = { announcement: Announcement; sign: Sign; isResponsible(probe: Probe, theirs: Outcome): boolean };

/** What differs: where the request went, what the client was told, the page it was shown, or one part or field of the forwarded head or of the answer. */
export type Aspect = { theirs: string; ours: string; announced?: Announcement } & (
  | { kind: 'upstream' | 'status' | 'page' }
  | { kind: 'head' | 'answer'; field: string }
);

export type Knowledge = {
  servers: readonly OldServer[];
  /** Stand-ins of our side by name, with the upstream of which each stands for a server. */
  standIns: ReadonlyMap<string, string>;
  upstreams: ReadonlyMap<string, Upstream>;
  known: readonly Known[];
  /** Fields of answers are compared, too. */
  comparesAnswers?: boolean;
  /** The request as the importer's tables look at it. */
  asked(probe: Probe): AskedRequest;
};

/** What differs; empty where nothing does. */
export function compareOutcomes(probe: Probe, theirs: Outcome, ours: Outcome, knowledge: Knowledge): Aspect[] {
  const known = knowledge.known.filter(({ isResponsible }) => isResponsible(probe, theirs));
  const asked = knowledge.asked(probe);
  const because = known.find(({ sign }) => explainsAnswer(sign, asked, theirs, ours));
  if (!wentTheSameWay(theirs.reached, ours.reached, knowledge)) {
    const ways = { theirs: wayOf(theirs, knowledge), ours: wayOf(ours, knowledge) };
    return [explained({ kind: 'upstream', ...ways }, because)];
  }
  const aspects: Aspect[] = [];
  const [told, tell] = [answerOf(theirs), answerOf(ours)];
  if (told !== tell && !(hasEnded(theirs) && hasEnded(ours)))
    aspects.push(explained({ kind: 'status', theirs: told, ours: tell }, because));
  const pages = told === tell ? pageDifference(probe, theirs, ours) : undefined;
  if (pages !== undefined) {
    const blamed = known.find(({ sign }) => sign.kind === 'page');
    aspects.push(explained({ kind: 'page', ...pages }, blamed));
  }
  theirs.reached.forEach((head, index) => {
    const other = ours.reached[index];
    if (other !== undefined)
      aspects.push(
        ...headAspects(
          head,
          inItsTurn(other, turnOf(other.server, head.server, knowledge)),
          known,
          asked,
          isShared(other, knowledge),
        ),
      );
  });
  if (knowledge.comparesAnswers === true) aspects.push(...answerAspects(asked, theirs, ours, known, knowledge));
  return aspects;
}

/** True where nothing differs but what was announced. */
export function isAnnounced(aspects: readonly Aspect[]): boolean {
  return aspects.every(({ announced }) => announced !== undefined);
}

function explained(aspect: Aspect, because: Known | undefined): Aspect {
  return because === undefined ? aspect : { ...aspect, announced: because.announcement };
}

/** Both reached the same servers: an upstream by the peer's name, or one that has the peer's address among its servers. */
function wentTheSameWay(theirs: readonly Reached[], ours: readonly Reached[], knowledge: Knowledge): boolean {
  if (theirs.length !== ours.length) return false;
  return theirs.every(({ server }, index) => {
    // The daemon stands behind Outrigger, too, and went to the same server as without it.
    if (ours[index]?.server === server) return true;
    // Of a balancer each request gets whose turn it is.
    if (turnOf(ours[index]?.server ?? '', server, knowledge) !== undefined) return true;
    const name = knowledge.standIns.get(ours[index]?.server ?? '');
    const upstream = knowledge.upstreams.get(name ?? '');
    return upstream !== undefined && (name === server || upstream.servers.includes(urlOf(server, knowledge) ?? ''));
  });
}

function urlOf(server: string, { servers }: Knowledge): string | undefined {
  return servers.find(({ name }) => name === server)?.url;
}

/** Whether several servers share the requests: each side may have chosen another, and the edge calls all of them by one name here (mapped.ts). */
function isShared({ server }: Reached, { standIns, upstreams }: Knowledge): boolean {
  return (upstreams.get(standIns.get(server) ?? '')?.servers ?? []).length > 1;
}

function wayOf(outcome: Outcome, { standIns }: Knowledge): string {
  if (outcome.reached.length === 0) return `nobody (${answerOf(outcome)})`;
  return outcome.reached.map(({ server }) => standIns.get(server) ?? server).join(', ');
}

const ENDINGS = { reset: 'connection reset', closed: 'connection closed', silent: 'no answer' } as const;

function answerOf(outcome: Outcome): string {
  return outcome.kind === 'answered' ? String(outcome.status) : ENDINGS[outcome.kind];
}

/** Broken off without an answer: over TLS a reset comes as an end. */
function hasEnded({ kind }: Outcome): boolean {
  return kind === 'reset' || kind === 'closed';
}

/** Statuses from which on Squid has no server for a request, rather than a denial. */
const FAILED = 500;

/** Whether one side answered itself, as the sign says, what the other did not answer or answered otherwise. */
function explainsAnswer(sign: Sign, asked: AskedRequest, theirs: Outcome, ours: Outcome): boolean {
  const alone = theirs.reached.length === 0;
  const status = theirs.kind === 'answered' ? theirs.status : 0;
  if (sign.kind === 'reply') return alone === (sign.late === undefined) && sign.statuses(asked).includes(status);
  if (sign.kind === 'shared') return theirs.reached.length === 1 && ours.reached.length === 1;
  if (sign.kind === 'route') return sign.of?.(asked) !== false && (!alone || status >= FAILED);
  if (sign.kind !== 'refusal' || ours.reached.length > 0 || !sign.codes.includes(ours.code ?? '')) return false;
  if (sign.of?.(asked) === false) return false;
  if (sign.squid === undefined) return true;
  return alone && (sign.squid === 'fails') === status >= FAILED;
}

/**
 * Probes that show whether another reading of the request is all there is to a difference: given to Outrigger alone, one of
 * them must come out as the first one did at the oracle.
 */
export function readingsOf(probe: Probe, knowledge: Knowledge): { because: Announcement; probe: Probe }[] {
  return otherwise(probe, knowledge, 'reading');
}

/**
 * Probes that show whether another spelling of the request is all there is to a difference: given to the oracle alone, one of
 * them must come out as the first one did at Outrigger. So nothing is excused but what the oracle itself allows.
 */
export function respellingsOf(
  probe: Probe,
  theirs: Outcome,
  knowledge: Knowledge,
): { because: Announcement; probe: Probe }[] {
  const known = knowledge.known.filter(({ isResponsible }) => isResponsible(probe, theirs));
  return otherwise(probe, { ...knowledge, known }, 'respelled');
}

function otherwise(
  probe: Probe,
  { known, asked }: Knowledge,
  kind: 'reading' | 'respelled',
): { because: Announcement; probe: Probe }[] {
  const readings = known.flatMap(({ sign, announcement: because }) => {
    const read = sign.kind === kind ? sign.as(asked(probe)) : undefined;
    return read === undefined ? [] : [{ because, read }];
  });
  // Each changes another part of the request: all of them together are a reading too.
  const [first, ...others] = readings;
  if (first !== undefined && others.length > 0) {
    readings.push({ because: first.because, read: Object.assign({}, ...readings.map(({ read }) => read)) });
  }
  return readings.map(({ because, read }) => ({ because, probe: { ...probe, ...read } }));
}

/** Fields of one hop alone: each proxy has its own (RFC 9110 7.6.1). */
const OF_THE_HOP: ReadonlySet<string> = new Set(['connection', 'keep-alive']);

function headAspects(
  theirs: Reached,
  ours: Reached,
  known: readonly Known[],
  asked: AskedRequest,
  isShared: boolean,
): Aspect[] {
  const aspects: Aspect[] = [];
  for (const field of ['method', 'target', 'version'] as const) {
    if (theirs[field] === ours[field]) continue;
    const aspect: Aspect = { kind: 'head', field, theirs: theirs[field], ours: ours[field] };
    aspects.push(
      explained(
        aspect,
        known.find(({ sign }) => {
          if (sign.kind !== field) return false;
          if (sign.kind === 'target' && sign.of?.(asked) === false) return false;
          return sign.alike?.(theirs[field], ours[field], asked) ?? true;
        }),
      ),
    );
  }
  const [sent, send] = [tlsOf(theirs), tlsOf(ours)];
  if (sent !== send && !isShared) {
    const aspect: Aspect = { kind: 'head', field: 'TLS', theirs: sent, ours: send };
    const isNameAlone = theirs.tls !== undefined && theirs.tls.serverName === undefined && ours.tls !== undefined;
    aspects.push(
      explained(
        aspect,
        known.find(({ sign }) => sign.kind === 'serverName' && isNameAlone),
      ),
    );
  }
  const names = new Set([...theirs.fields, ...ours.fields].map(([name]) => name.toLowerCase()));
  for (const name of names) {
    const [old, own] = [valuesOf(theirs.fields, name), valuesOf(ours.fields, name)];
    if (OF_THE_HOP.has(name) || old === own) continue;
    const because = known.find(
      ({ sign }) =>
        sign.kind === 'field' &&
        (sign.names === 'any' || sign.names.includes(name)) &&
        (sign.alike === undefined || sign.alike(old ?? '', own ?? '')),
    );
    aspects.push(explained({ kind: 'head', field: name, theirs: shown(name, old), ours: shown(name, own) }, because));
  }
  return aspects;
}

/** Fields of an answer that are each proxy's own, or of a moment. */
const OF_THE_ANSWER: ReadonlySet<string> = new Set([...OF_THE_HOP, 'content-length', 'date', 'transfer-encoding']);

/**
 * What a server answered through both must be told alike. Of pages that the two wrote themselves only the way to another is compared:
 * what else stands there is theirs.
 */
function answerAspects(
  asked: AskedRequest,
  theirs: Outcome,
  ours: Outcome,
  known: readonly Known[],
  knowledge: Knowledge,
): Aspect[] {
  if (theirs.kind !== 'answered' || ours.kind !== 'answered' || theirs.status !== ours.status) return [];
  const [head, other] = [ours.reached[0]?.server ?? '', theirs.reached[0]?.server ?? ''];
  const [one, two] = [theirs.fields ?? [], toldInItsTurn(ours.fields ?? [], turnOf(head, other, knowledge))];
  const all = new Set([...one, ...two].map(([name]) => name.toLowerCase()));
  const names = theirs.reached.length > 0 ? all : ['location'];
  return [...names].flatMap((name) => {
    const [old, own] = [valuesOf(one, name), valuesOf(two, name)];
    if (OF_THE_ANSWER.has(name) || old === own) return [];
    const because = known.find(
      ({ sign }) =>
        sign.kind === 'answer' &&
        sign.names.includes(name) &&
        sign.of?.(asked) !== false &&
        (sign.alike?.(old ?? '', own ?? '') ?? true),
    );
    return [explained({ kind: 'answer', field: name, theirs: shown(name, old), ours: shown(name, own) }, because)];
  });
}

/** How a request came to a server. */
function tlsOf({ tls }: Reached): string {
  return tls === undefined ? 'none' : tls.serverName === undefined ? 'without a name' : `for ${tls.serverName}`;
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
