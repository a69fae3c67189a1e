// Room: from a pattern of squid.conf (POSIX ERE over bytes) to patterns of the rules file (RE2 over the whole URL). Exact or
// refused: a pattern that would match more or less than Squid's is not written (import-semantics, SQ-80 to SQ-92).
import { compileRegex, type UrlCondition } from '@outrigger/rules';
import { bytesOf, derivative, firstBytes, isNullable, isWordByte, mirrored } from './bytes.ts';
import { type Ere, parseEre } from './ere.ts';
import { itemOf, itemsOf, printRe2 } from './re2.ts';

/** The part of a request a pattern is searched for in: the whole URL, its path and query, its host, that with its port, or another text as it is. */
export type Subject = 'url' | 'path' | 'host' | 'authority' | 'text';

/** What a pattern becomes. `never` and `always`: no request, or every request, can match it. */
export type Translation =
  | { kind: 'patterns'; patterns: UrlCondition[]; ere: Ere }
  | { kind: 'always' }
  | { kind: 'never' }
  | { kind: 'invalid'; message: string }
  | { kind: 'inexpressible'; message: string };

/** Characters of a pattern in the rules. A line of Squid has 8,191 bytes; a row of hundreds of `x*` would take its square. */
const PRINTED_MAX = 64 * 1024;

const SLASH = 0x2f;
const COLON = 0x3a;

/** From the start of the URL to the end of its host and port. A scheme is lower case; no host holds a slash. */
const BEFORE_PATH = '^[a-z]+://[^/]*';
/** Bytes that are not part of a text behind the scheme, what may stand in it before a match, and what stands behind it. */
type Place = { outside: readonly number[]; before: string; after: string };

/** Behind a host stands the port if it is not the scheme's default, then the path or the `*` of OPTIONS. */
const PLACES: Readonly<Record<'host' | 'authority', Place>> = {
  // In brackets a host goes on behind its colons.
  host: { outside: [SLASH, COLON], before: '(?:[^/:]*|\\[[^\\]/]*)', after: '(?::[0-9]+)?[/*]' },
  authority: { outside: [SLASH], before: '[^/]*', after: '[/*]' },
};

/** Translates one pattern for one subject. Bytes above 0x7F are latin1 in `source` and are never case-folded. */
export function translatePattern(source: string, ignoreCase: boolean, subject: Subject): Translation {
  const parsed = parseEre(source, ignoreCase);
  if (parsed.kind !== 'pattern') return parsed;
  const { ere } = parsed;
  const lowered = lower(ere, ignoreCase, subject);
  if (!Array.isArray(lowered)) return lowered;
  if (lowered.length === 0) return { kind: 'never' };
  for (const regex of lowered) {
    if (regex.length > PRINTED_MAX) return { kind: 'inexpressible', message: 'it would take a rule too long to read' };
    const compiled = compileRegex(regex, ignoreCase);
    if (!compiled.ok) return { kind: 'inexpressible', message: `RE2 cannot hold it: ${compiled.message}` };
  }
  return { kind: 'patterns', ere, patterns: lowered.map((regex) => ({ regex, ...(ignoreCase && { ignoreCase }) })) };
}

type Lowered = string[] | Exclude<Translation, { kind: 'patterns' | 'invalid' }>;

function lower(ere: Ere, ignoreCase: boolean, subject: Subject): Lowered {
  const wordEdges = replaceWordEdges(ere);
  if (wordEdges === undefined) return inexpressible('\\< or \\> where the byte beside it may be of either kind');
  if (subject === 'path') return collect(branchesOf(wordEdges), (branch) => lowerPath(branch, ignoreCase));
  if (subject === 'host' || subject === 'authority')
    return collect(branchesOf(wordEdges), (branch) => lowerHost(branch, ignoreCase, PLACES[subject]));
  if (isImpossible(wordEdges)) return { kind: 'never' };
  const printed = printRe2(wordEdges, ignoreCase);
  // An empty pattern, or one with an empty branch, holds for everything (SQ-88); the rules file has no empty pattern.
  return isNullable(wordEdges) ? { kind: 'always' } : [printed];
}

function collect(branches: readonly Ere[], lowerBranch: (branch: Ere) => Lowered): Lowered {
  const patterns: string[] = [];
  for (const branch of branches) {
    const lowered = lowerBranch(branch);
    if (Array.isArray(lowered)) patterns.push(...lowered);
    else if (lowered.kind !== 'never') return lowered;
  }
  return [...new Set(patterns)];
}

/**
 * A pattern over path and query, moved onto the URL. A path begins with `/`, the first one behind `://`. An anchored pattern
 * must therefore take that slash first: it becomes the slash and what the pattern leaves after it (its derivative). One that
 * is not anchored may also begin at any later byte of the path: `.*` behind the slash.
 */
function lowerPath(branch: Ere, ignoreCase: boolean): Lowered {
  if (isDead(branch) || isImpossible(branch)) return { kind: 'never' };
  const { anchored, rest } = anchoring(branch);
  if (holdsStart(rest)) return inexpressible('a ^ that is not at the start of the pattern');
  if (isNullable(rest)) return { kind: 'always' };
  if (mayTakeNothing(rest)) return inexpressible('nothing but a word boundary');
  const afterSlash = derivative(rest, SLASH);
  if (afterSlash === 'unknown') return inexpressible('a word boundary before the first slash of the path');
  const atStart = afterSlash === 'never' ? [] : [`${BEFORE_PATH}/${printRe2(sequenced(afterSlash), ignoreCase)}`];
  if (anchored) return atStart;
  const printed = printRe2(sequenced(rest), ignoreCase);
  if (afterSlash === 'never') return [`${BEFORE_PATH}/.*${printed}`];
  const slashFirst = firstBytes(rest)?.every((in_, byte) => in_ === (byte === SLASH)) ?? false;
  return slashFirst ? [`${BEFORE_PATH}(?:/.*)?${printed}`] : [...atStart, `${BEFORE_PATH}/.*${printed}`];
}

/**
 * A pattern over the host, moved onto the URL: what it matches must not run past the host, so no wildcard or set may take
 * `/` or `:` (a host that is an IPv6 literal is the one that holds a colon; a wildcard stops there), and `$` is the host's end.
 */
function lowerHost(branch: Ere, ignoreCase: boolean, { outside, before, after }: Place): Lowered {
  if (isDead(branch) || isImpossible(branch)) return { kind: 'never' };
  const { anchored, rest } = anchoring(branch);
  const parts = rest.kind === 'sequence' ? rest.parts : [rest];
  const atEnd = parts.at(-1);
  const toEnd = atEnd?.kind === 'assertion' && atEnd.assertion === 'end';
  const body: Ere = { kind: 'sequence', parts: toEnd ? parts.slice(0, -1) : parts };
  if (holdsStart(body) || holdsEnd(body)) return inexpressible('a ^ or $ inside the pattern');
  if (outside.includes(COLON) && holdsByte(body, COLON)) return inexpressible('a colon in a pattern for hosts');
  if (isNullable(body) && !(anchored && toEnd)) return { kind: 'always' };
  const inHost = withoutBytes(body, outside, ignoreCase);
  if (isImpossible(inHost)) return { kind: 'never' };
  const printed = printRe2(inHost, ignoreCase);
  return [`^[a-z]+://${anchored ? '' : before}${printed}${toEnd ? after : ''}`];
}

function inexpressible(message: string): Lowered {
  return { kind: 'inexpressible', message: `it holds ${message}, which cannot be said over the whole URL` };
}

function branchesOf(ere: Ere): Ere[] {
  return ere.kind === 'branches' ? ere.branches.flatMap(branchesOf) : [ere];
}

function anchoring(branch: Ere): { anchored: boolean; rest: Ere } {
  const parts = branch.kind === 'sequence' ? branch.parts : [branch];
  const [first, second, ...rest] = parts;
  if (first?.kind !== 'assertion' || first.assertion !== 'start') return { anchored: false, rest: sequenced(branch) };
  // ^.* holds wherever the rest does: no anchor at all (Squid strips it with a warning, SQ-89).
  const isFree =
    second?.kind === 'repeat' && second.of.kind === 'any' && second.least === 0 && second.most === undefined;
  if (isFree) return { anchored: false, rest: { kind: 'sequence', parts: rest } };
  return { anchored: true, rest: { kind: 'sequence', parts: parts.slice(1) } };
}

/** True for a tree that needs a byte of a set without bytes. */
function isImpossible(ere: Ere): boolean {
  if (ere.kind === 'set') return !ere.negated && ere.items.length === 0;
  if (ere.kind === 'sequence') return ere.parts.some(isImpossible);
  if (ere.kind === 'branches') return ere.branches.every(isImpossible);
  return ere.kind === 'repeat' && ere.least > 0 && isImpossible(ere.of);
}

/** Whether a word boundary alone may decide: such a match takes no byte, and what stands before the path would count. */
function mayTakeNothing(ere: Ere): boolean {
  if (ere.kind === 'assertion') return ere.assertion !== 'end';
  if (ere.kind === 'sequence') {
    return ere.parts.every((part) => isNullable(part) || mayTakeNothing(part)) && ere.parts.some(mayTakeNothing);
  }
  if (ere.kind === 'branches') return ere.branches.some(mayTakeNothing);
  return ere.kind === 'repeat' && mayTakeNothing(ere.of);
}

/** A `^` behind a byte, or a `$` in front of one, holds nowhere: two patterns on one line of a values file read so (SQ-20). */
function isDead(branch: Ere): boolean {
  if (branch.kind !== 'sequence') return false;
  const takesByte = (part: Ere): boolean =>
    part.kind !== 'assertion' && !isNullable(part) && !holdsStart(part) && !holdsEnd(part);
  return branch.parts.some((part, index) => {
    if (part.kind !== 'assertion') return false;
    if (part.assertion === 'start') return branch.parts.slice(0, index).some(takesByte);
    return part.assertion === 'end' && branch.parts.slice(index + 1).some(takesByte);
  });
}

function sequenced(ere: Ere): Ere {
  return ere.kind === 'sequence' ? ere : { kind: 'sequence', parts: [ere] };
}

function holds(ere: Ere, test: (leaf: Ere) => boolean): boolean {
  if (ere.kind === 'sequence') return ere.parts.some((part) => holds(part, test));
  if (ere.kind === 'branches') return ere.branches.some((branch) => holds(branch, test));
  return ere.kind === 'repeat' ? holds(ere.of, test) : test(ere);
}

function holdsStart(ere: Ere): boolean {
  return holds(ere, (leaf) => leaf.kind === 'assertion' && leaf.assertion === 'start');
}

function holdsEnd(ere: Ere): boolean {
  return holds(ere, (leaf) => leaf.kind === 'assertion' && leaf.assertion === 'end');
}

function holdsByte(ere: Ere, byte: number): boolean {
  return holds(ere, (leaf) => leaf.kind === 'byte' && leaf.byte === byte);
}

/** RE2 has `\b` and no `\<`: equal where the byte behind (or before) is known to be a word's. Undefined where it is not. */
function replaceWordEdges(ere: Ere): Ere | undefined {
  if (!holds(ere, (leaf) => leaf.kind === 'assertion' && leaf.assertion.startsWith('word'))) return ere;
  if (ere.kind === 'branches') {
    const branches = ere.branches.map(replaceWordEdges);
    return branches.every((branch) => branch !== undefined) ? { kind: 'branches', branches } : undefined;
  }
  if (ere.kind !== 'sequence') return undefined;
  const parts: Ere[] = [];
  for (const [index, part] of ere.parts.entries()) {
    if (part.kind !== 'assertion' || !part.assertion.startsWith('word')) {
      const inner = replaceWordEdges(part);
      if (inner === undefined) return undefined;
      parts.push(inner);
      continue;
    }
    const forward = part.assertion === 'wordStart';
    const beside = forward ? ere.parts.slice(index + 1) : ere.parts.slice(0, index);
    const bytes = firstBytes(
      forward ? { kind: 'sequence', parts: beside } : mirrored({ kind: 'sequence', parts: beside }),
    );
    const isWord = bytes?.includes(true) === true && bytes.every((in_, byte) => !in_ || isWordByte(byte));
    if (!isWord) return undefined;
    parts.push({ kind: 'assertion', assertion: 'boundary' });
  }
  return { kind: 'sequence', parts };
}

function withoutBytes(ere: Ere, removed: readonly number[], ignoreCase: boolean): Ere {
  switch (ere.kind) {
    case 'byte':
      return removed.includes(ere.byte) ? { kind: 'set', negated: false, items: [] } : ere;
    case 'any':
      return { kind: 'set', negated: true, items: removed.map(itemOf) };
    case 'set': {
      if (ere.negated) return { ...ere, items: [...ere.items, ...removed.map(itemOf)] };
      const bytes = bytesOf(ere, ignoreCase);
      if (!removed.some((byte) => bytes[byte])) return ere;
      return { kind: 'set', negated: false, items: itemsOf(bytes.map((in_, byte) => in_ && !removed.includes(byte))) };
    }
    case 'sequence':
      return { kind: 'sequence', parts: ere.parts.map((part) => withoutBytes(part, removed, ignoreCase)) };
    case 'branches':
      return { kind: 'branches', branches: ere.branches.map((branch) => withoutBytes(branch, removed, ignoreCase)) };
    case 'repeat':
      return { ...ere, of: withoutBytes(ere.of, removed, ignoreCase) };
    default:
      return ere;
  }
}
