// Room: what rewriting rules that Apache asks first do with requests under a path that moves. Errs towards staying. Pure.
// Source: modules/mappers/mod_rewrite.c apply_rewrite_list (AP-71, AP-72, AP-83).
import type { Obstacle, Staying } from './obstacles.ts';
import { coversAll, mayMatchUnder } from './overlap.ts';
import { patternStays } from './patternstays.ts';
import { conditionsSaid } from './rewriteconditions.ts';
import { flagsOf, type Rule } from './rewriterules.ts';
import type { Server, Servers } from './servers.ts';
import type { About } from './variablesaid.ts';

/** Flags with which a rule that changes no path does something all the same. */
const HAS_EFFECT = new Set('f forbidden g gone r redirect p proxy h handler t type n next co cookie'.split(' '));
/** Flags that end the list. */
const ENDS = ['l', 'last', 'end', 'pt', 'passthrough'];
/** Variables of the environment that decide how a request is proxied, or whether it is. */
const DECIDES = /^(?:no-proxy|proxy-|force-|nokeepalive|downgrade-)/i;

/** What keeps requests under `prefix` with Apache: those of each rule, up to one that surely ends the list for all of them. */
export function rewritingHindrances(
  rules: readonly Rule[],
  prefix: string,
  servers: Servers,
  server: Server,
): (Staying | Obstacle)[] {
  const about: About = { servers, server, isWide: true, under: prefix };
  const found: (Staying | Obstacle)[] = [];
  for (let index = 0; index < rules.length; index += 1) {
    const rule = rules[index] as Rule;
    if (!looksOn(rule)) {
      const hindrance = ruleHindrance(rule, prefix, about);
      if (hindrance !== undefined) found.push(hindrance);
    } else if (takesAll(rule, prefix, about)) {
      const flags = flagsOf(rule.line);
      if (ENDS.some((flag) => flags.has(flag))) break;
      index += Number(flags.get('s') ?? flags.get('skip') ?? 0);
    }
  }
  return found;
}

/** Whether a rule changes nothing: it may end the list, or pass over the next rules. */
function looksOn({ line }: Rule): boolean {
  const flags = flagsOf(line);
  const isBound = [...flags].some(
    ([flag, value]) => HAS_EFFECT.has(flag) || (/^e(?:nv)?$/.test(flag) && DECIDES.test(value)),
  );
  return line.words[1]?.text === '-' && !isBound;
}

/** Whether a rule surely takes every request under the prefix, as it is written. */
function takesAll({ line, conditions }: Rule, prefix: string, about: About): boolean {
  const pattern = line.words[0]?.text ?? '';
  const said = conditionsSaid(conditions, about);
  const isUnconditional = said?.isExact === true && Object.keys(said.when).length === 0;
  return isUnconditional && coversAll(pattern, isCaseless(line), prefix);
}

function isCaseless(line: Rule['line']): boolean {
  const flags = flagsOf(line);
  return flags.has('nc') || flags.has('nocase');
}

/** What a rule does elsewhere matters to nobody here. */
function ruleHindrance({ line, conditions }: Rule, prefix: string, about: About): Staying | Obstacle | undefined {
  const pattern = line.words[0]?.text ?? '';
  const ignoreCase = isCaseless(line);
  const said = conditionsSaid(conditions, about);
  if (said === undefined) return undefined;
  if (pattern.startsWith('!')) {
    if (coversAll(pattern.slice(1), ignoreCase, prefix)) return undefined;
  } else if (!mayMatchUnder(ignoreCase ? `(?i)${pattern}` : pattern, prefix)) return undefined;
  const stays = patternStays(pattern, prefix, ignoreCase, said.when);
  return stays === undefined ? { line, reason: 'a RewriteRule may come first' } : { ...stays, line };
}
