// Room: the rules beside the file, rule by rule, each with the way back to the lines it came of.
import { dumpRules, type RuleSet, type SourceRef } from '@outrigger/rules';
import type { LedgerEntry } from '../ledger.ts';
import { rulePaths } from '../rulepaths.ts';
import { directiveLinks, type Links, ruleId } from './links.ts';
import { html, type Markup } from './markup.ts';
import { ruleName } from './wording.ts';

/** A stretch of a rules file: one rule, or the lines between (keys, limits). */
export type RuleBlock = { rule?: string; lines: string[] };

/** Lines named at a rule before it says how many more there are; all of them light up. */
const LINES_SHOWN_MAX = 8;

/** Keys whose items are rules. */
const LISTS = ['listen', 'access', 'routes'];
/** Keys whose values are rules, by their names. */
const MAPS = ['upstreams', 'pages'];

/** Cuts a rules file, as `dumpRules` writes it, into its rules; their comments are left out. */
export function ruleBlocks(yaml: string): RuleBlock[] {
  const blocks: RuleBlock[] = [];
  let section = '';
  let count = 0;
  for (const line of yaml.trimEnd().split('\n')) {
    const key = /^([A-Za-z]+):/.exec(line)?.[1];
    const name = MAPS.includes(section) ? /^ {2}'?([^\s#'][^\s']*)'?:/.exec(line)?.[1] : undefined;
    if (key !== undefined) {
      section = key;
      count = 0;
      blocks.push({ lines: [line] });
    } else if (/^ {2}#/.test(line)) {
      // Where it came from is said by links.
    } else if (name !== undefined) {
      blocks.push({ rule: `${section}.${name}`, lines: [line] });
    } else if (LISTS.includes(section) && line.startsWith('  - ')) {
      blocks.push({ rule: `${section}[${count}]`, lines: [line] });
      count += 1;
    } else {
      blocks.at(-1)?.lines.push(line);
    }
  }
  return blocks;
}

export function ruleList(rules: RuleSet, links: Links): Markup {
  const places = new Map(rulePaths(rules));
  return html`${ruleBlocks(dumpRules(rules)).map((block) => ruleMarkup(block, places, links))}`;
}

function ruleMarkup({ rule, lines }: RuleBlock, places: ReadonlyMap<string, SourceRef[]>, links: Links): Markup {
  const yaml = html`<pre>${lines.join('\n')}</pre>`;
  if (rule === undefined) return html`<div class="between">${yaml}</div>\n`;
  const all = links.directivesOf(rule);
  const from = all.filter(({ at }) => places.get(rule)?.some(({ file, line }) => file === at.file && line === at.line));
  const behind = all.filter((entry) => !from.includes(entry));
  const partners = all.map(links.directiveId).join(' ');
  return html`<div class="rule" id="${ruleId(rule)}" data-with="${partners}">
<p class="from"><a class="name" href="#${ruleId(rule)}">${ruleName(rule)}</a>${placesMarkup(' from ', from, links)}${placesMarkup(', by ', behind, links, from.at(-1))}</p>
${yaml}</div>\n`;
}

function placesMarkup(
  word: string,
  entries: readonly LedgerEntry[],
  links: Links,
  before?: LedgerEntry,
): Markup | undefined {
  if (entries.length === 0) return undefined;
  const more = entries.length - LINES_SHOWN_MAX;
  const shown = directiveLinks(entries.slice(0, LINES_SHOWN_MAX), links, before);
  return html`${word}${shown}${more > 0 ? ` and ${more} more` : ''}`;
}
