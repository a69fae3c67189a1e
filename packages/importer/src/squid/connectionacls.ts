// Room: acls as miss_access sees them. All lists ask `src` acls about the client that follow_x_forwarded_for found, but this one
// asks about the address that connects (Squid 5: FwdState::Start sets src_addr itself). Where the two may differ, its acls are
// acls of their own. Pure.
import type { SquidAccessLine, Term } from './access.ts';
import type { Acl } from './acl.ts';
import { CONNECTION_SRC, isGroupType } from './acltypes.ts';
import type { Model } from './model.ts';
import { termsOf } from './resolve.ts';

/** Behind the name of an acl where it is asked about the connection: no acl of a file has a blank in its name. */
const OF_CONNECTION = ' of the connection';

/** The model with acls of their own for miss_access; the same where nothing is believed of an address, or no such acl is asked. */
export function withConnectionAcls(model: Model): Model {
  if (model.followForwarded.length === 0 || model.lists.miss.length === 0) return model;
  const acls = new Map(model.acls);
  const miss = model.lists.miss.map(
    (line): SquidAccessLine => ({ ...line, terms: line.terms.map((term) => ofConnection(term, acls)) }),
  );
  return { ...model, acls, lists: { ...model.lists, miss } };
}

function ofConnection(term: Term, acls: Map<string, Acl>): Term {
  const acl = acls.get(term.acl);
  if (acl === undefined || !asksForAddresses(acl, acls, new Set())) return term;
  const name = term.acl + OF_CONNECTION;
  if (!acls.has(name)) {
    // An acl inside itself is met here again, and is there by then.
    acls.set(name, { ...acl, lines: [] });
    acls.set(name, { name: acl.name, ...seenFromConnection(acl, acls) });
  }
  return { ...term, acl: name };
}

/** Its lines have no directive: what becomes of those is said where the acl itself is. */
function seenFromConnection(acl: Acl, acls: Map<string, Acl>): Pick<Acl, 'type' | 'lines'> {
  if (!isGroupType(acl.type)) return { type: CONNECTION_SRC, lines: acl.lines.map(({ values }) => ({ values })) };
  const lines = acl.lines.map((line) => ({
    values: termsOf(line).map((term) => {
      const { acl: name, negated } = ofConnection(term, acls);
      return { text: negated ? `!${name}` : name, ignoreCase: false };
    }),
  }));
  return { type: acl.type, lines };
}

function asksForAddresses(acl: Acl, acls: ReadonlyMap<string, Acl>, seen: Set<Acl>): boolean {
  if (acl.type === 'src' || seen.has(acl)) return acl.type === 'src';
  seen.add(acl);
  return (
    isGroupType(acl.type) &&
    acl.lines.flatMap(termsOf).some(({ acl: name }) => {
      const inner = acls.get(name);
      return inner !== undefined && asksForAddresses(inner, acls, seen);
    })
  );
}
