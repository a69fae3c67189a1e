// Room: what of an access line can be said as a rule, and what is told where that is not the whole of it: an allow line keeps what
// is sure, a deny line takes in what may be, so that nobody is let in for what no rule sees.
import type { Condition } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import type { SquidAccessLine } from './access.ts';
import { atom, atomsOf, type Expr, least, most, occurs } from './logic.ts';
import { ADDRESS_HOST } from './lookups.ts';
import { type Resolver, unclearAtom } from './resolve.ts';

/** Atoms a line can say: those that are known, and those said nearly where they take away, not where they let in. */
export function clearIn(line: SquidAccessLine, resolver: Resolver): (name: string) => boolean {
  const expr = resolver.lineOf(line);
  const takesAway = (name: string): boolean => !occurs(expr, name, line.action === 'allow');
  return (name) => resolver.isKnown(name) || (resolver.isSayable(name) && takesAway(name));
}

/** What a line comes to as a rule: what cannot be said lets nobody in. */
export function sayable(line: SquidAccessLine, resolver: Resolver): Expr {
  const bound = line.action === 'allow' ? least : most;
  return bound(resolver.accessOf(line), clearIn(line, resolver));
}

/** Says that a deny line denies more than the old one. */
export function remarkWidened(line: SquidAccessLine, when: Expr, resolver: Resolver): void {
  const message =
    when.kind === 'always'
      ? `${unclearIn(line, resolver)}, so what it would have denied is unknown: from here on everything is denied`
      : `${unclearIn(line, resolver)}, so the line denies whatever its other acls match`;
  remark(line.directive.entry, 'untranslated', 'SQUID_DENY_WIDENED', message, {
    hint: 'Remove the line from the copy you import if you can do without it, or write what was meant by hand.',
    concerns: concernOf(line, resolver),
  });
}

/** Says that an allow line allows less than the old one. */
export function remarkLeftOut(line: SquidAccessLine, resolver: Resolver): void {
  const message = `${unclearIn(line, resolver)}, so what only this line allows is not allowed`;
  remark(line.directive.entry, 'untranslated', 'SQUID_ALLOW_LEFT_OUT', message, {
    hint: 'Write an access line by hand that allows what was meant.',
    concerns: concernOf(line, resolver),
  });
}

/** Every request that a line may decide over, whatever the acls that cannot be said would say. */
export function concernOf(line: SquidAccessLine, resolver: Resolver): Condition {
  return resolver.condition(most(resolver.accessOf(line), clearIn(line, resolver)));
}

/** What becomes of a Host that is an address, where the name that DNS has for it may decide and nobody shall be let in for it. */
export function remarkLookups(line: SquidAccessLine, when: Expr, resolver: Resolver): void {
  if (!atomsOf(when).includes(ADDRESS_HOST)) return;
  const [code, what] =
    line.action === 'deny'
      ? (['SQUID_DENY_WIDENED', 'is denied by it, too'] as const)
      : (['SQUID_ALLOW_LEFT_OUT', 'is not allowed by it'] as const);
  const message = `a request whose Host is an address ${what}: Squid went by the name that DNS has for it`;
  remark(line.directive.entry, 'approximated', code, message, {
    hint: 'With -n in front of the values of the acl Squid asks no DNS, and the rule is exact.',
    concerns: resolver.condition(atom(ADDRESS_HOST)),
  });
}

/** The acl of a line that cannot be said, and why, as a clause. */
export function unclearIn(line: SquidAccessLine, resolver: Resolver): string {
  const unclear = unclearAtom(line, resolver, clearIn(line, resolver)) ?? '';
  return `the acl ${resolver.nameOf(unclear)} cannot be said as a rule (${resolver.reasonOf(unclear)})`;
}
