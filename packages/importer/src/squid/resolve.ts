// Room: acl names to expressions and conditions: groups opened, empty acls and acls that always hold folded away, and what
// cannot be said marked with its reason. Also the ledger of acl lines.
import { type Condition, describeTime, type SourceRef, type TimeCondition } from '@outrigger/rules';
import type { ImportCode } from '../codes.ts';
import { remark } from '../ledger.ts';
import { CREDENTIAL_FIELD, MASK } from '../redact.ts';
import { lineExpr, type SquidAccessLine, type Term, undefinedAtom } from './access.ts';
import type { Acl, AclLine } from './acl.ts';
import { keptAddresses } from './aclnumbers.ts';
import { CONNECTION_SRC, isGroupType, meaningOf } from './acltypes.ts';
import { areExclusive, conditionOf } from './conditions.ts';
import { ALWAYS, and, atom, atomsOf, type Expr, NEVER, not, or } from './logic.ts';
import { ADDRESS_HOST, ADDRESS_HOST_CONDITION, asksDns, withLookups } from './lookups.ts';
import type { Meaning, MeaningContext, Pattern } from './meaning.ts';

export type Resolver = {
  /** The expression an acl stands for. Atoms are acls that neither always nor never hold. */
  exprOf(acl: string): Expr;
  lineOf(line: SquidAccessLine): Expr;
  /** The same where a line decides over access: what Squid may find in DNS is an atom that cannot be said. */
  accessOf(line: SquidAccessLine): Expr;
  /** False for an atom no condition can say. */
  isKnown(atom: string): boolean;
  /** True for known atoms, and for those that can be said nearly: good enough where access is decided. */
  isSayable(atom: string): boolean;
  /** What differs where an atom can only be said nearly. */
  approximationOf(atom: string): string | undefined;
  /** An atom as the file spells it. */
  nameOf(atom: string): string;
  /** That these two atoms never hold together, by what they say. */
  areExclusive(one: string, other: string): boolean;
  /** That pairs of these atoms never hold together: different hosts, methods or listeners. */
  exclusions(atoms: readonly string[]): Expr;
  /** Why an atom cannot be said. */
  reasonOf(atom: string): string;
  condition(expr: Expr): Condition;
  /** Patterns of an acl, for the search for what they let through. */
  patternsOf(atom: string): { pattern: Pattern; at: SourceRef | undefined }[];
  /** Writes what became of each acl line, given the acls that rules depend on. */
  remarkAcls(used: readonly string[]): void;
};

type Resolved = {
  meanings: { line: AclLine; meaning: Meaning }[];
  expr: Expr;
  condition: Condition;
  reason?: string;
  isNear?: true;
};

export function createResolver(acls: ReadonlyMap<string, Acl>, context: MeaningContext): Resolver {
  const cache = new Map<string, Resolved>([
    [ADDRESS_HOST, { meanings: [], expr: atom(ADDRESS_HOST), condition: ADDRESS_HOST_CONDITION }],
  ]);
  const asks = (name: string): boolean => {
    const acl = acls.get(name);
    return acl !== undefined && asksDns(acl);
  };
  const resolve = (name: string): Resolved => {
    const found = cache.get(name);
    if (found !== undefined) return found;
    const acl = acls.get(name);
    // An acl inside itself holds nowhere by itself; the entry also ends such a circle.
    cache.set(name, { meanings: [], expr: NEVER, condition: {} });
    const resolved =
      acl === undefined ? undefinedAcl(name) : resolveAcl(name, acl, context, (inner) => resolve(inner).expr);
    cache.set(name, resolved);
    return resolved;
  };
  const resolver: Resolver = {
    exprOf: (acl) => resolve(acl).expr,
    lineOf: ({ terms }) => lineExpr(terms, resolver.exprOf),
    accessOf: (line) => withLookups(resolver.lineOf(line), asks),
    isKnown: (name) => !name.startsWith('undefined acl ') && resolve(name).reason === undefined,
    isSayable: (name) =>
      resolver.isKnown(name) || (!name.startsWith('undefined acl ') && resolve(name).isNear === true),
    approximationOf: (name) => (resolver.isKnown(name) || !resolver.isSayable(name) ? undefined : resolve(name).reason),
    reasonOf: (name) => (name.startsWith('undefined acl ') ? 'no line defines it' : (resolve(name).reason ?? '')),
    nameOf: (name) => acls.get(name)?.name ?? name.replace(/^undefined acl /, ''),
    areExclusive: (one, other) => areExclusive(resolve(one).condition, resolve(other).condition),
    exclusions: (names) =>
      and(
        names.flatMap((name, index) =>
          names
            .slice(index + 1)
            .filter((other) => areExclusive(resolve(name).condition, resolve(other).condition))
            .map((other) => not(and([atom(name), atom(other)]))),
        ),
      ),
    // A copy each time: one array in two rules would become an anchor and an alias in the file.
    condition: (expr) => conditionOf(expr, (name) => structuredClone(resolve(name).condition)),
    patternsOf: (name) =>
      resolve(name).meanings.flatMap(({ line, meaning }) =>
        meaning.kind === 'condition' ? meaning.patterns.map((pattern) => ({ pattern, at: line.directive?.at })) : [],
      ),
    remarkAcls: (used) => {
      const reached = aclsReached(used, acls);
      for (const [name, acl] of acls) {
        const resolved = resolve(name);
        remarkAcl(acl, resolved, reached.has(name));
        if (reached.has(name) && asksDns(acl) && resolved.expr.kind === 'atom') remarkLookup(acl);
      }
    },
  };
  return resolver;
}

/** The first atom of a line that `isClear` denies: by itself, one that no condition says exactly; undefined where all can be said. */
export function unclearAtom(
  line: SquidAccessLine,
  resolver: Resolver,
  isClear: (atom: string) => boolean = resolver.isKnown,
): string | undefined {
  return atomsOf(resolver.lineOf(line)).find((name) => !isClear(name));
}

function undefinedAcl(name: string): Resolved {
  return { meanings: [], expr: undefinedAtom(name), condition: {}, reason: 'no line defines it' };
}

function resolveAcl(name: string, acl: Acl, context: MeaningContext, exprOf: (acl: string) => Expr): Resolved {
  if (isGroupType(acl.type)) {
    const expr = or(acl.lines.map((line) => groupExpr(acl.type, termsOf(line), exprOf)));
    return { meanings: [], expr, condition: {} };
  }
  const meanings = meaningsOf(acl, context);
  const all = meanings.map(({ meaning }) => meaning);
  if (all.some(({ kind }) => kind === 'always')) return { meanings, expr: ALWAYS, condition: {} };
  const unclear = all.find((meaning) => meaning.kind === 'inexpressible');
  if (unclear !== undefined) return { meanings, expr: atom(name), condition: {}, reason: unclear.reason };
  const conditions = all.flatMap((meaning) => ('condition' in meaning ? [meaning.condition] : []));
  const near = all.find((meaning) => meaning.kind === 'approximate');
  if (conditions.length === 0) return { meanings, expr: NEVER, condition: {} };
  // Lines of one name OR: the parts of a condition are numbered atoms of a throw-away expression.
  const parts = or(conditions.map((_, index) => atom(String(index))));
  const condition = conditionOf(parts, (index) => conditions[Number(index)] ?? {});
  return {
    meanings,
    expr: atom(name),
    condition,
    ...(near !== undefined && { reason: near.reason, isNear: true as const }),
  };
}

/** Types whose values are addresses, of which Squid drops those that overlap. */
const ADDRESS_TYPES: readonly string[] = ['src', CONNECTION_SRC, 'localip'];

/** Types of which the last line takes the place of those before it, where those of others add. */
const LAST_LINE_TYPES: readonly string[] = ['maxconn'];

function lostTo(last: AclLine | undefined): Meaning {
  const message = `line ${last?.directive?.at.line} says it again, and the last one counts`;
  return { kind: 'never', notes: [{ code: 'SQUID_ACL_BAD', message }] };
}

function meaningsOf({ type, lines }: Acl, context: MeaningContext): Resolved['meanings'] {
  if (!ADDRESS_TYPES.includes(type)) {
    return lines.map((line, index) => {
      const isLost = LAST_LINE_TYPES.includes(type) && index < lines.length - 1;
      return { line, meaning: isLost ? lostTo(lines.at(-1)) : meaningOf(type, line.values, context) };
    });
  }
  const kept = keptAddresses(lines.map(({ values }) => values));
  return lines.map((line, index) => {
    const { values = [], notes = [] } = kept[index] ?? {};
    const meaning = meaningOf(type, values, context);
    return { line, meaning: { ...meaning, notes: [...meaning.notes, ...notes] } };
  });
}

function groupExpr(type: string, terms: readonly Term[], exprOf: (acl: string) => Expr): Expr {
  if (type === 'all-of') return lineExpr(terms, exprOf);
  return or(terms.map((term) => lineExpr([term], exprOf)));
}

/** The acls a line of a group names. */
export function termsOf(line: AclLine): Term[] {
  return line.values.map(({ text }) => ({
    acl: text.replace(/^!/, '').toLowerCase(),
    negated: text.startsWith('!'),
    written: text,
  }));
}

/** The acls named, and those that groups among them are made of. */
export function aclsReached(names: readonly string[], acls: ReadonlyMap<string, Acl>): Set<string> {
  const reached = new Set<string>();
  const visit = (name: string): void => {
    if (reached.has(name)) return;
    reached.add(name);
    const acl = acls.get(name);
    if (acl === undefined || !isGroupType(acl.type)) return;
    for (const term of acl.lines.flatMap(termsOf)) visit(term.acl);
  };
  names.forEach(visit);
  return reached;
}

/** Notes that ask nothing of anybody, told where rules depend on the acl. */
const QUIET: readonly ImportCode[] = ['SQUID_METHOD_CASE', 'SQUID_CARRIED', 'SQUID_LOCALHOST'];

function remarkAcl(acl: Acl, resolved: Resolved, isUsed: boolean): void {
  for (const [index, line] of acl.lines.entries()) {
    const entry = line.directive?.entry;
    if (entry === undefined) continue;
    const meaning = resolved.meanings[index]?.meaning;
    for (const { code, message, hint, grave, concerns } of meaning?.notes ?? []) {
      const disposition = grave ? 'malformed' : concerns === undefined ? 'translated' : 'approximated';
      const isQuiet = QUIET.includes(code);
      if (!isUsed && isQuiet) continue;
      const severity = grave ? 'error' : isQuiet ? 'note' : 'warning';
      remark(entry, disposition, code, message, {
        severity,
        ...(hint !== undefined && { hint }),
        ...(concerns !== undefined && { concerns }),
      });
    }
    if (!isUsed) {
      remark(entry, 'irrelevant', 'SQUID_ACL_UNUSED', 'no line that decides over requests uses it');
    } else if (meaning === undefined) {
      remark(
        entry,
        'translated',
        'SQUID_CARRIED',
        acl.type === 'all-of' ? 'holds when all of its acls do' : 'holds when one of its acls does',
      );
    } else if (meaning.kind === 'inexpressible') {
      remark(entry, 'untranslated', 'SQUID_ACL_INEXPRESSIBLE', `cannot be said as a rule: ${meaning.reason}`, {
        hint: 'Rules that depend on it are left out or narrowed; see the lines that use it.',
      });
    } else if (meaning.kind === 'approximate') {
      remark(entry, 'approximated', 'SQUID_ACL_APPROXIMATED', `${describe(meaning.condition)}: ${meaning.reason}`);
    } else if (meaning.kind === 'condition') {
      remark(entry, 'translated', 'SQUID_CARRIED', describe(meaning.condition));
    } else if (meaning.kind === 'always') {
      remark(entry, 'translated', 'SQUID_CARRIED', 'always holds');
    } else if (meaning.notes.length === 0) {
      remark(entry, 'translated', 'SQUID_CARRIED', 'never holds here');
    } else {
      remark(entry, 'translated', 'SQUID_ACL_EMPTY', 'nothing of it is left that could match');
    }
  }
}

/** Said once for each acl. A pattern may match names that nobody thought of; a domain is matched by those of its owner alone. */
function remarkLookup({ type, lines: [first] }: Acl): void {
  const directive = first?.directive;
  if (directive === undefined) return;
  const message =
    'where the Host is an address, Squid also went by the name that DNS has for it; routes go by the address, and access lines let nobody in for such a name';
  const isPattern = type === 'dstdom_regex';
  remark(directive.entry, isPattern ? 'approximated' : 'translated', 'SQUID_REVERSE_LOOKUP', message, {
    severity: 'note',
    concerns: ADDRESS_HOST_CONDITION,
  });
}
/** A pattern on such a field is the secret itself, and it may be spelled otherwise than in the file. */
function isCredential(field: string | undefined): boolean {
  return field !== undefined && CREDENTIAL_FIELD.test(field);
}

/** Entries of a condition shown in a report before it says how many more there are. */
const SHOWN_MAX = 4;

/** A condition in a few words: `hosts .contoso.com`, `url contoso\.com/owa (any case)`. */
export function describe(condition: Condition): string {
  const parts = Object.entries(condition).map(([key, value]) => {
    if (key === 'not') return `not (${describe(value as Condition)})`;
    if (key === 'any' || key === 'all') {
      return (value as Condition[]).map((each) => `(${describe(each)})`).join(key === 'any' ? ' or ' : ' and ');
    }
    if (key === 'time') return `time ${(value as TimeCondition[]).map(describeTime).join(', ')}`;
    if (typeof value === 'number') return `${key} ${value}`;
    const entries = (value as (string | number | { regex: string; name?: string; ignoreCase?: boolean })[]).map(
      (entry) =>
        typeof entry === 'object'
          ? `${entry.name === undefined ? '' : `${entry.name} `}${isCredential(entry.name) ? MASK : entry.regex}${entry.ignoreCase ? ' (any case)' : ''}`
          : String(entry),
    );
    const more = entries.length - SHOWN_MAX;
    return `${key} ${entries.slice(0, SHOWN_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  });
  return parts.length === 0 ? 'every request' : parts.join(' and ');
}
