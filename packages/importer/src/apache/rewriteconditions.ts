// Room: RewriteCond lines as conditions of a rule, where both see the same. Pure.
// Source: modules/mappers/mod_rewrite.c apply_rewrite_cond (AP-83, AP-88, AP-89).
import { type Condition, compileRegex } from '@outrigger/rules';
import type { Directive } from './tree.ts';

/** What the conditions of a rule come to together. `isExact`: nothing was left out; else they hold at least where `when` does not say no. */
export type ConditionsSaid = { when: Condition; isExact: boolean };

/** `always`, `never`: whatever is asked, for a request over TLS. */
type Said = { kind: 'when'; when: Condition } | { kind: 'always' } | { kind: 'never' } | { kind: 'unsayable' };

/**
 * Conditions are ANDed; one with [OR] is ORed with the next. Undefined: they never hold for a request over TLS. `isWide`: paths are
 * meant in any case, for a server that ignores case must be kept from all of them.
 */
export function conditionsSaid(conditions: readonly Directive[], isWide: boolean): ConditionsSaid | undefined {
  const all: Condition[] = [];
  let isExact = true;
  for (const group of alternatives(conditions)) {
    const said = group.map((condition) => conditionSaid(condition, isWide));
    if (said.some(({ kind }) => kind === 'always')) continue;
    if (said.some(({ kind }) => kind === 'unsayable')) {
      isExact = false;
      continue;
    }
    const whens = said.flatMap((each) => (each.kind === 'when' ? [each.when] : []));
    if (whens.length === 0) return undefined;
    all.push(whens.length === 1 ? (whens[0] ?? {}) : { any: whens });
  }
  return { when: all.length === 0 ? {} : all.length === 1 ? (all[0] ?? {}) : { all }, isExact };
}

function alternatives(conditions: readonly Directive[]): Directive[][] {
  const groups: Directive[][] = [];
  let isOr = false;
  for (const condition of conditions) {
    if (isOr) groups.at(-1)?.push(condition);
    else groups.push([condition]);
    isOr = /\b(?:OR|ornext)\b/i.test(condition.words[2]?.text ?? '');
  }
  // [OR] behind which nothing stands is met, whatever its condition says.
  return isOr ? groups.slice(0, -1) : groups;
}

/** Variables that are the same for every request over TLS. */
const OVER_TLS: Readonly<Record<string, string>> = { '%{HTTPS}': 'on', '%{REQUEST_SCHEME}': 'https' };
/** Variables that hold what a field of the request does. */
const FIELDS: Readonly<Record<string, string>> = {
  '%{HTTP_HOST}': 'Host',
  '%{HTTP_USER_AGENT}': 'User-Agent',
  '%{HTTP_REFERER}': 'Referer',
  '%{HTTP_COOKIE}': 'Cookie',
};

function conditionSaid({ words }: Directive, isWide: boolean): Said {
  const [subject = '', written = '', flags = ''] = words.map(({ text }) => text);
  const isNegated = written.startsWith('!');
  const ignoreCase = /\b(?:NC|nocase)\b/i.test(flags) || (isWide && !isNegated && subject === '%{REQUEST_URI}');
  const regex = regexOf(isNegated ? written.slice(1) : written, ignoreCase);
  if (regex === undefined) return { kind: 'unsayable' };
  const said = saidOf(subject, regex, ignoreCase);
  if (said.kind === 'unsayable' || !isNegated) return said;
  if (said.kind === 'when') return { kind: 'when', when: { not: said.when } };
  return { kind: said.kind === 'always' ? 'never' : 'always' };
}

/** `=text` is an expression, too; undefined for comparisons, tests of files, and what only PCRE can run. */
function regexOf(pattern: string, ignoreCase: boolean): string | undefined {
  if (/^(?:-\w|[<>])/.test(pattern) || /%\{|\$\{/.test(pattern)) return undefined;
  const regex = pattern.startsWith('=')
    ? `^${pattern
        .slice(1)
        .replace(/^"(.*)"$/, '$1')
        .replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`
    : pattern;
  return compileRegex(regex, ignoreCase).ok ? regex : undefined;
}

function saidOf(subject: string, regex: string, ignoreCase: boolean): Said {
  const compiled = compileRegex(regex, ignoreCase);
  const constant = OVER_TLS[subject];
  if (constant !== undefined && compiled.ok) return { kind: compiled.regex.test(constant) ? 'always' : 'never' };
  if (subject === '%{REQUEST_URI}') return { kind: 'when', when: { path: [{ regex, ignoreCase }] } };
  const name = FIELDS[subject] ?? /^%\{HTTP:([A-Za-z0-9-]+)\}$/.exec(subject)?.[1];
  if (name === undefined || !compiled.ok) return { kind: 'unsayable' };
  const holds: Condition = { headers: [{ name, regex, ...(ignoreCase && { ignoreCase }) }] };
  // A field that is not there is empty text to Apache, and no value to a rule.
  const isEmptyFine = compiled.regex.test('');
  return { kind: 'when', when: isEmptyFine ? { any: [holds, { not: { headers: [{ name, regex: '' }] } }] } : holds };
}
