// Room: whether what a line is for may be among the paths of a group, said with certainty where it is not. Pure; case is ignored,
// for the server of a group ignores it.
import { compileRegex } from '@outrigger/rules';
import { lettersOf, prefixSplices } from './patternprefixes.ts';
import type { Paths } from './proxypass.ts';

/** How the paths of a line lie to those under `prefix`: all of them, some deeper prefix of them, none, or nobody can say. */
export type Overlap = { kind: 'none' } | { kind: 'covers' } | { kind: 'below'; prefix: string } | { kind: 'unclear' };

export function overlapOf(paths: Paths, prefix: string): Overlap {
  if (paths.kind === 'unclear') return { kind: 'unclear' };
  if (paths.kind === 'pattern') {
    if (coversAll(paths.pattern, false, prefix)) return { kind: 'covers' };
    return mayMatchUnder(paths.pattern, prefix) ? { kind: 'unclear' } : { kind: 'none' };
  }
  // `/owa/` is for what lies below `/owa`, and not for that itself.
  const isOnlyBelow = paths.prefix.endsWith('/') && paths.prefix.toLowerCase() === `${prefix.toLowerCase()}/`;
  if (isOnlyBelow) return { kind: 'below', prefix: paths.prefix };
  if (isUnder(prefix, paths.prefix)) return { kind: 'covers' };
  return isUnder(paths.prefix, prefix) ? { kind: 'below', prefix: paths.prefix } : { kind: 'none' };
}

/** Whether one of two paths is the other or lies below it when case is ignored, and not as they are written. */
export function isOtherCase(paths: Paths, prefix: string): boolean {
  if (paths.kind !== 'prefix') return false;
  const [one, two] = [paths.prefix, prefix].map((path) => path.replace(/\/$/, '')) as [string, string];
  const length = Math.min(one.length, two.length);
  return one.slice(0, length) !== two.slice(0, length);
}

/** Whether `path` is `prefix` or lies below it, in whole segments. */
export function isUnder(path: string, prefix: string): boolean {
  const [inner, outer] = [path.toLowerCase(), prefix.toLowerCase().replace(/\/$/, '')];
  return inner === outer || inner.startsWith(`${outer}/`);
}

/** Whether an expression is found in every text that begins with `start`, in its case: it is found there, and looks at no end. */
export function isSureFrom(pattern: string, start: string, ignoreCase = false): boolean {
  if (/\$|\\[bBzZ]/.test(pattern)) return false;
  const compiled = compileRegex(pattern, ignoreCase);
  return compiled.ok && compiled.regex.test(start);
}

/**
 * Whether an expression may be found in a path under `prefix`. Only one thing is looked at: the letters it begins with, where
 * it is anchored; and whether it ends there. All else may match.
 */
export function mayMatchUnder(pattern: string, prefix: string): boolean {
  const anchored = /^(?:\(\?i\))?\^/.exec(pattern);
  if (anchored === null) return true;
  const bare = prefix.toLowerCase().replace(/\/$/, '');
  const letters = lettersOf(pattern)?.map((text) => text.toLowerCase());
  if (letters !== undefined) return letters.some((text) => bare.startsWith(text) || `${text}/`.startsWith(`${bare}/`));
  const rest = pattern.slice(anchored[0].length);
  if (hasBranches(rest)) return true;
  const literal = /^(?:\\[^A-Za-z0-9]|[^\\^$.|?*+()[\]{}])*/.exec(rest)?.[0] ?? '';
  const behind = rest.slice(literal.length);
  // A letter before ?, * or { may be missing.
  const sure = /^[?*{]/.test(behind) ? literal.replace(/\\?.$/s, '') : literal;
  const text = sure.replace(/\\(.)/g, '$1').toLowerCase();
  const inner = prefix.toLowerCase().replace(/\/$/, '');
  if (/^\??\$$/.test(behind)) return isUnder(text, inner) || isUnder(literal.replace(/\\(.)/g, '$1'), inner);
  return inner.startsWith(text) || text.startsWith(`${inner}/`) || text === inner;
}

/** Whether an expression is surely found in every path under `prefix`, as it is written. */
export function coversAll(pattern: string, ignoreCase: boolean, prefix: string): boolean {
  if (isSureFrom(pattern, prefix, ignoreCase)) return true;
  const fold = (text: string): string => (ignoreCase ? text.toLowerCase() : text);
  const taken = prefixSplices(pattern, ignoreCase, (_, path) => path) ?? [];
  return taken.some((each) => {
    const start = fold(each.prefix);
    return fold(prefix) === start || fold(prefix).startsWith(start.endsWith('/') ? start : `${start}/`);
  });
}

/** Whether an expression is a choice at its top: inside parentheses a choice comes behind the letters in front of them. */
function hasBranches(pattern: string): boolean {
  const bare = pattern.replace(/\\.|\[\^?\]?[^\]]*\]/gs, '');
  let depth = 0;
  for (const letter of bare) {
    if (letter === '(') depth += 1;
    if (letter === ')') depth -= 1;
    if (letter === '|' && depth === 0) return true;
  }
  return false;
}
