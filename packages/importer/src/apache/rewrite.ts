// Room: what the rewriting rules of a server make of a request, as far as they can be followed without the machine: patterns of RE2,
// conditions on the request, the usual flags. What cannot be followed is said. Pure.
// Source: modules/mappers/mod_rewrite.c (AP-71, AP-72, AP-80 to AP-89).
import { compileFinder } from '@outrigger/rules';
import { flagsOf, rulesOf } from './rewriterules.ts';
import type { Directive } from './tree.ts';

/** What a rule may ask about. `path` is decoded, `query` as it came, '' for none. */
export type RewriteRequest = {
  path: string;
  query: string;
  variables: ReadonlyMap<string, string>;
  field(name: string): string;
};

export type Rewritten =
  | { kind: 'same' }
  /** [PT]: what comes next looks at the new path. */
  | { kind: 'passed'; path: string; query: string }
  /** Without [PT]: the path is that of a file, and no proxying is asked (AP-72). */
  | { kind: 'file' }
  | { kind: 'proxied'; url: string; query: string }
  | { kind: 'redirected'; status: number; url: string; query: string; isEscaped: boolean }
  | { kind: 'refused'; status: 403 | 410 }
  | { kind: 'unknown'; line: Directive; reason: string };

const STATUSES: Readonly<Record<string, number>> = { permanent: 301, temp: 302, seeother: 303 };
/** Flags that do not decide where a request goes. */
const WITHOUT_EFFECT = new Set([
  'e',
  'env',
  'co',
  'cookie',
  't',
  'type',
  'ns',
  'nosubreq',
  'dpi',
  'unsafeallow3f',
  'discardpath',
  'ne',
  'noescape',
]);
const FOLLOWED = new Set(
  `nc nocase p proxy r redirect f forbidden g gone l last end pt passthrough qsa qsappend qsd qsdiscard c chain s skip`.split(
    ' ',
  ),
);

/** Follows `lines` (RewriteCond and RewriteRule in order) for a request. */
export function rewrite(lines: readonly Directive[], request: RewriteRequest): Rewritten {
  let { path, query } = request;
  let isChanged = false;
  let skip = 0;
  let isChainBroken = false;
  for (const { line: rule, conditions } of rulesOf(lines)) {
    const [pattern = '', substitution = ''] = rule.words.map(({ text }) => text);
    const flags = flagsOf(rule);
    const odd = [...flags.keys()].find((flag) => !FOLLOWED.has(flag) && !WITHOUT_EFFECT.has(flag));
    if (odd !== undefined) return { kind: 'unknown', line: rule, reason: `the flag ${odd} is not followed` };
    const has = (...names: string[]): boolean => names.some((name) => flags.has(name));
    const isLink = has('c', 'chain');
    if (skip > 0 || isChainBroken) {
      skip = Math.max(0, skip - 1);
      isChainBroken = isChainBroken && isLink;
      continue;
    }
    const isNegated = pattern.startsWith('!');
    const compiled = compileFinder(isNegated ? pattern.slice(1) : pattern, has('nc', 'nocase'));
    if (!compiled.ok) return { kind: 'unknown', line: rule, reason: 'its pattern needs PCRE' };
    const found = compiled.finder.find(path);
    const held =
      (found === undefined) === isNegated
        ? holds(conditions, { ...request, path, query }, found ?? [])
        : { kind: 'no' as const };
    if (held.kind === 'unknown') return held;
    if (held.kind === 'no') {
      isChainBroken = isLink;
      continue;
    }
    if (has('f', 'forbidden')) return { kind: 'refused', status: 403 };
    if (has('g', 'gone')) return { kind: 'refused', status: 410 };
    skip = Number(flags.get('s') ?? flags.get('skip') ?? 0);
    if (substitution !== '-') {
      const filled = fillIn(substitution, found ?? [], held.groups, request);
      if (filled === undefined)
        return { kind: 'unknown', line: rule, reason: 'its substitution asks a map or a variable' };
      // A `?` that was escaped in the path would begin a query here: refused since 2.4.60 (AP-78).
      if (!has('unsafeallow3f') && found?.some((group) => group?.includes('?')))
        return { kind: 'refused', status: 403 };
      const mark = filled.indexOf('?');
      const ownQuery = mark === -1 ? undefined : filled.slice(mark + 1);
      const appends = has('qsa', 'qsappend') && query !== '';
      if (ownQuery !== undefined)
        query = appends ? [ownQuery, query].filter((each) => each !== '').join('&') : ownQuery;
      if (has('qsd', 'qsdiscard') && ownQuery === undefined) query = '';
      path = mark === -1 ? filled : filled.slice(0, mark);
      isChanged = true;
    }
    if (has('p', 'proxy')) return { kind: 'proxied', url: path, query };
    const status = flags.get('r') ?? flags.get('redirect');
    const isExternal = /^[a-z][a-z0-9+.-]*:\/\//i.test(path);
    if (status !== undefined || isExternal) {
      const code = STATUSES[status ?? ''] ?? (status === undefined || status === '' ? 302 : Number(status));
      if (code < 300 || code > 399)
        return code === 403 || code === 410
          ? { kind: 'refused', status: code }
          : { kind: 'unknown', line: rule, reason: `it answers ${code}` };
      return { kind: 'redirected', status: code, url: path, query, isEscaped: !has('ne', 'noescape') };
    }
    if (has('pt', 'passthrough')) return { kind: 'passed', path, query };
    if (has('l', 'last', 'end')) break;
  }
  return isChanged ? { kind: 'file' } : { kind: 'same' };
}

type Held = { kind: 'yes'; groups: (string | undefined)[] } | { kind: 'no' } | Extract<Rewritten, { kind: 'unknown' }>;

/** Conditions are ANDed; one with [OR] is ORed with the next. Groups are those of the last that matched. */
function holds(conditions: readonly Directive[], request: RewriteRequest, found: (string | undefined)[]): Held {
  let groups: (string | undefined)[] = [];
  let isEnough = false;
  for (const condition of conditions) {
    const [subject = '', pattern = ''] = condition.words.map(({ text }) => text);
    const flags = flagsOf(condition);
    const isOr = flags.has('or') || flags.has('ornext');
    if (isEnough) {
      isEnough = isOr;
      continue;
    }
    const text = fillIn(subject, found, groups, request);
    if (text === undefined) return { kind: 'unknown', line: condition, reason: 'it asks what only Apache knows' };
    const verdict = test(text, pattern, flags.has('nc') || flags.has('nocase'));
    if (verdict === undefined) return { kind: 'unknown', line: condition, reason: 'its pattern is not followed' };
    if (verdict.matched) {
      if (verdict.groups !== undefined) groups = verdict.groups;
      isEnough = isOr;
    } else if (!isOr) return { kind: 'no' };
  }
  return { kind: 'yes', groups };
}

function test(
  text: string,
  pattern: string,
  ignoreCase: boolean,
): { matched: boolean; groups?: (string | undefined)[] } | undefined {
  const isNegated = pattern.startsWith('!');
  const bare = isNegated ? pattern.slice(1) : pattern;
  if (/^-\w/.test(bare) || /^[<>]/.test(bare)) return undefined;
  if (bare.startsWith('=')) {
    const [left, right] = [text, bare.slice(1).replace(/^"(.*)"$/, '$1')].map((each) =>
      ignoreCase ? each.toLowerCase() : each,
    );
    return { matched: (left === right) !== isNegated };
  }
  const compiled = compileFinder(bare, ignoreCase);
  if (!compiled.ok) return undefined;
  const groups = compiled.finder.find(text);
  if (isNegated) return { matched: groups === undefined };
  return groups === undefined ? { matched: false } : { matched: true, groups };
}

/** `$1` of the rule, `%1` of the condition, `%{NAME}`, `\` before a letter taken as it is (AP-85); undefined where it cannot be known. */
function fillIn(
  text: string,
  found: (string | undefined)[],
  groups: (string | undefined)[],
  request: RewriteRequest,
): string | undefined {
  let isKnown = true;
  const filled = text.replace(
    /\\(.)|\$(\d)|%(\d)|%\{([^}]*)\}|\$\{/gs,
    (part, escaped?: string, own?: string, condition?: string, name?: string) => {
      if (escaped !== undefined) return escaped;
      if (own !== undefined) return found[Number(own)] ?? '';
      if (condition !== undefined) return groups[Number(condition)] ?? '';
      const value = name === undefined ? undefined : variable(name, request);
      if (value === undefined) isKnown = false;
      return value ?? part;
    },
  );
  return isKnown ? filled : undefined;
}

function variable(name: string, { path, query, variables, field }: RewriteRequest): string | undefined {
  if (name === 'REQUEST_URI') return path;
  if (name === 'QUERY_STRING') return query;
  const asked = /^HTTP:(.*)$/.exec(name)?.[1];
  return asked === undefined ? variables.get(name) : field(asked);
}
