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
  const key = NEGATABLE.find((each) => each !== 'clients' && each === onlyKey(left) && each === onlyKey(right));
  if (key === undefined) return false;
  const [mine, theirs] = [left[key] ?? [], right[key] ?? []];
  if ([...mine, ...theirs].some((entry) => entry.startsWith('!') || entry === '*')) return false;
  const overlaps = (a: string, b: string): boolean =>
    a === b ||
    (key === 'hosts' && ((a.startsWith('.') && `.${b}`.endsWith(a)) || (b.startsWith('.') && `.${a}`.endsWith(b))));
  return !mine.some((a) => theirs.some((b) => overlaps(a, b)));
}

function distinct<Item>(items: readonly Item[]): Item[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}

function onlyKey(condition: Condition): string | undefined {
  const keys = Object.keys(condition);
  return keys.length === 1 ? keys[0] : undefined;
}
