// Room: one line of an access list (http_access, cache_peer_access and the like): its action and the acls that must all hold.
// Source: acl/Gadgets.cc aclParseAccessLine, acl/InnerNode.cc lineParse (SQ-28, SQ-31, SQ-33, SQ-38, SQ-39).
import { suggestion } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { type Acl, type FileContext, readValues } from './acl.ts';
import type { Directive } from './expand.ts';
import { and, atom, type Expr, not } from './logic.ts';

/** An acl on a line, by its name in lower case, and as the line spells it. */
export type Term = { acl: string; negated: boolean; written: string };

export type SquidAccessLine = { action: 'allow' | 'deny'; terms: Term[]; directive: Directive };

/**
 * Reads `allow|deny acl…` from word `skip` on; undefined for what Squid skips, which is remarked. An acl that no line before
 * defines stays on the line: nothing is known of it.
 */
export function readAccessLine(
  directive: Directive,
  skip: number,
  acls: ReadonlyMap<string, Acl>,
  files: FileContext,
): SquidAccessLine | undefined {
  const action = directive.words[skip]?.text;
  if (action !== 'allow' && action !== 'deny') {
    const message = `expects allow or deny, in lower case, and finds ${action ?? 'nothing'}: Squid skips the line`;
    remark(directive.entry, 'malformed', 'SQUID_ACCESS_BAD', message, { hint: 'Correct the line if it should count.' });
    return undefined;
  }
  const terms = readTerms(directive, skip + 1, acls, files);
  if (terms.length === 0) {
    remark(directive.entry, 'malformed', 'SQUID_ACCESS_BAD', 'names no acl: Squid skips the line', {
      hint: 'Add all if it should always hold.',
    });
    return undefined;
  }
  return { action, terms, directive };
}

/** Acl names from word `skip` on, `!` in front of those that must not hold. */
export function readTerms(
  directive: Directive,
  skip: number,
  acls: ReadonlyMap<string, Acl>,
  files: FileContext,
): Term[] {
  return readValues(directive, skip, false, files).map(({ text }) => {
    const negated = text.startsWith('!');
    const name = negated ? text.slice(1) : text;
    if (!acls.has(name.toLowerCase())) {
      const hint = suggestion(
        name,
        [...acls.values()].map((acl) => acl.name),
      );
      const message = `no line before this one defines the acl ${name}: Squid does not start`;
      remark(directive.entry, 'malformed', 'SQUID_ACL_UNDEFINED', message, hint === undefined ? {} : { hint });
    }
    return { acl: name.toLowerCase(), negated, written: text };
  });
}

/** All terms of a line hold. */
export function lineExpr(terms: readonly Term[], exprOf: (acl: string) => Expr): Expr {
  return and(terms.map(({ acl, negated }) => (negated ? not(exprOf(acl)) : exprOf(acl))));
}

/** Terms as written, for messages. */
export function printTerms(terms: readonly Term[]): string {
  return terms.map(({ written }) => written).join(' ');
}

/** An atom for an acl that is not defined: nothing is known of it. */
export function undefinedAtom(acl: string): Expr {
  return atom(`undefined acl ${acl}`);
}
