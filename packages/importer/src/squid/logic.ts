// Room: truth over acls. Access lists become expressions whose atoms are acls; here they are built, compared and simplified.
// What an atom says is acl.ts; what an expression becomes in a rules file is conditions.ts.

/** A truth over named acls. `always` and `never` appear only at the top: the constructors below fold them away. */
export type Expr =
  | { kind: 'always' }
  | { kind: 'never' }
  | { kind: 'atom'; name: string }
  | { kind: 'not'; of: Expr }
  | { kind: 'and' | 'or'; parts: Expr[] };

export const ALWAYS: Expr = { kind: 'always' };
export const NEVER: Expr = { kind: 'never' };

/**
 * Cases tried before a comparison gives up. A file with hundreds of sites needs hundreds; one built to be hard would need
 * 2^n. Giving up claims nothing: the import stays right and only reads less well.
 */
const CASES_MAX = 20_000;

export function atom(name: string): Expr {
  return { kind: 'atom', name };
}

export function not(of: Expr): Expr {
  if (of.kind === 'always') return NEVER;
  if (of.kind === 'never') return ALWAYS;
  return of.kind === 'not' ? of.of : { kind: 'not', of };
}

export function and(parts: readonly Expr[]): Expr {
  return join('and', parts, ALWAYS, NEVER);
}

export function or(parts: readonly Expr[]): Expr {
  return join('or', parts, NEVER, ALWAYS);
}

function join(kind: 'and' | 'or', parts: readonly Expr[], neutral: Expr, absorbing: Expr): Expr {
  const flat = parts.flatMap((part) => (part.kind === kind ? part.parts : [part]));
  const kept: Expr[] = [];
  const seen = new Set<string>();
  for (const part of flat) {
    if (part.kind === absorbing.kind) return absorbing;
    const key = keyOf(part);
    if (part.kind === neutral.kind || seen.has(key)) continue;
    if (seen.has(part.kind === 'not' ? keyOf(part.of) : `!${key}`)) return absorbing;
    seen.add(key);
    kept.push(part);
  }
  const [only] = kept;
  if (only === undefined) return neutral;
  return kept.length === 1 ? only : { kind, parts: kept };
}

/** One line of an access list. */
export type ListLine = { action: 'allow' | 'deny'; when: Expr };

/**
 * What a list of Squid allows: the first line that matches decides, behind the last stands its opposite (SQ-34, SQ-35), and
 * a list without lines allows everything.
 */
export function allowedBy(lines: readonly ListLine[]): Expr {
  const last = lines.at(-1);
  const implied = last === undefined || last.action === 'deny' ? ALWAYS : NEVER;
  return lines.reduceRight<Expr>(
    (behind, { action, when }) => (action === 'allow' ? or([when, behind]) : and([not(when), behind])),
    implied,
  );
}

/**
 * The part of `expr` that is sure though some atoms cannot be said: those count as false where they would widen it.
 * `most` of an expression is what it may be at the widest.
 */
export function least(expr: Expr, isKnown: (name: string) => boolean): Expr {
  return bound(expr, isKnown, false);
}

export function most(expr: Expr, isKnown: (name: string) => boolean): Expr {
  return bound(expr, isKnown, true);
}

function bound(expr: Expr, isKnown: (name: string) => boolean, unknownIs: boolean): Expr {
  switch (expr.kind) {
    case 'atom':
      return isKnown(expr.name) ? expr : unknownIs ? ALWAYS : NEVER;
    case 'not':
      return not(bound(expr.of, isKnown, !unknownIs));
    case 'and':
      return and(expr.parts.map((part) => bound(part, isKnown, unknownIs)));
    case 'or':
      return or(expr.parts.map((part) => bound(part, isKnown, unknownIs)));
    default:
      return expr;
  }
}

export function atomsOf(...exprs: readonly Expr[]): string[] {
  const names = new Set<string>();
  const walk = (expr: Expr): void => {
    if (expr.kind === 'atom') names.add(expr.name);
    else if (expr.kind === 'not') walk(expr.of);
    else if (expr.kind === 'and' || expr.kind === 'or') expr.parts.forEach(walk);
  };
  exprs.forEach(walk);
  return [...names];
}

/** Whether some occurrence of an atom stands under an even number of negations (`true`), or under an odd one (`false`). */
export function occurs(expr: Expr, name: string, positively: boolean): boolean {
  switch (expr.kind) {
    case 'atom':
      return expr.name === name && positively;
    case 'not':
      return occurs(expr.of, name, !positively);
    case 'and':
    case 'or':
      return expr.parts.some((part) => occurs(part, name, positively));
    default:
      return false;
  }
}

/** Negations in an expression: people read what is, not what is not. */
export function negations(expr: Expr): number {
  if (expr.kind === 'not') return 1 + negations(expr.of);
  return expr.kind === 'and' || expr.kind === 'or' ? expr.parts.reduce((sum, part) => sum + negations(part), 0) : 0;
}

/** True only where it is sure that `expr` holds for no request. Atoms are taken as independent, which can only err to false. */
export function isNever(expr: Expr): boolean {
  return isUnsatisfiable(expr, { left: CASES_MAX });
}

/**
 * What must be is assumed first, then what can only help, and where nothing is left to assume, one atom after the other is tried
 * both ways (Davis, Putnam, Logemann and Loveland). Lists of hundreds of sites are settled without a trial.
 */
function isUnsatisfiable(expr: Expr, cases: { left: number }): boolean {
  if (expr.kind === 'never' || expr.kind === 'always' || expr.kind === 'atom') return expr.kind === 'never';
  if (expr.kind === 'or') return expr.parts.every((part) => isUnsatisfiable(part, cases));
  cases.left -= 1;
  if (cases.left < 0) return false;
  const assumed = literalsOf(expr);
  if (assumed.size === 0) addOneSided(expr, assumed);
  if (assumed.size > 0) return isUnsatisfiable(assign(expr, assumed), cases);
  const [name] = atomsOf(expr);
  if (name === undefined) return false;
  return [NEVER, ALWAYS].every((value) => isUnsatisfiable(assign(expr, new Map([[name, value]])), cases));
}

type Assignment = Map<string, Expr>;

/** Atoms that a conjunction demands, or forbids, by themselves. */
function literalsOf(expr: Expr): Assignment {
  const found: Assignment = new Map();
  for (const part of expr.kind === 'and' ? expr.parts : [expr]) {
    if (part.kind === 'atom') found.set(part.name, ALWAYS);
    else if (part.kind === 'not' && part.of.kind === 'atom') found.set(part.of.name, NEVER);
  }
  return found;
}

/** Atoms that stand in `expr` only as they are, or only negated: as they stand, they can do no harm. */
function addOneSided(expr: Expr, found: Assignment): void {
  const [plain, negated] = [new Set<string>(), new Set<string>()];
  const walk = (each: Expr, isNegated: boolean): void => {
    if (each.kind === 'atom') (isNegated ? negated : plain).add(each.name);
    else if (each.kind === 'not') walk(each.of, !isNegated);
    else if (each.kind === 'and' || each.kind === 'or') for (const part of each.parts) walk(part, isNegated);
  };
  walk(expr, false);
  for (const name of plain) if (!negated.has(name)) found.set(name, ALWAYS);
  for (const name of negated) if (!plain.has(name)) found.set(name, NEVER);
}

/** `expr` with each atom replaced; the constructors fold what that decides. */
export function mapAtoms(expr: Expr, replaced: (atom: Extract<Expr, { kind: 'atom' }>) => Expr): Expr {
  switch (expr.kind) {
    case 'atom':
      return replaced(expr);
    case 'not':
      return not(mapAtoms(expr.of, replaced));
    case 'and':
      return and(expr.parts.map((part) => mapAtoms(part, replaced)));
    case 'or':
      return or(expr.parts.map((part) => mapAtoms(part, replaced)));
    default:
      return expr;
  }
}

/** `expr` where these atoms are known. */
function assign(expr: Expr, known: Assignment): Expr {
  return mapAtoms(expr, (each) => known.get(each.name) ?? each);
}

export function areDisjoint(a: Expr, b: Expr): boolean {
  return isNever(and([a, b]));
}

export function areEquivalent(a: Expr, b: Expr): boolean {
  // Two conjunctions of literals are one only if they are made of the same; hundreds of peers are compared so.
  if (isConjunction(a) && isConjunction(b)) return keyOf(a) === keyOf(b);
  return keyOf(a) === keyOf(b) || (isNever(and([a, not(b)])) && isNever(and([b, not(a)])));
}

function isConjunction(expr: Expr): boolean {
  return literalsOf(expr).size === (expr.kind === 'and' ? expr.parts.length : 1);
}

/** Atoms without which `expr` does not hold, as far as it says so by itself. */
export function demandedAtoms(expr: Expr): string[] {
  return [...literalsOf(expr)].filter(([, value]) => value.kind === 'always').map(([name]) => name);
}

/**
 * A shorter expression that means the same wherever all of `excluded` are false: parts that follow from that are dropped.
 * Sound because each step is checked on every row where `excluded` fails.
 */
export function simplifyOutside(expr: Expr, excluded: readonly Expr[]): Expr {
  const outside = and(excluded.map(not));
  if (outside.kind === 'never' || isNever(and([outside, expr]))) return NEVER;
  if (isNever(and([outside, not(expr)]))) return ALWAYS;
  if (expr.kind !== 'and' && expr.kind !== 'or') return expr;
  const rebuild = expr.kind === 'and' ? and : or;
  let parts = expr.parts;
  for (const part of expr.parts) {
    const without = parts.filter((each) => each !== part);
    if (without.length > 0 && areEquivalent(and([outside, rebuild(without)]), and([outside, rebuild(parts)])))
      parts = without;
  }
  return rebuild(parts);
}

/** An expression as a person reads it: `exch_url and !localhost`. */
export function printExpr(expr: Expr, nameOf: (atom: string) => string): string {
  if (expr.kind === 'atom') return nameOf(expr.name);
  if (expr.kind === 'not')
    return expr.of.kind === 'atom' ? `!${nameOf(expr.of.name)}` : `not (${printExpr(expr.of, nameOf)})`;
  if (expr.kind !== 'and' && expr.kind !== 'or') return expr.kind === 'always' ? 'every request' : 'no request';
  const parts = expr.parts.map((part) =>
    part.kind === 'and' || part.kind === 'or' ? `(${printExpr(part, nameOf)})` : printExpr(part, nameOf),
  );
  return parts.join(` ${expr.kind} `);
}

/** Keys made so far: large lists are compared part by part, many times. */
const KEYS = new WeakMap<Expr, string>();

/** Equal texts for expressions that are equal by form, order of parts aside. */
export function keyOf(expr: Expr): string {
  const known = KEYS.get(expr);
  if (known !== undefined) return known;
  const key = newKeyOf(expr);
  KEYS.set(expr, key);
  return key;
}

function newKeyOf(expr: Expr): string {
  if (expr.kind === 'atom') return JSON.stringify(expr.name);
  if (expr.kind === 'not') return `!${keyOf(expr.of)}`;
  if (expr.kind === 'and' || expr.kind === 'or') return `${expr.kind}(${expr.parts.map(keyOf).sort().join()})`;
  return expr.kind;
}
