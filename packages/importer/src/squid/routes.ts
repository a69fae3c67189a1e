// Room: from Squid's choice of a peer to first-match routes. cache_peer_access is a filter on each peer, not a table of
// routes: Squid takes, in a fixed order, the first peer whose filter lets the request pass (import-semantics 1.4).
import type { SourceRef, Upstream } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import type { SquidAccessLine } from './access.ts';
import { areApart, remarkFallback, remarkUncarried, type StandIn, standIns, type Uncarried } from './fallback.ts';
import {
  allowedBy,
  and,
  areDisjoint,
  areEquivalent,
  type Expr,
  isNever,
  least,
  most,
  negations,
  not,
  simplifyOutside,
} from './logic.ts';
import { type Peer, SELECTIONS } from './peers.ts';
import { type Resolver, unclearAtom } from './resolve.ts';
import { areSharing, connectionsOf, isShared, remarkUnshared, sharesOf } from './shares.ts';

/** Peers that take the same requests and differ in their servers alone: one upstream. */
export type Choice = { name: string; peers: Peer[]; upstream: Upstream; takes: Expr };

export type PlannedRoute = {
  choice: Choice;
  /** Choices that stand in for it, in Squid's order, each for its requests of the route. */
  fallback: readonly StandIn[];
  when: Expr;
  /** The same by itself: `when` leaves out what routes in front say already. */
  whole: Expr;
  from: SourceRef[];
};

/**
 * Routes that send each request where Squid would, and while that cannot be reached, where Squid would then. `direct` are requests
 * that Squid sends past all peers: no route may match those. What cannot be said exactly gets no route, and neither does what
 * only it would have taken.
 */
export function planRoutes(peers: readonly Peer[], resolver: Resolver, direct: Expr): PlannedRoute[] {
  const choices = choicesOf(inOrderOfChoice(peers), resolver);
  remarkApart(choices, resolver);
  const blockers: Expr[] = [direct];
  const planned: PlannedRoute[] = [];
  const uncarried: Uncarried[] = [];
  for (const [index, choice] of choices.entries()) {
    const sure = least(choice.takes, resolver.isKnown);
    const widest = most(choice.takes, resolver.isKnown);
    const isOrigin = choice.peers[0]?.kind === 'origin';
    const when = and([sure, ...blockers.map(not)]);
    if (isOrigin) {
      const outside = and(planned.map(({ whole }) => not(whole)));
      const stood = standIns(choice, when, outside, choices.slice(index + 1), resolver);
      uncarried.push(...stood.uncarried);
      planned.push(routeOf(choice, when, stood.fallback));
    }
    // A request this peer may have taken must not fall to a later one: it gets no route at all.
    const unsure = isOrigin ? and([widest, not(sure)]) : widest;
    if (!isNever(unsure)) {
      blockers.push(unsure);
      if (isOrigin) remarkInexpressible(choice, resolver);
    }
  }
  const routes = readable(planned.filter(({ when }) => !isNever(when)));
  remarkUncarried(uncarried.filter(({ of }) => routes.some(({ choice }) => choice === of)));
  remarkFallback(routes);
  return routes;
}

/** Selection methods come before file order (SQ-141); siblings are never chosen (SQ-157). */
function inOrderOfChoice(peers: readonly Peer[]): Peer[] {
  const rank = ({ selection }: Peer): number => SELECTIONS.indexOf(selection);
  return peers.filter(({ kind }) => kind !== 'sibling').sort((a, b) => rank(a) - rank(b));
}

/** The requests a peer may take: both its lists must let them pass. */
export function takesOf(peer: Peer, resolver: Resolver): Expr {
  return and(
    [peer.domains, peer.access].map((lines) =>
      allowedBy(lines.map((line) => ({ action: line.action, when: resolver.lineOf(line) }))),
    ),
  );
}

/**
 * Peers with one filter and equal options become one upstream: Squid goes on to the next of them when one cannot be reached
 * (SQ-145), and so do the servers of an upstream.
 */
function choicesOf(peers: readonly Peer[], resolver: Resolver): Choice[] {
  const choices: Choice[] = [];
  for (const peer of peers) {
    const takes = takesOf(peer, resolver);
    const options = optionsOf(peer);
    const twin = choices.find(
      (choice, index) =>
        optionsOf(choice.peers[0]) === options &&
        mayJoin(choice, peer) &&
        areEquivalent(choice.takes, takes) &&
        // Another peer that takes such requests stands between them.
        choices.slice(index + 1).every((between) => areDisjoint(between.takes, takes)),
    );
    if (twin === undefined) {
      const taken = choices.map(({ name }) => name);
      choices.push({ name: upstreamName(peer.name, taken), peers: [peer], upstream: { ...peer.upstream }, takes });
      continue;
    }
    twin.peers.push(peer);
    twin.upstream.servers = [...new Set([...twin.upstream.servers, ...peer.upstream.servers])];
    twin.upstream.from = [...(twin.upstream.from ?? []), ...(peer.upstream.from ?? [])];
    const order = areSharing(twin.peers) ? '' : ', tried when those before it cannot be reached';
    remark(peer.directive.entry, 'translated', 'SQUID_CARRIED', `a further server of upstream ${twin.name}${order}`);
  }
  for (const { upstream, peers: sharing } of choices)
    Object.assign(upstream, sharesOf(sharing), connectionsOf(sharing));
  return choices;
}

/** Says of each choice with which one before it Squid shared requests all the same: rules share them inside an upstream alone. */
function remarkApart(choices: readonly Choice[], resolver: Resolver): void {
  const sharing = choices.filter(({ peers: [first] }) => isShared(first));
  for (const [index, choice] of sharing.entries()) {
    const others = sharing
      .slice(0, index)
      .filter((other) => other.peers[0]?.selection === choice.peers[0]?.selection)
      .filter((other) => !areApart(choice, other, choice.takes, resolver));
    if (others.length > 0)
      remarkUnshared(
        choice.peers,
        others.map(({ name }) => name),
      );
  }
}

/** Peers of one selection method share the requests among them; any other stands by until none of those can be reached. */
function mayJoin({ peers }: Choice, { selection }: Peer): boolean {
  return !areSharing(peers) || peers[0]?.selection === selection;
}

/** What else must be equal in peers of one upstream; made once for each, for hundreds are compared each with each. */
const OPTIONS = new WeakMap<Peer, string>();

function optionsOf(peer: Peer | undefined): string | undefined {
  if (peer === undefined) return undefined;
  const { servers: _servers, from: _from, ...rest } = peer.upstream;
  // Peers that share requests are one upstream all the same.
  const own = peer.selection === 'order' ? [peer.passesLogins, peer.connections] : [];
  const options = OPTIONS.get(peer) ?? JSON.stringify([peer.kind, peer.frontEndHttps, own, rest]);
  OPTIONS.set(peer, options);
  return options;
}

/** Names of upstreams are a narrower set than names of peers; two that become one are numbered. */
function upstreamName(peer: string, taken: readonly string[]): string {
  const name = peer.replace(/[^A-Za-z0-9_.:[\]-]/g, '_');
  let unique = name;
  for (let number = 2; taken.includes(unique); number += 1) unique = `${name}_${number}`;
  return unique;
}

function routeOf(choice: Choice, when: Expr, fallback: readonly StandIn[]): PlannedRoute {
  const from = [...new Set([choice, ...fallback.map((each) => each.choice)].flatMap(provenance))];
  return { choice, fallback, when, whole: when, from };
}

function provenance({ peers }: Choice): SourceRef[] {
  const lines: SquidAccessLine[] = peers.flatMap(({ domains, access }) => [...domains, ...access]);
  const places = [...new Set(lines.map(({ directive }) => directive.at))];
  return places.length > 0 ? places : peers.map(({ directive }) => directive.at);
}

/**
 * The same table as a person would write it. Two neighbours that no request matches both may change places without changing
 * any verdict: what is said without `not` goes first. Then each condition needs to be right only for requests that no route
 * before it takes, so what those routes say already is dropped. `deny exch_url` on the web peer and `allow exch_url` on the
 * other become: exch_url to the other, everything else to web.
 */
function readable(planned: readonly PlannedRoute[]): PlannedRoute[] {
  const routes = [...planned];
  for (let moved = true; moved; ) {
    moved = false;
    for (let index = 0; index + 1 < routes.length; index += 1) {
      const [first, second] = [routes[index], routes[index + 1]];
      if (first === undefined || second === undefined) continue;
      if (negations(first.when) <= negations(second.when) || !areDisjoint(first.when, second.when)) continue;
      routes[index] = second;
      routes[index + 1] = first;
      moved = true;
    }
  }
  const kept: PlannedRoute[] = [];
  for (const route of routes) {
    const when = simplifyOutside(
      route.when,
      kept.map((each) => each.when),
    );
    if (when.kind !== 'never') kept.push({ ...route, when });
  }
  return kept;
}

function remarkInexpressible({ peers, name }: Choice, resolver: Resolver): void {
  for (const peer of peers) {
    for (const line of [...peer.domains, ...peer.access]) {
      const unclear = unclearAtom(line, resolver);
      if (unclear === undefined) continue;
      const message = `the acl ${resolver.nameOf(unclear)} cannot be said as a rule (${resolver.reasonOf(unclear)}), so no route is written for requests that it decides about`;
      remark(line.directive.entry, 'untranslated', 'SQUID_PEER_INEXPRESSIBLE', message, {
        hint: `Add a route to ${name} by hand; until then such requests get 503.`,
        concerns: resolver.condition(most(takesOf(peer, resolver), resolver.isKnown)),
      });
    }
  }
}
