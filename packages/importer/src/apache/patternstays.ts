// Room: which requests of a path that moves stay with Apache, because an expression of a line or section takes them. Pure.
import { type Condition, compileRegex } from '@outrigger/rules';
import type { Staying } from './obstacles.ts';
import { mayMatchUnder } from './overlap.ts';

/** Paths of no configuration: what may be for each of them may be for all. */
const ANYWHERE = ['/', '/Xq7', '/Xq7/', '/Xq7/Zk'];

/**
 * Requests under `prefix` whose path an expression of Apache takes, in any case; `!` in front: does not take. `more`: what must hold
 * besides; where nobody can run the expression, that alone. Undefined where it may be all of them.
 */
export function patternStays(
  pattern: string,
  prefix: string,
  ignoreCase: boolean,
  more: Condition = {},
): Omit<Staying, 'line'> | undefined {
  const isNegated = pattern.startsWith('!');
  const regex = isNegated ? pattern.slice(1) : pattern;
  const compiled = compileRegex(regex, ignoreCase || !isNegated);
  const mayTake = (path: string): boolean =>
    compiled.ok ? compiled.regex.test(path) !== isNegated : isNegated || mayMatchUnder(regex, path);
  const bare = prefix.replace(/\/$/, '');
  const isForAll = !compiled.ok || [prefix, `${bare}/`, `${bare}/Xq7`, `${bare}/Xq7/Zk`].every(mayTake);
  const isBound = Object.keys(more).length > 0;
  if (isForAll && !isBound) return undefined;
  const held: Condition = { path: [{ regex, ...((ignoreCase || !isNegated) && { ignoreCase: true }) }] };
  const taken: Condition = isNegated ? { not: held } : held;
  const terms: Condition[] = [
    ...(bare === '' ? [] : [{ path: [{ prefix, ignoreCase: true }] }]),
    ...(isForAll ? [] : bare === '' || ONE_LETTER.test(regex) ? [taken] : [orWithParameters(taken)]),
    ...(isBound ? termsOf(more) : []),
  ];
  const where = terms.length === 1 ? (terms[0] ?? {}) : { all: terms };
  return { where, ...(isForAll && ANYWHERE.every(mayTake) && { everywhere: more }) };
}

/** An expression that parameters between its letters can hide nothing from. */
const ONE_LETTER = /^\\?.$/;

/**
 * The same, and all paths with parameters: to a rule `/owa;x` is the path /owa, which the expression may take, though it does not take
 * that spelling.
 */
function orWithParameters({ path, ...taken }: Condition): Condition {
  const parameters = { regex: ';' };
  return path === undefined ? { any: [taken, { path: [parameters] }] } : { path: [...path, parameters] };
}

/** The conditions that one comes to together. */
function termsOf({ all, ...rest }: Condition): Condition[] {
  return all !== undefined && Object.keys(rest).length === 0 ? all : [{ ...rest, ...(all !== undefined && { all }) }];
}

/** Moves whose common stays are said without their paths: where a line keeps such requests of all of them, it is one rule. */
export function withCommonStays<Moved extends { staying: Staying[] }>(moves: readonly Moved[]): Moved[] {
  const isCommon = (everywhere: Condition): boolean => {
    const text = JSON.stringify(everywhere);
    return moves.every(({ staying }) => staying.some((each) => JSON.stringify(each.everywhere) === text));
  };
  const common = ({ where, everywhere, line }: Staying): Staying =>
    everywhere !== undefined && isCommon(everywhere) ? { where: everywhere, line } : { where, line };
  return moves.map((move) => ({ ...move, staying: move.staying.map(common) }));
}
