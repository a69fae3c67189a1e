// Room: who stands in for a peer that cannot be reached: every other that may take the request, in Squid's order of choice among those
// that can (neighbors.cc, peerHTTPOkay; SQ-145 to SQ-147). Only peers whose own lists surely let a request pass are given it.
import { remark } from '../ledger.ts';
import {
  ALWAYS,
  and,
  areDisjoint,
  atomsOf,
  demandedAtoms,
  type Expr,
  isNever,
  least,
  most,
  NEVER,
  not,
  simplifyOutside,
} from './logic.ts';
import type { Resolver } from './resolve.ts';
import type { Choice, PlannedRoute } from './routes.ts';

/** A choice that stands in for that of a route; `when`: for which requests of the route. */
export type StandIn = { choice: Choice; when: Expr };

/** A choice that Squid would also have gone to instead of another, for requests of which rules cannot say which they are. */
export type Uncarried = { instead: Choice; of: Choice };

/** Who of `later` stands in for the requests `when` of `choice`. `outside`: what routes in front of it leave. */
export function standIns(
  choice: Choice,
  when: Expr,
  outside: Expr,
  later: readonly Choice[],
  resolver: Resolver,
): { fallback: StandIn[]; uncarried: Uncarried[] } {
  const fallback: StandIn[] = [];
  const uncarried: Uncarried[] = [];
  if (demandsTooMuch(and([when, outside]), resolver)) return { fallback, uncarried };
  for (const instead of later) {
    if (areApart(choice, instead, when, resolver)) continue;
    // A proxy would get such requests before those behind it, and has no upstream here.
    if (instead.peers[0]?.kind !== 'origin') break;
    const its = takenOf(when, least(instead.takes, resolver.isKnown), outside, resolver);
    if (its.kind !== 'never') fallback.push({ choice: instead, when: its });
    if (!atomsOf(instead.takes).every(resolver.isKnown)) uncarried.push({ instead, of: choice });
  }
  return { fallback, uncarried };
}

/** Which of the requests `when` are among those `takes`, as little as needs to be said beside `when`. */
function takenOf(when: Expr, takes: Expr, outside: Expr, resolver: Resolver): Expr {
  // What routes in front take is asked only where it could save a condition: it may be hundreds of them.
  for (const all of outside.kind === 'always' ? [when] : [when, and([when, outside])]) {
    if (areNeverBoth(all, takes, resolver)) return NEVER;
    if (areNeverBoth(all, not(takes), resolver)) return ALWAYS;
  }
  return simplifyOutside(takes, [not(when)]);
}

/** True where no request of `when` is one that `other` may take. */
export function areApart(choice: Choice, other: Choice, when: Expr, resolver: Resolver): boolean {
  return demandApart(choice, other, resolver) || areNeverBoth(when, most(other.takes, resolver.isKnown), resolver);
}

/** Told by what each demands alone: hundreds of peers with a site each are settled by it. */
function demandApart(choice: Choice, other: Choice, resolver: Resolver): boolean {
  const [mine, theirs] = [demanded(choice), demanded(other)];
  return mine.some((each) => theirs.some((their) => resolver.areExclusive(each, their)));
}

function areNeverBoth(one: Expr, other: Expr, resolver: Resolver): boolean {
  return areDisjoint(one, other) || isNever(and([one, other, resolver.exclusions(atomsOf(one, other))]));
}

/** True where it is seen at once that no request is left: two hosts at a time. */
function demandsTooMuch(expr: Expr, resolver: Resolver): boolean {
  const atoms = demandedAtoms(expr);
  return atoms.some((one, index) => atoms.slice(index + 1).some((other) => resolver.areExclusive(one, other)));
}

/** Made once for each: hundreds are compared each with each. */
const DEMANDED = new WeakMap<Choice, string[]>();

function demanded(choice: Choice): string[] {
  const atoms = DEMANDED.get(choice) ?? demandedAtoms(choice.takes);
  DEMANDED.set(choice, atoms);
  return atoms;
}

/** Says of each peer which requests of others it does not get here, though Squid would have sent them. */
export function remarkUncarried(uncarried: readonly Uncarried[]): void {
  for (const instead of new Set(uncarried.map((each) => each.instead))) {
    const of = uncarried.filter((each) => each.instead === instead);
    const entry = instead.peers[0]?.directive.entry;
    if (entry === undefined) continue;
    const names = of.map((each) => each.of.name).join(', ');
    const message = `Squid also gave it requests of ${names} whenever ${of.length === 1 ? 'that peer' : 'those peers'} could not be reached: which of them cannot be said as a rule. Outrigger then answers 502`;
    const hint = `If that was wanted for all of them, add ${instead.name} to fallback of the routes to ${names}.`;
    remark(entry, 'approximated', 'SQUID_PEER_FAILOVER', message, { hint });
  }
}

/** Says of each peer that stands in for others for whom, and where. */
export function remarkFallback(routes: readonly PlannedRoute[]): void {
  const choices = new Set(routes.flatMap(({ fallback }) => fallback.map((each) => each.choice)));
  for (const choice of choices) {
    const entry = choice.peers[0]?.directive.entry;
    if (entry === undefined) continue;
    const numbers = routes.flatMap(({ fallback }, index) =>
      fallback.some((each) => each.choice === choice) ? [index + 1] : [],
    );
    const names = [...new Set(numbers.map((number) => routes[number - 1]?.choice.name))];
    const which = `${numbers.length === 1 ? 'route' : 'routes'} ${numbers.join(', ')}`;
    const logins = choice.peers.every(({ passesLogins }) => passesLogins)
      ? ''
      : ', without Authorization, which Squid took out as well';
    const some = routes.some(({ fallback }) =>
      fallback.some((each) => each.choice === choice && each.when.kind !== 'always'),
    );
    const message = `takes ${some ? 'such requests as its list lets pass' : 'requests'} of ${names.join(', ')} whenever ${names.length === 1 ? 'that peer' : 'one of those peers'} cannot be reached (fallback of ${which})${logins}`;
    const hint = `If that was never meant, leave ${choice.name} out of fallback there.`;
    remark(entry, 'translated', 'SQUID_PEER_FAILOVER', message, { severity: 'warning', hint });
  }
}
