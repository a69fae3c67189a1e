// Room: which prefixes of paths an expression takes whole, and what a substitution makes of them, for the plain expressions that people
// write: letters, choices among letters, and anything behind. Of all others nothing is said. Pure.
import { compileFinder } from '@outrigger/rules';

/** A prefix whose every path goes on with `url` in its place; in whole segments where it does not end with a slash. */
export type PrefixSplice = { prefix: string; url: string };

/** Choices of one expression in all: two spellings of a dozen names. */
const EXPANSIONS_MAX = 64;

/** Characters of an expression that is looked at. People write a hundred; thousands of parentheses would fill the stack. */
const PATTERN_MAX = 2_000;

/** What may stand behind the letters: nothing or anything (`open`); or a slash and anything, or the end (`segment`). */
const TAILS: readonly (readonly [tail: RegExp, kind: 'open' | 'segment'])[] = [
  [/^(?:(?:\/\?)?(?:\.\*|\((?:\?:)?\.\*\))\$?|\((?:\?:)?\/\.\*\)\?|)$/, 'open'],
  [/^\((?:\?:)?\/\.\*\)\?\$$/, 'segment'],
  [/^\((?:\?:)?(?:\/\|\$|\$\|\/)\)(?:(?:\.\*|\(\.\*\))\$?)?$/, 'segment'],
  [/^\((?:\?:)?(?:\/\.\*\|\$|\$\|\/\.\*|\|\/\.\*)\)\$$/, 'segment'],
];

/** What stands for any path behind a prefix: the kinds above do not look at it. */
const ANY = 'Xq7/Zk';

/**
 * The prefixes that `pattern` takes whole, each with the URL that `urlFor` makes of its groups; undefined where the expression is of
 * another kind. `urlFor` may refuse by undefined: a substitution that needs more than groups.
 */
export function prefixSplices(
  pattern: string,
  ignoreCase: boolean,
  urlFor: (groups: readonly (string | undefined)[], path: string) => string | undefined,
): PrefixSplice[] | undefined {
  const literals = lettersOf(pattern);
  const compiled = compileFinder(pattern, ignoreCase);
  if (literals === undefined || !compiled.ok) return undefined;
  const { finder } = compiled;
  const urlOf = (path: string): string | undefined => {
    const groups = finder.find(path);
    return groups === undefined ? undefined : urlFor(groups, path);
  };
  const splices = literals.flatMap((letters) => spliceAt(letters === '' ? '/' : letters, urlOf) ?? []);
  // Where one choice lies below another, what is behind the other is not just anything.
  const isPlain = splices.every(({ prefix }) =>
    literals.every((other) => !isBelow(other, prefix) || isSamePath(other, prefix) || prefix === '/'),
  );
  const isRootAlone = splices.length === 1 || splices.every(({ prefix }) => prefix !== '/');
  return splices.length > 0 && isPlain && isRootAlone ? splices : undefined;
}

function isBelow(path: string, prefix: string): boolean {
  return path.toLowerCase().startsWith(`${prefix.toLowerCase().replace(/\/$/, '')}/`);
}

function isSamePath(a: string, b: string): boolean {
  return a.replace(/\/$/, '').toLowerCase() === b.replace(/\/$/, '').toLowerCase();
}

/** The prefix with all that lies below it, else all that lies below it alone. */
function spliceAt(letters: string, urlOf: (path: string) => string | undefined): PrefixSplice | undefined {
  const own = letters.endsWith('/') ? undefined : urlOf(letters);
  if (own !== undefined && urlOf(`${letters}/`) === `${own}/` && urlOf(`${letters}/${ANY}`) === `${own}/${ANY}`) {
    return { prefix: letters, url: own };
  }
  const prefix = letters.endsWith('/') ? letters : `${letters}/`;
  const below = urlOf(prefix);
  return below?.endsWith('/') && urlOf(`${prefix}${ANY}`) === `${below}${ANY}` ? { prefix, url: below } : undefined;
}

/** Every text with one of which a path begins that an anchored expression takes; undefined where that cannot be told. */
export function lettersOf(pattern: string): string[] | undefined {
  if (pattern.length > PATTERN_MAX) return undefined;
  const branches = choicesOf(pattern.replace(/^\(\?i\)/, ''));
  const found: string[] = [];
  for (const branch of branches) {
    const isAnchored = /^\^/.test(branch);
    // Without an anchor it is found further on as well: those paths are left out.
    if (!isAnchored && branches.length > 1) return undefined;
    const letters = expanded(branch.replace(/^\^?(?:\(\?i\))?/, ''));
    if (letters === undefined || !letters.every((each) => each === '' || each.startsWith('/'))) return undefined;
    found.push(...letters);
  }
  return found.length > EXPANSIONS_MAX ? undefined : [...new Set(found)];
}

/** The letters in front of a tail, each choice written out. */
function expanded(pattern: string): string[] | undefined {
  let texts = [''];
  let rest = pattern;
  while (!TAILS.some(([tail]) => tail.test(rest))) {
    const step = firstStep(rest);
    if (step === undefined) return undefined;
    texts = texts.flatMap((text) => step.choices.map((choice) => text + choice));
    if (texts.length > EXPANSIONS_MAX) return undefined;
    rest = step.rest;
  }
  const isOpen = TAILS[0]?.[0].test(rest) === true;
  return isOpen || texts.every((text) => text !== '' && !text.endsWith('/')) ? texts : undefined;
}

/** A letter, a set of letters, or a choice in parentheses; each may be optional. */
function firstStep(pattern: string): { choices: string[]; rest: string } | undefined {
  const letter = /^(?:\\([^A-Za-z0-9])|([A-Za-z0-9/_\-~%&=@:,;!' ]))/.exec(pattern);
  const set = /^\[([A-Za-z0-9_-]+)\]/.exec(pattern);
  const closing = pattern.startsWith('(') ? closingAt(pattern) : undefined;
  let choices: string[];
  let length: number;
  if (letter !== null) [choices, length] = [[letter[1] ?? letter[2] ?? ''], letter[0].length];
  else if (set?.[1] !== undefined && !/[A-Za-z0-9]-[A-Za-z0-9]/.test(set[1]))
    [choices, length] = [[...set[1]], set[0].length];
  else if (closing !== undefined) {
    const inside = pattern.slice(1, closing).replace(/^\?:/, '');
    const texts = choicesOf(inside).map(lettersOnly);
    if (texts.includes(undefined)) return undefined;
    [choices, length] = [texts.flatMap((each) => each ?? []), closing + 1];
  } else return undefined;
  const rest = pattern.slice(length);
  if (/^[*+{]/.test(rest) || /^\?\?/.test(rest)) return undefined;
  return rest.startsWith('?') ? { choices: [...choices, ''], rest: rest.slice(1) } : { choices, rest };
}

function lettersOnly(pattern: string): string[] | undefined {
  let texts = [''];
  for (let rest = pattern; rest !== ''; ) {
    const step = firstStep(rest);
    if (step === undefined) return undefined;
    texts = texts.flatMap((text) => step.choices.map((choice) => text + choice));
    if (texts.length > EXPANSIONS_MAX) return undefined;
    rest = step.rest;
  }
  return texts;
}

/** The texts that an expression takes, all of them, where it is anchored at both ends: `^(GET|HEAD)$`; undefined for others. */
export function textsOf(pattern: string): string[] | undefined {
  if (pattern.length > PATTERN_MAX) return undefined;
  const texts = choicesOf(pattern).map((branch) => {
    const inside = /^\^(.*)\$$/.exec(branch)?.[1];
    return inside === undefined ? undefined : lettersOnly(inside);
  });
  return texts.includes(undefined) ? undefined : [...new Set(texts.flatMap((each) => each ?? []))];
}

/** Where the parenthesis closes with which `pattern` begins. */
function closingAt(pattern: string): number | undefined {
  let depth = 0;
  for (const [index, letter] of [...maskedEscapes(pattern)].entries()) {
    if (letter === '(') depth += 1;
    if (letter === ')') depth -= 1;
    if (depth === 0) return index;
  }
  return undefined;
}

/** The alternatives of an expression at its top. */
function choicesOf(pattern: string): string[] {
  const masked = maskedEscapes(pattern);
  const choices: string[] = [];
  let [depth, start] = [0, 0];
  for (const [index, letter] of [...masked].entries()) {
    if (letter === '(') depth += 1;
    if (letter === ')') depth -= 1;
    if (letter !== '|' || depth !== 0) continue;
    choices.push(pattern.slice(start, index));
    start = index + 1;
  }
  return [...choices, pattern.slice(start)];
}

/** The same length, with nothing in escapes and sets that looks like a parenthesis or a bar. */
function maskedEscapes(pattern: string): string {
  return pattern.replace(/\\.|\[\^?\]?[^\]]*\]/gs, (part) => '_'.repeat(part.length));
}
