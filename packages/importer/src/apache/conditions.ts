// Room: sections that Apache decides while it reads: IfDefine, IfModule, IfVersion, IfFile, IfDirective, IfSection. Pure.
// Source: httpd 2.4 server/core.c start_ifmod and its kin, modules/metadata/mod_version.c start_ifversion (AP-17 to AP-19).
import { firstWord, wordsOf } from './lines.ts';
import type { Modules } from './modules.ts';
import type { Variables } from './variables.ts';

/** What conditions are asked of. */
export type Surroundings = {
  variables: Variables;
  modules: Modules;
  /** Whether a path leads to a file or folder. */
  exists(path: string): boolean;
  /** Whether a pattern of a person is found in `text`; undefined where it is no pattern we can run. */
  found(pattern: string, text: string): boolean | undefined;
  /** Whether a directive or section (with `<`) is known and its module loaded. */
  knows(name: string): boolean;
};

/** `doubt`: why the answer is a guess. A refusal is what Apache would say, and end with. */
export type Verdict = { kind: 'decided'; holds: boolean; doubt?: string } | { kind: 'refused'; message: string };

/** The Apache whose meaning is imported; IfVersion asks for it. */
export const APACHE_VERSION = [2, 4, 71] as const;

/** Names of the sections decided here, in lower case. */
export const CONDITIONS = ['ifdefine', 'ifmodule', 'ifversion', 'iffile', 'ifdirective', 'ifsection'] as const;
export type ConditionName = (typeof CONDITIONS)[number];

const ASKED: Readonly<Record<Exclude<ConditionName, 'ifversion'>, (name: string, around: Surroundings) => Verdict>> = {
  ifdefine: (name, { variables }) => decided(variables.isDefined(name)),
  ifmodule: (name, { modules }) => {
    const { loaded, assumed } = modules.has(name);
    const doubt = `no LoadModule line was read so far, so whether ${name} is there is a guess`;
    return { ...decided(loaded), ...(assumed && { doubt }) };
  },
  iffile: (name, { exists }) => decided(exists(name)),
  ifdirective: (name, { knows }) => decided(knows(name)),
  ifsection: (name, { knows }) => decided(knows(`<${name}`)),
};

/** Decides one section. `rest`: what stands behind its name, up to and with its `>`. */
export function decide(section: ConditionName, rest: string, around: Surroundings): Verdict {
  if (section === 'ifversion') return decideVersion(rest, around);
  const end = rest.lastIndexOf('>');
  if (end === -1) return refused('its line has no closing >');
  const isNegated = rest.startsWith('!');
  const { text: name } = firstWord(rest.slice(isNegated ? 1 : 0, end)).word;
  if (name === '') return refused('it asks for nothing');
  const verdict = ASKED[section](name, around);
  return isNegated && verdict.kind === 'decided' ? { ...verdict, holds: !verdict.holds } : verdict;
}

const OPERATOR = /^(!?)(=|==|~|<|<=|>|>=)$/;
const VERSION = /^(\d+)(?:\.(\d*)(?:\.(\d*))?)?$/;

function decideVersion(rest: string, { found }: Surroundings): Verdict {
  const words = wordsOf(rest).map(({ text }) => text);
  if (words.length === 0 || words.length > 3) return refused('it takes an operator and a version');
  // The closing `>` ends the last word, or is a word of its own behind a blank or a quote.
  if (words.length > 1 && words.at(-1) === '>') words.pop();
  else if (words.at(-1)?.endsWith('>')) words.push((words.pop() ?? '').slice(0, -1));
  else return refused('its line has no closing >');
  if (words.length > 2) return refused('its line has no closing > behind the version');
  const version = words.pop() ?? '';
  const operator = words.pop() ?? '=';
  const [, negation, comparison = ''] = OPERATOR.exec(operator) ?? [];
  if (comparison === '') return refused(`${operator} is no operator`);
  const verdict = compareVersion(comparison, version, found);
  return negation === '!' && verdict.kind === 'decided' ? { ...verdict, holds: !verdict.holds } : verdict;
}

function compareVersion(comparison: string, version: string, found: Surroundings['found']): Verdict {
  const pattern = comparison === '~' ? version : /^=/.test(comparison) ? /^\/(.+)\/$/.exec(version)?.[1] : undefined;
  if (pattern !== undefined) {
    const holds = found(pattern, APACHE_VERSION.join('.'));
    return holds === undefined
      ? { ...decided(false), doubt: `the pattern ${pattern} cannot be run here` }
      : decided(holds);
  }
  const parts = VERSION.exec(version);
  if (parts === null) return refused(`${version} is no version`);
  const order = APACHE_VERSION.map((own, index) => Math.sign(own - Number(parts[index + 1] ?? 0))).find(
    (sign) => sign !== 0,
  );
  const signs: Record<string, readonly number[]> = { '<': [-1], '<=': [-1, 0], '>': [1], '>=': [0, 1] };
  return decided((signs[comparison] ?? [0]).includes(order ?? 0));
}

function decided(holds: boolean): Verdict & { kind: 'decided' } {
  return { kind: 'decided', holds };
}

function refused(message: string): Verdict {
  return { kind: 'refused', message };
}
