// Room: which line leads to which rule and back, on the page: the ids of both, and what belongs together.
import type { SourceRef } from '@outrigger/rules';
import type { LedgerEntry } from '../ledger.ts';
import { html, type Markup } from './markup.ts';
import { shortPlace } from './wording.ts';

export type Links = {
  /** Id of a directive on the page. */
  directiveId(entry: LedgerEntry): string;
  /** Directives that had a part in a rule, in the order of the files. */
  directivesOf(rule: string): readonly LedgerEntry[];
  /** The directive at a place: for a finding that names no other. */
  at(place: SourceRef): LedgerEntry | undefined;
};

export function createLinks(ledger: readonly LedgerEntry[]): Links {
  const ids = new Map(ledger.map((entry, index) => [entry, `line-${index + 1}`]));
  const byRule = new Map<string, LedgerEntry[]>();
  for (const entry of ledger) for (const rule of entry.rules) byRule.set(rule, [...(byRule.get(rule) ?? []), entry]);
  return {
    directiveId: (entry) => ids.get(entry) ?? '',
    directivesOf: (rule) => byRule.get(rule) ?? [],
    at: ({ file, line }) => ledger.find(({ at }) => at.file === file && at.line === line),
  };
}

/** Id of a rule on the page: `routes[0]` is `rule-routes-0`. Names of upstreams hold `.`, `:`, `[` and `]`, which ids may. */
export function ruleId(rule: string): string {
  return `rule-${rule.replace(/\[(\d+)\]$/, '-$1')}`;
}

/** Links to directives, separated by commas; `before` is the place that was named last. */
export function directiveLinks(entries: readonly LedgerEntry[], links: Links, before?: LedgerEntry): Markup {
  return html`${entries.map((entry, index) => {
    const text = shortPlace(entry.at, (entries[index - 1] ?? before)?.at);
    return html`${index > 0 ? ', ' : ''}<a href="#${links.directiveId(entry)}">${text}</a>`;
  })}`;
}
