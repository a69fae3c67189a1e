// Room: the ways a request may go: to the upstream of its route, and where that cannot be reached to those of the fallback, each with all
// that decides how it is dialled. A request takes the next way only while no byte of it was sent.
import type { RequestFacts } from '@outrigger/rules';
import { affinityOf, newVisit, visitField } from './affinity.ts';
import type { Generation } from './generation.ts';
import { asksForUpgrade } from './persistence.ts';
import type { Pins } from './pins.ts';
import type { Ends } from './proxyheader.ts';
import type { Asked, Dialler } from './upstream.ts';
import { type Forward, fallbacksOf, type Origin } from './verdict.ts';

/** One way, for as long as its request lasts. */
export type Way = {
  /** The verdict as this upstream has it: its settings, its changes to fields. */
  verdict: Forward;
  /** Through the rewrite lane. */
  rewrites: boolean;
  pins: Pins;
  dialler: Dialler;
  asked: Asked;
  /** The field line that lets the client come back to its server. */
  ownField?: Buffer;
};

/** What of a client connection decides. */
export type Traveller = {
  origin: Origin;
  /** What the request under way goes by, from its head to its end. */
  generation: Generation;
  /** Connections to servers, and in-memory ones into the rewrite lane. */
  pins: { relay: Pins; rewrite: Pins };
  /** By the upstream of a route, the one of its fallback that took over for this client. */
  fellTo?: Map<string, string>;
};

/**
 * The ways in the order in which they are tried; one where the route has no fallback. A client stays where its connection rests: a
 * login of several rounds ends where it began (MS-NLMP 1.3.1). Then come upstreams of which a server may be well.
 */
export function waysOf(
  verdict: Forward,
  head: Parameters<typeof asksForUpgrade>[0],
  traveller: Traveller,
): [Way, ...Way[]] {
  // What follows a 101 is opaque, so an upgrade on a rewriting route is relayed, with its path mapped.
  const rewrites = verdict.decision.lane === 'rewrite' && !asksForUpgrade(head);
  if (verdict.decision.route?.fallback === undefined) return [wayTo(verdict, rewrites, traveller)];
  const first = wayTo(verdict, rewrites, traveller, true);
  const others = fallbacksOf(verdict, traveller.generation.rules).map((each) => wayTo(each, rewrites, traveller, true));
  if (rests(first)) return [first, ...others];
  const kept = others.find((way) => way.verdict.name === traveller.fellTo?.get(verdict.name) && rests(way));
  const rank = (way: Way): number => (way === kept ? -1 : way.dialler.isUnwell() ? 1 : 0);
  return [first, ...others].sort((a, b) => rank(a) - rank(b)) as [Way, ...Way[]];
}

/** Remembers which upstream a request of the route to `routed` went to in the end. */
export function remember({ name }: Forward, { verdict }: Way, traveller: Traveller): void {
  if (verdict.name === name) {
    traveller.fellTo?.delete(name);
    return;
  }
  traveller.fellTo ??= new Map();
  traveller.fellTo.set(name, verdict.name);
}

function rests({ verdict, pins, dialler, asked }: Way): boolean {
  return pins.holds(verdict.name, dialler, asked);
}

function wayTo(verdict: Forward, rewrites: boolean, { origin, generation, pins }: Traveller, hasFallback?: true): Way {
  const { asked, ownField } = placeAtServer(verdict, origin);
  return {
    verdict,
    rewrites,
    pins: rewrites ? pins.rewrite : pins.relay,
    dialler: diallerOf(verdict, generation, rewrites),
    asked: hasFallback === undefined ? asked : { ...asked, hasFallback },
    ...(ownField && { ownField }),
  };
}

function diallerOf({ name }: Forward, { diallers, rewriteLane }: Generation, rewrites: boolean): Dialler {
  const dialler = diallers.get(name);
  if (dialler === undefined) throw new Error(`an upstream of the rules has no dialler: ${name}`);
  return rewrites ? rewriteLane.through(dialler) : dialler;
}

/** What decides about its server, and the field line that lets the client come back to it. */
function placeAtServer({ upstream, facts, tunnel }: Forward, origin: Origin): { asked: Asked; ownField?: Buffer } {
  const toldOf = { host: facts.host, ends: endsOf(facts, origin) };
  const affinity = affinityOf(upstream, facts, tunnel);
  if (affinity.by === 'none') return { asked: toldOf };
  if (affinity.key !== undefined) return { asked: { ...toldOf, belongsTo: affinity.key } };
  origin.newVisit ??= newVisit();
  const overTls = origin.listener.tls !== undefined;
  return {
    asked: { ...toldOf, belongsTo: origin.newVisit },
    ownField: visitField(upstream, origin.newVisit, overTls),
  };
}

/** The client's own connection as servers are told of it; the port of a client behind a trusted proxy is not known. */
function endsOf(facts: RequestFacts, { address, port, local }: Origin): Ends {
  return { source: { address: facts.client, port: facts.client === address ? port : 0 }, destination: local };
}
