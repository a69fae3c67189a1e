// Room: what becomes of a request, from its head alone: refused, broken off, or sent on to an upstream. Pure.
import {
  type CompiledRules,
  clientOf,
  type Decision,
  denialAnswer,
  type Fields,
  fallbackDecisions,
  type Listener,
  type LocalTime,
  type RequestFacts,
  redirection,
  requestFacts,
  route,
  type Upstream,
} from '@outrigger/rules';
import { type Framing, requestFraming } from './http1/body.ts';
import type { RequestHead } from './http1/head.ts';
import type { Party } from './proxyheader.ts';

/** Where a connection came in and from whom; `local` is the address it came to, of this machine or of the balancer in front. */
export type Origin = {
  listener: Listener;
  address: string;
  port: number;
  local: Party;
  /** What servers are told of the client's certificate, where the listener asks for one. */
  certificate?: Fields;
  /** There where the client speaks HTTP/2: hosts its connection may ask for. */
  http2?: { covers(host: string): boolean };
  /** How many connections a client has open now. */
  connectionsOf(address: string): number;
  /** What its requests without an affinity cookie are given, all of them, so that they stay at one server. */
  newVisit?: string;
};

/** `facts` and `decision` are there as far as the request got. */
export type Verdict = { facts?: RequestFacts; decision?: Decision } & (
  | { kind: 'refuse'; status: number; code: string; message: string; page?: string }
  | { kind: 'redirect'; status: number; location: string; denied?: { code: string; message: string } }
  | { kind: 'reset'; code: string; message: string }
  | Forward
);

export type Forward = {
  kind: 'forward';
  facts: RequestFacts;
  decision: Decision;
  framing: Framing;
  /** Name of the upstream, and what the rules say of it. */
  name: string;
  upstream: Upstream;
  /** A method of MS-RPCH or MS-TSGU. */
  tunnel: boolean;
};

/** RFC 9110 15.5.20: the client comes again on a connection of its own, which is offered what this host may have. */
const MISDIRECTED = {
  status: 421,
  code: 'MISDIRECTED',
  message: 'this HTTP/2 connection was opened for another host, whose certificate or rules do not cover this one.',
};

/** Framing first, then Host and target, then a redirect of the listener, then the rules: what cannot be read in one way is not worth routing. */
export function judge(head: RequestHead, origin: Origin, rules: CompiledRules, time: LocalTime): Verdict {
  const framing = requestFraming(head);
  if (framing.kind === 'bad') return { ...framing, kind: 'refuse' };
  const client = clientOf(head.fields, origin.address, rules.trusts);
  if (client.kind === 'bad') return { ...client, kind: 'refuse' };
  const { listener, address: connectsFrom } = origin;
  const connections = origin.connectionsOf(client.address);
  const read = requestFacts(head, { listener, client: client.address, connectsFrom, connections, time });
  if (read.kind === 'bad') return { ...read, kind: 'refuse' };

  const { facts } = read;
  if (origin.http2?.covers(facts.host) === false) return { kind: 'refuse', facts, ...MISDIRECTED };
  const elsewhere = redirection(rules, origin.listener, facts, origin.address);
  if (elsewhere !== undefined) return { ...elsewhere, facts };
  const decision = route(rules, facts);
  if (decision.access === 'deny') return denied(decision, facts);
  if (decision.refusal !== undefined) return { kind: 'refuse', facts, decision, ...decision.refusal };
  return forwardBy(decision, { facts, framing, tunnel: rules.tunnelMethods.has(facts.method) }, rules);
}

/** The request for each upstream of its route's fallback that may take it, in order. */
export function fallbacksOf(verdict: Forward, rules: CompiledRules): Forward[] {
  return fallbackDecisions(rules, verdict.facts)
    .filter(({ access, refusal }) => access === 'allow' && refusal === undefined)
    .map((decision) => forwardBy(decision, verdict, rules));
}

function forwardBy(
  decision: Decision,
  { facts, framing, tunnel }: Pick<Forward, 'facts' | 'framing' | 'tunnel'>,
  { ruleSet }: CompiledRules,
): Forward {
  const name = decision.upstream ?? '';
  const upstream = ruleSet.upstreams.get(name);
  if (upstream === undefined) throw new Error(`an allowed request without refusal has no upstream: ${name}`);
  return { kind: 'forward', facts, decision, framing, name, upstream, tunnel };
}

function denied(decision: Decision, facts: RequestFacts): Verdict {
  const finding = { code: 'DENIED', message: deniedBy(decision) };
  const answer = denialAnswer(decision.answer, facts);
  switch (answer.kind) {
    case 'reset':
      return { kind: 'reset', facts, decision, ...finding };
    case 'status':
      return { kind: 'refuse', facts, decision, status: answer.status, ...finding };
    case 'page':
      return { kind: 'refuse', facts, decision, status: answer.status, page: answer.page, ...finding };
    case 'redirect':
      return { ...answer, facts, decision, denied: finding };
  }
}

function deniedBy({ accessLine }: Decision): string {
  return accessLine === undefined ? 'no access line allows this request.' : 'an access line denies this request.';
}
