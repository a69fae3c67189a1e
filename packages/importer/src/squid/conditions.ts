// Room: from an expression over acls to a condition as a person would write it: keys merged where the rules file allows,
// `!x` entries rather than `not` where a list is all there is.
import type { Condition } from '@outrigger/rules';
import type { Expr } from './logic.ts';

/** Lists whose entries may be negated with `!`: `!a, !b` holds when neither does. */
const NEGATABLE = ['hosts', 'methods', 'clients', 'listeners'] as const;
/** Lists of alternatives: two conditions of one such key alone are one list. */
const LISTS = ['hosts', 'path', 'url', 'methods', 'headers', 'clients', 'listeners', 'ports'] as const;

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

function disjunction(conditions: readonly Condition[]): Condition {
  const groups: Condition[] = [];
  for (const condition of conditions) {
    const index = groups.findIndex((group) => joinedList(group, condition) !== undefined);
    const joined = index === -1 ? undefined : joinedList(groups[index] ?? {}, condition);
    if (joined === undefined) groups.push(condition);
    else groups[index] = joined;
  }
  const [only] = groups;
  return only !== undefined && groups.length === 1 ? only : { any: groups };
}

function joinedList(left: Condition, right: Condition): Condition | undefined {
  const key = LISTS.find((each) => each === onlyKey(left) && each === onlyKey(right));
  if (key === undefined) return undefined;
  const entries = distinct([...(left[key] ?? []), ...(right[key] ?? [])]);
  // A `!` entry excludes from its whole list, so lists that hold one cannot be joined.
  if (entries.some((entry) => typeof entry === 'string' && entry.startsWith('!'))) return undefined;
  return { [key]: entries };
}

/** Both lists of hosts, of methods or of listeners, without an entry that one request could match in both. */
export function areExclusive(left: Condition, right: Condition): boolean {
  const [mine, theirs] = [entriesOf(left), entriesOf(right)];
  if (mine === undefined || theirs === undefined || mine.key !== theirs.key) return false;
  return (
    !mine.entries.some((entry) => holdsOver(theirs, entry)) && !theirs.entries.some((entry) => holdsOver(mine, entry))
  );
}

type Entries = { key: string; entries: readonly string[]; all: ReadonlySet<string> };

/** A condition that is one list of plain entries, looked at once: hundreds of peers are compared each with each. */
const ENTRIES = new WeakMap<Condition, Entries | 'other'>();

function entriesOf(condition: Condition): Entries | undefined {
  const known = ENTRIES.get(condition) ?? newEntriesOf(condition);
  ENTRIES.set(condition, known);
  return known === 'other' ? undefined : known;
}

function newEntriesOf(condition: Condition): Entries | 'other' {
  const key = NEGATABLE.find((each) => each !== 'clients' && each === onlyKey(condition));
  const entries = key === undefined ? [] : (condition[key] ?? []);
  if (key === undefined || entries.some((entry) => entry.startsWith('!') || entry === '*')) return 'other';
  return { key, entries, all: new Set(entries) };
}

/** One of `entries` is `entry`, or a domain that it lies in. */
function holdsOver({ key, all }: Entries, entry: string): boolean {
  if (all.has(entry)) return true;
  if (key !== 'hosts') return false;
  if (!entry.startsWith('.') && all.has(`.${entry}`)) return true;
  for (let dot = entry.indexOf('.', 1); dot !== -1; dot = entry.indexOf('.', dot + 1)) {
    if (all.has(entry.slice(dot))) return true;
  }
  return false;
}

function distinct<Item>(items: readonly Item[]): Item[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}

function onlyKey(condition: Condition): string | undefined {
  const keys = Object.keys(condition);
  return keys.length === 1 ? keys[0] : undefined;
}
