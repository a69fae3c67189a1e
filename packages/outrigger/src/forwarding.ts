// Room: how the proxy would reach the server of a request, as `explain` tells it: which servers in which order,
// under which name, and how long it would wait.
import { type Affinity, affinityOf, rendezvousOrder } from '@outrigger/proxy';
import {
  connectionLimits,
  type Decision,
  fieldObstacle,
  formatDuration,
  type HeaderEdits,
  type Health,
  type RequestFacts,
  type RuleSet,
  timeoutsOf,
  type Upstream,
} from '@outrigger/rules';
import { type ExplainedTls, explainTls, printedTls } from './explainedtls.ts';

export type ExplainedServer = {
  /** As the rules write it. */
  url: string;
  /** Name sent in the TLS handshake; null where none is, or no TLS is spoken. */
  sni: string | null;
  /** Absent where no TLS is spoken. */
  tls?: ExplainedTls;
  /** Its share of clients, where the rules give one. */
  weight?: number;
  /** Connections it may have; absent where any number will do. */
  connections?: number;
};

/** Where a request would go. */
export type ExplainedForwarding = {
  /** What brings a client back to its server. */
  affinity: Affinity['by'];
  /** In the order in which they are tried; with a cookie that is not sent yet, in the order of the rules. */
  servers: ExplainedServer[];
  /** Milliseconds; only the limits that hold for such a request. */
  limits: Partial<Upstream['timeouts']>;
  /** What the running proxy asks the servers for, so that those that are unwell are tried last; absent where it asks nothing. */
  health?: Health;
  /** What rules change in the heads of the request and of its answer. */
  requestHeaders?: ExplainedEdits;
  responseHeaders?: ExplainedEdits;
};

/** Names in lower case: the only ones that stay, where not all do; those whose lines go; those that get another value. And lines that are written. */
export type ExplainedEdits = {
  kept?: string[];
  removed: string[];
  replaced?: HeaderEdits['added'];
  added: HeaderEdits['added'];
};

/** An upstream of the route's fallback: where the request goes while none before it can be reached, or why it does not go there. */
export type ExplainedFallback = { upstream: string; servers: ExplainedServer[]; passedOver?: string };

/** Of a request that goes nowhere. */
export const NOWHERE: ExplainedForwarding = { affinity: 'none', servers: [], limits: {} };

export function explainForwarding(
  rules: RuleSet,
  decision: Pick<Decision, 'upstream' | 'route' | 'requestEdits' | 'responseEdits'>,
  facts: RequestFacts,
): ExplainedForwarding {
  const settings = rules.upstreams.get(decision.upstream ?? '');
  if (settings === undefined) return NOWHERE;
  const tunnel = rules.tunnelMethods.includes(facts.method);
  const affinity = affinityOf(settings, facts, tunnel);
  const { connect } = settings.timeouts;
  const { answer, idle, tunnelIdle } = timeoutsOf(settings, decision.route);
  const written = settings.servers.map((url, index): ExplainedServer => {
    const [weight, connections] = [settings.weights?.[index], connectionLimits(settings)[index]];
    const tls = explainTls(url, settings, facts.host);
    return {
      url,
      sni: tls?.sni ?? null,
      ...(tls && { tls }),
      ...(weight !== undefined && { weight }),
      ...(connections !== undefined && { connections }),
    };
  });
  const key = affinity.by === 'none' ? undefined : affinity.key;
  return {
    affinity: affinity.by,
    servers: key === undefined ? written : rendezvousOrder(written, key),
    limits: tunnel ? { connect, tunnelIdle } : { connect, answer, idle },
    ...(settings.health && { health: settings.health }),
    ...(decision.requestEdits && { requestHeaders: explainedEdits(decision.requestEdits) }),
    ...(decision.responseEdits && { responseHeaders: explainedEdits(decision.responseEdits) }),
  };
}

/** `decisions`: what the upstreams of the fallback would make of the request, in order. */
export function explainFallback(
  rules: RuleSet,
  decisions: readonly Decision[],
  facts: RequestFacts,
): ExplainedFallback[] {
  return decisions.map((decision) => {
    const { upstream = '', access, refusal } = decision;
    const passedOver = access === 'deny' ? 'an access line denies it there' : refusal?.message;
    const { servers } = explainForwarding(rules, decision, facts);
    return { upstream, servers, ...(passedOver !== undefined && { passedOver }) };
  });
}

/** A row for each upstream of the fallback. */
export function printedFallback(fallback: readonly ExplainedFallback[]): [string, string][] {
  return fallback.map(({ upstream, servers, passedOver }) => [
    'fallback',
    passedOver === undefined
      ? `${upstream}, ${servers.map(printedServer).join(', then ')}`
      : `not ${upstream}: ${passedOver}`,
  ]);
}

function printedServer({ url, sni, weight, connections }: ExplainedServer): string {
  const name = url.startsWith('https:') ? ` (SNI ${sni ?? 'none'})` : '';
  const share = weight === undefined ? '' : `, weight ${weight}`;
  return `${url}${name}${share}${connections === undefined ? '' : `, ${connections} connections`}`;
}

function explainedEdits({ kept, removed, replaced, added }: HeaderEdits): ExplainedEdits {
  return {
    ...(kept && { kept: [...kept].filter((name) => fieldObstacle(name) === undefined) }),
    removed: [...removed],
    ...(replaced.size > 0 && { replaced: [...replaced] }),
    added,
  };
}

/** Rows for a person: the first server, those that are tried where it cannot be reached, and why in this order. */
export function printedForwarding(forwarding: ExplainedForwarding): [string, string][] {
  const { affinity, servers, limits, health, requestHeaders, responseHeaders } = forwarding;
  const rows = servers.flatMap((server, index): [string, string][] => [
    [index === 0 ? 'server' : '  then', printedServer(server)],
    ...tlsRows(server, servers[index - 1]),
  ]);
  if (servers.length > 1) rows.push(['affinity', AFFINITY[affinity]]);
  if (servers.length > 0) rows.push(['limits', limitsText(limits)]);
  if (health !== undefined)
    rows.push(['health', `GET ${health.path} every ${formatDuration(health.interval)}; who fails it is tried last`]);
  rows.push(...editRows('request', requestHeaders), ...editRows('answer', responseHeaders));
  return rows;
}

/** TLS with a server, where it is not that with the one before it. */
function tlsRows({ tls }: ExplainedServer, before: ExplainedServer | undefined): [string, string][] {
  const text = tls && printedTls(tls);
  return text === undefined || text === (before?.tls && printedTls(before.tls)) ? [] : [['tls', text]];
}

/** One row a line: what stays, what goes, then what is written. */
function editRows(of: 'request' | 'answer', edits: ExplainedEdits | undefined): [string, string][] {
  const { kept, removed, replaced = [], added } = edits ?? { removed: [], added: [] };
  const rewritten = new Set(added.map(([name]) => name.toLowerCase()));
  const alone = kept?.length === 0 ? 'no fields but' : `no fields but ${kept?.join(', ')} and`;
  return [
    ...(kept === undefined
      ? []
      : [['fields', `${of} with ${alone} Host and those of body and connection`] as [string, string]]),
    ...removed
      .filter((name) => !rewritten.has(name))
      .map((name): [string, string] => ['fields', `${of} without ${name}`]),
    ...replaced.map(([name, value]): [string, string] => [
      'fields',
      `${of} has ${value} in ${name}, where it is there`,
    ]),
    ...added.map(([name, value]): [string, string] => [
      'fields',
      `${of} ${removed.includes(name.toLowerCase()) ? 'sets' : 'adds'} ${name}: ${value}`,
    ]),
  ];
}

function limitsText(limits: ExplainedForwarding['limits']): string {
  return Object.entries(limits)
    .map(([name, milliseconds]) => `${name} ${formatDuration(milliseconds)}`)
    .join(', ');
}

const AFFINITY: Record<Affinity['by'], string> = {
  none: 'none: the first that can be reached',
  client: 'by the address of the client',
  cookie: 'by the cookie; a client that has not sent it gets one, and a server by chance',
};
