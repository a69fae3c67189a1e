// Room: from an expression over acls to a condition as a person would write it: keys merged where the rules file allows,
// `!x` entries rather than `not` where a list is all there is.
import type { Condition } from '@outrigger/rules';
import type { Expr } from './logic.ts';

/** Lists whose entries may be negated with `!`: `!a, !b` holds when neither does. */
const NEGATABLE = ['hosts', 'methods', 'clients', 'connectsFrom', 'listeners'] as const;
/** Lists whose entries may overlap: no look at two of them says that no request is in both. */
const ADDRESS_LISTS: ReadonlySet<string> = new Set(['clients', 'connectsFrom']);
/** Lists of alternatives: two conditions of one such key alone are one list. */
const LISTS = [...NEGATABLE, 'path', 'url', 'headers', 'ports', 'time'] as const;

/** A condition that holds exactly when `expr` does; `expr` must not be `never`, for no condition says that. */
export function conditionOf(expr: Expr, meaning: (name: string) => Condition): Condition {
  switch (expr.kind) {
    case 'always':
      return {};
    case 'never':
      throw new Error('a rule that can never hold must not be lowered');
    case 'atom':
      return meaning(expr.name);
    case 'not':
      return negated(conditionOf(expr.of, meaning));
    case 'and':
      return conjunction(expr.parts.map((part) => conditionOf(part, meaning)));
    case 'or':
      return disjunction(expr.parts.map((part) => conditionOf(part, meaning)));
  }
}

function negated(condition: Condition): Condition {
  const key = onlyKey(condition);
  if (key === 'not' && condition.not !== undefined) return condition.not;
  const list = NEGATABLE.find((each) => each === key);
  const entries = list === undefined ? undefined : condition[list];
  if (list === undefined || entries === undefined) return { not: condition };
  if (entries.every((entry) => !entry.startsWith('!'))) return { [list]: entries.map((entry) => `!${entry}`) };
  return { not: condition };
}

/** Keys of a condition are joined by AND already: different keys merge; `!` entries of one list merge too. */
function conjunction(conditions: readonly Condition[]): Condition {
  let merged: Condition = {};
  const apart: Condition[] = [];
  for (const condition of conditions) {
    const combined = mergedKeys(merged, condition);
    if (combined === undefined) apart.push(condition);
    else merged = combined;
  }
  if (apart.length === 0) return merged;
  return { all: [merged, ...apart] };
}

function mergedKeys(left: Condition, right: Condition): Condition | undefined {
  const merged: Condition = { ...left };
  for (const key of Object.keys(right) as (keyof Condition)[]) {
    if (left[key] === undefined) {
      Object.assign(merged, { [key]: right[key] });
      continue;
    }
    const list = NEGATABLE.find((each) => each === key);
    if (list === undefined) return undefined;
    const entries = right[list] ?? [];
    // Negated entries narrow whatever stands beside them; two positive lists would widen each other.
    if (!entries.every((entry) => entry.startsWith('!'))) return undefined;
    merged[list] = [...(left[list] ?? []), ...entries];
  }
  return merged;
}

/** Conditions of one list each are one list, where the first of them stands; a file has thousands, so they are joined at once. */
function disjunction(conditions: readonly Condition[]): Condition {
  const lists = new Map<ListKey, unknown[]>();
  const groups: (Condition | ListKey)[] = [];
  for (const condition of conditions) {
    const key = joinableKey(condition);
    if (key === undefined) {
      groups.push(condition);
      continue;
    }
    const joined = lists.get(key) ?? [];
    if (joined.length === 0) groups.push(key);
    for (const entry of condition[key] ?? []) joined.push(entry);
    lists.set(key, joined);
  }
  const written = groups.map((group): Condition => {
    return typeof group === 'string' ? { [group]: distinct(lists.get(group) ?? []) } : group;
  });
  const [only] = written;
  return only !== undefined && written.length === 1 ? only : { any: written };
}

type ListKey = (typeof LISTS)[number];

/** The list a condition is all of. A `!` entry excludes from its whole list, so a list that holds one cannot be joined. */
function joinableKey(condition: Condition): ListKey | undefined {
  const key = LISTS.find((each) => each === onlyKey(condition));
  const entries: readonly unknown[] = key === undefined ? [] : (condition[key] ?? []);
  return entries.some((entry) => typeof entry === 'string' && entry.startsWith('!')) ? undefined : key;
}

/** Both lists of hosts, of methods or of listeners, without an entry that one request could match in both. */
export function areExclusive(left: Condition, right: Condition): boolean {
  const [mine, theirs] = [entriesOf(left), entriesOf(right)];
  if (mine === undefined || theirs === undefined || mine.key !== theirs.key) return false;
  return (
    !mine.entries.some((entry) => theirs.within.has(entry)) && !theirs.entries.some((entry) => mine.within.has(entry))
  );
}

/** `within`: the entries, and for hosts the domains they lie in: what another list must not hold. */
type Entries = { key: string; entries: readonly string[]; within: ReadonlySet<string> };

/** A condition that is one list of plain entries, looked at once: hundreds of peers are compared each with each. */
const ENTRIES = new WeakMap<Condition, Entries | 'other'>();

function entriesOf(condition: Condition): Entries | undefined {
  const known = ENTRIES.get(condition) ?? newEntriesOf(condition);
  ENTRIES.set(condition, known);
  return known === 'other' ? undefined : known;
}

function newEntriesOf(condition: Condition): Entries | 'other' {
  const key = NEGATABLE.find((each) => !ADDRESS_LISTS.has(each) && each === onlyKey(condition));
  const entries = key === undefined ? [] : (condition[key] ?? []);
  if (key === undefined || entries.some((entry) => entry.startsWith('!') || entry === '*')) return 'other';
  return { key, entries, within: new Set(key === 'hosts' ? entries.flatMap(domainsOf) : entries) };
}

/** An entry of hosts and every entry of a domain that it lies in. */
function domainsOf(entry: string): string[] {
  const domains = entry.startsWith('.') ? [entry] : [entry, `.${entry}`];
  for (let dot = entry.indexOf('.', 1); dot !== -1; dot = entry.indexOf('.', dot + 1)) domains.push(entry.slice(dot));
  return domains;
}

function distinct<Item>(items: readonly Item[]): Item[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}

function onlyKey(condition: Condition): string | undefined {
  const keys = Object.keys(condition);
  return keys.length === 1 ? keys[0] : undefined;
}
