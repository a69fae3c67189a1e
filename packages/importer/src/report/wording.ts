// Room: sentences that every form of the report says alike.
import { formatPlace, type SourceRef } from '@outrigger/rules';
import type { Branch, FileCounts, FileRead } from '../filetree.ts';
import type { Tightening } from '../judgement.ts';
import { DISPOSITIONS, entriesInNeed } from '../ledger.ts';
import type { Translation } from '../translation.ts';

/** What to do next. `marked` says how lines that need a person are marked in this form of the report. */
export function nextStep({ summary, outcome, ledger, diagnostics }: Translation, marked: string): string {
  const errors = entriesInNeed(ledger).length;
  const reason = diagnostics.find(({ code }) => code.endsWith('_NOTHING_TO_RUN'))?.message;
  return {
    complete: `Everything was carried over${summary.approximated > 0 ? `, ${plural(summary.approximated, 'line')} only approximately` : ''}. Read the warnings, then ask outrigger explain about the requests you care about.`,
    partial: `Rules were written; ${plural(errors, 'line')} ${marked} still ${errors === 1 ? 'needs' : 'need'} you. Nothing was made wider to fit.`,
    failed: `No rules were written: ${reason ?? 'what is left would not serve a request'}. The lines ${marked} say why.`,
  }[outcome];
}

/** Where browsers are offered HTTP/2, tightened and not; undefined where no listener speaks TLS. */
export function http2Sentence(http2: Tightening['http2']): string | undefined {
  if (http2.length === 0) return undefined;
  const offered = (when: 'before' | 'after'): string => {
    const gets = http2.filter((each) => each[when]);
    if (gets.length === 0) return 'no name';
    const without = http2.filter((each) => !each[when]).map(({ name }) => name);
    if (gets.some(({ name }) => name === undefined))
      return without.length === 0 ? 'every name' : `every name but ${without.join(', ')}`;
    return gets.map(({ name }) => name).join(', ');
  };
  const [before, after] = [offered('before'), offered('after')];
  return `Browsers are offered HTTP/2 on ${after}${before === after ? ', as without --tighten' : ` (without --tighten: ${before})`}. Where RPC may go, HTTP/1.1 is needed.`;
}

const RULE = /^(listen|access|routes)\[(\d+)\]$/;
const NOUN = { listen: 'listener', access: 'access line', routes: 'route' } as const;

/** `routes[0]` as people count: `route 1`; `upstreams.web` is `upstream web`. */
export function ruleName(rule: string): string {
  const match = RULE.exec(rule);
  if (match === null) return rule.replace(/^upstreams\./, 'upstream ').replace(/^pages\./, 'page ');
  return `${NOUN[match[1] as keyof typeof NOUN]} ${Number(match[2]) + 1}`;
}

/** What became of directives, most of all first: `7 directives: 5 translated, 2 irrelevant`. */
export function countsText(counts: FileCounts): string {
  const parts = DISPOSITIONS.filter((name) => counts[name] > 0).map((name) => `${counts[name]} ${name}`);
  return `${plural(counts.directives, 'directive')}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`;
}

/** What a file holds or why it was not read. `isAgain`: that was said where it was read before. */
export function fileText(
  { file, absent, values }: FileRead,
  counts: ReadonlyMap<string, FileCounts>,
  isAgain: boolean,
): string {
  if (absent !== undefined) return `not read: ${absent}`;
  if (isAgain) return 'read again';
  const own = counts.get(file);
  if (own !== undefined) return countsText(own);
  return values === undefined ? 'no directive' : plural(values, 'value');
}

const BRANCH_OUTCOMES = {
  read: undefined,
  nothing: 'there is nothing to read',
  failed: 'could not be followed to its end',
  skipped: 'does not hold',
} as const;

/** What came of a line that leads elsewhere, as far as the files under it do not say so themselves. */
export function branchText({ outcome, files, skipped }: Branch): string | undefined {
  const what = outcome === 'nothing' && files.length > 0 ? undefined : BRANCH_OUTCOMES[outcome];
  return skipped === undefined ? what : `${what}: ${plural(skipped, 'directive')} skipped`;
}

/** `squid.conf:3`, or `3` alone where the place named before is in the same file. */
export function shortPlace(at: SourceRef, before?: SourceRef): string {
  return before?.file === at.file ? String(at.line) : formatPlace(at);
}

export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
