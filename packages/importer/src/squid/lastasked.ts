// Room: which acl Squid asked last when a list came to its end: deny_info goes by that one, inside groups and on the implied
// denial, too (SQ-221 to SQ-223). Source: acl/Acl.cc ACL::matches, acl/BoolOps.cc; every acl asked leaves its name.
import { lineExpr, type Term } from './access.ts';
import type { Acl } from './acl.ts';
import { isGroupType } from './acltypes.ts';
import { ALWAYS, and, type Expr, not } from './logic.ts';
import { termsOf } from './resolve.ts';

/** One acl that may have been asked last, and when it was; of several cases the first that holds counts. */
export type Asked = { acl: string; when: Expr };

/** Cases for one denial at most: groups of groups of groups are answered 403 rather than spread over the file. */
const CASES_MAX = 16;

export type Questions = { acls: ReadonlyMap<string, Acl>; exprOf: (acl: string) => Expr };

/** Of a line whose terms all hold, or (`holds` false) do not; undefined where there are too many cases. */
export function lastAsked(terms: readonly Term[], holds: boolean, questions: Questions): Asked[] | undefined {
  const last = terms.at(-1);
  if (holds) return last === undefined ? [] : ofTerm(last, true, questions);
  return inOrder(
    terms.map((term) => [not(lineExpr([term], questions.exprOf)), () => ofTerm(term, false, questions)] as const),
  );
}

function ofTerm({ acl: name, negated }: Term, holds: boolean, questions: Questions): Asked[] | undefined {
  const acl = questions.acls.get(name);
  const itself = [{ acl: name, when: ALWAYS }];
  if (acl === undefined || !isGroupType(acl.type)) return itself;
  const lines = acl.lines.map(termsOf);
  const alternatives = acl.type === 'any-of' ? lines.flat().map((term) => [term]) : lines;
  const last = alternatives.at(-1);
  if (last === undefined || alternatives.some((terms) => terms.length === 0)) return itself;
  if (holds === negated) return lastAsked(last, false, questions);
  return inOrder(
    alternatives.map((terms) => [lineExpr(terms, questions.exprOf), () => lastAsked(terms, true, questions)] as const),
  );
}

/** What is asked once the first of these expressions holds. */
function inOrder(steps: readonly (readonly [when: Expr, then: () => Asked[] | undefined])[]): Asked[] | undefined {
  const found: Asked[] = [];
  for (const [when, then] of steps) {
    const asked = then();
    if (asked === undefined) return undefined;
    for (const each of asked) found.push({ ...each, when: and([when, each.when]) });
    if (found.length > CASES_MAX) return undefined;
  }
  return found;
}
