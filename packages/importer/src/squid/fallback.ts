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
  not,
  occurs,
  simplifyOutside,
} from './logic.ts';
import type { Resolver } from './resolve.ts';
import type { Choice, PlannedRoute } from './routes.ts';

/** Requests of one choice, and who stands in for it there. */
export type Part = { when: Expr; fallback: readonly Choice[] };

/**
 * Parts that the requests of one choice may fall into. Each other peer may halve each part; more than this is no table that anybody
 * would read, and what is beyond it has no fallback.
 */
const PARTS_MAX = 8;

/** Why some requests have no fallback that Squid would have gone to, as the end of a sentence. */
const UNCARRIED = {
  unclear: 'which of them cannot be said as a rule',
  chance: 'those whose URLs match patterns of both by chance',
  many: 'only some of them, and rules that say which would fill a page',
} as const;

/** A choice that Squid would have gone to instead of another, and why rules do not. */
export type Uncarried = { instead: Choice; of: Choice; because: keyof typeof UNCARRIED };

/** The requests `when` of `choice`, parted by who of `later` stands in for it. `outside`: what routes in front of it leave. */
export function standIns(
  choice: Choice,
  when: Expr,
  outside: Expr,
  later: readonly Choice[],
  resolver: Resolver,
): { parts: Part[]; uncarried: Uncarried[] } {
  let parts: Part[] = [{ when, fallback: [] }];
  const uncarried: Uncarried[] = [];
  if (demandsTooMuch(and([when, outside]), resolver)) return { parts, uncarried };
  for (const [index, instead] of later.entries()) {
    if (areApart(choice, instead, when, resolver)) continue;
    // A proxy would get such requests before those behind it, and has no upstream here.
    if (instead.peers[0]?.kind !== 'origin') break;
    const sure = least(instead.takes, resolver.isKnown);
    const byChance = meetByChance(when, sure, resolver);
    const halved = parts.flatMap((part) => halves(part, instead, sure, byChance ? ALWAYS : outside, resolver));
    if (halved.length > PARTS_MAX && !byChance) {
      const rest = later.slice(index).filter((each) => !demandApart(choice, each, resolver));
      uncarried.push(...rest.map((each) => ({ instead: each, of: choice, because: 'many' as const })));
      break;
    }
    if (byChance && halved.length > parts.length) uncarried.push({ instead, of: choice, because: 'chance' });
    else parts = halved;
    if (!atomsOf(instead.takes).every(resolver.isKnown)) uncarried.push({ instead, of: choice, because: 'unclear' });
  }
  return { parts, uncarried };
}

/** Both ask for URLs by patterns of their own: what matches both is an accident, as `/owa?x=/tickets` is, and no route is worth it. */
function meetByChance(one: Expr, other: Expr, resolver: Resolver): boolean {
  const patterns = (expr: Expr): string[] =>
    atomsOf(expr).filter((name) => occurs(expr, name, true) && resolver.patternsOf(name).length > 0);
  const [mine, theirs] = [patterns(one), patterns(other)];
  return mine.length > 0 && theirs.length > 0 && mine.every((name) => !theirs.includes(name));
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

function halves(part: Part, other: Choice, takes: Expr, outside: Expr, resolver: Resolver): Part[] {
  const whole = { when: part.when, fallback: [...part.fallback, other] };
  // What routes in front take is asked only where it could save a route: it may be hundreds of conditions.
  for (const when of outside.kind === 'always' ? [part.when] : [part.when, and([part.when, outside])]) {
    if (areNeverBoth(when, takes, resolver)) return [part];
    if (areNeverBoth(when, not(takes), resolver)) return [whole];
  }
  const where = (expr: Expr): Expr => and([part.when, simplifyOutside(expr, [not(part.when)])]);
  return [
    { ...whole, when: where(takes) },
    { when: where(not(takes)), fallback: part.fallback },
  ];
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
    for (const because of Object.keys(UNCARRIED) as (keyof typeof UNCARRIED)[]) {
      const of = uncarried.filter((each) => each.instead === instead && each.because === because);
      const entry = instead.peers[0]?.directive.entry;
      if (of.length === 0 || entry === undefined) continue;
      const names = of.map((each) => each.of.name).join(', ');
      const message = `Squid also gave it requests of ${names} whenever ${of.length === 1 ? 'that peer' : 'those peers'} could not be reached: ${UNCARRIED[because]}. Outrigger then answers 502`;
      const asked = `If that was wanted, add fallback: ${instead.name} to the routes of the other.`;
      const told = because === 'chance' ? { severity: 'note' as const } : { hint: asked };
      remark(entry, 'approximated', 'SQUID_PEER_FAILOVER', message, told);
    }
  }
}

/** Says of each peer that stands in for others for whom, and where. */
export function remarkFallback(routes: readonly PlannedRoute[]): void {
  const choices = new Set(routes.flatMap(({ fallback }) => fallback));
  for (const choice of choices) {
    const entry = choice.peers[0]?.directive.entry;
    if (entry === undefined) continue;
    const numbers = routes.flatMap(({ fallback }, index) => (fallback.includes(choice) ? [index + 1] : []));
    const names = [...new Set(numbers.map((number) => routes[number - 1]?.choice.name))];
    const which = `${numbers.length === 1 ? 'route' : 'routes'} ${numbers.join(', ')}`;
    const logins = choice.peers.every(({ passesLogins }) => passesLogins)
      ? ''
      : ', without Authorization, which Squid took out as well';
    const message = `takes requests of ${names.join(', ')} whenever ${names.length === 1 ? 'that peer' : 'one of those peers'} cannot be reached (fallback of ${which})${logins}`;
    const hint = `If that was never meant, leave ${choice.name} out of fallback there.`;
    remark(entry, 'translated', 'SQUID_PEER_FAILOVER', message, { severity: 'warning', hint });
  }
}
