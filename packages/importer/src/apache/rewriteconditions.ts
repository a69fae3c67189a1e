// Room: RewriteCond lines as conditions of a rule, where both see the same. Pure.
// Source: modules/mappers/mod_rewrite.c apply_rewrite_cond (AP-83, AP-88, AP-89).
import { type Condition, compileRegex } from '@outrigger/rules';
import type { Directive } from './tree.ts';
import { type About, type Said, variableSaid } from './variablesaid.ts';

/** What the conditions of a rule come to together. `isExact`: nothing was left out; else they hold at least where `when` does not say no. */
export type ConditionsSaid = { when: Condition; isExact: boolean };

/** Conditions are ANDed; one with [OR] is ORed with the next. Undefined: they never hold for the requests asked about. */
export function conditionsSaid(conditions: readonly Directive[], about: About): ConditionsSaid | undefined {
  const all: Condition[] = [];
  let isExact = true;
  for (const group of alternatives(conditions)) {
    const said = group.map((condition) => conditionSaid(condition, about));
    if (said.some(({ kind }) => kind === 'always')) continue;
    if (said.some(({ kind }) => kind === 'unsayable')) {
      isExact = false;
      continue;
    }
    const held = said.flatMap((each) => (each.kind === 'when' ? [each] : []));
    if (held.length === 0) return undefined;
    if (held.some((each) => !each.isExact)) isExact = false;
    const whens = held.map(({ when }) => when);
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

function conditionSaid({ words }: Directive, about: About): Said {
  const [subject = '', written = '', flags = ''] = words.map(({ text }) => text);
  const isNegated = written.startsWith('!');
  const name = /^%\{([^{}]+)\}$/.exec(subject)?.[1];
  const ignoreCase = /\b(?:NC|nocase)\b/i.test(flags);
  const regex = regexOf(isNegated ? written.slice(1) : written, ignoreCase);
  return name === undefined || regex === undefined
    ? { kind: 'unsayable' }
    : variableSaid(name, { regex, ignoreCase, isNegated }, about);
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
