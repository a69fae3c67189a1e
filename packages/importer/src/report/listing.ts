// Room: the old files on the page, line by line: each directive with what became of it beside it, and links to its rules.
import { formatPlace } from '@outrigger/rules';
import type { LetThrough } from '../judgement.ts';
import { type Disposition, inOrder, isImplied, type LedgerEntry, type Remark } from '../ledger.ts';
import type { ShownFile } from '../source.ts';
import type { Translation } from '../translation.ts';
import { type Links, ruleId } from './links.ts';
import { html, type Markup } from './markup.ts';
import { ruleName, sentence } from './wording.ts';

/** Signs beside the words, for who looks over the page and for who sees no colours. */
export const SIGNS: Readonly<Record<Disposition, string>> = {
  translated: '✓',
  approximated: '≈',
  irrelevant: '–',
  untranslated: '!',
  unknown: '?',
  malformed: '✗',
};

/** One section for each file, the main one first; then what could not be read. */
export function listing({ files, ledger, letThrough, tightening }: Translation, links: Links): Markup {
  const warnings = new Map<LedgerEntry, LetThrough[]>();
  for (const each of letThrough) {
    const entry = links.at(each.at);
    if (entry !== undefined) warnings.set(entry, [...(warnings.get(entry) ?? []), each]);
  }
  const notes = (entry: LedgerEntry): Markup =>
    notesOf(entry, warnings.get(entry) ?? [], tightening?.applied === true, links);
  const unread = ledger.filter(({ at }) => !files.some(({ path }) => path === at.file));
  return html`${files.map((file, index) => fileSection(file, index, ledger, notes, links))}${
    unread.length === 0
      ? undefined
      : html`<section class="file" aria-labelledby="unread"><h3 id="unread">Not read</h3>${unread.map(
          (entry) =>
            html`<div class="directive ${entry.disposition}" id="${links.directiveId(entry)}"><div class="source"><code>${entry.at.file}</code></div>${notes(entry)}</div>`,
        )}</section>`
  }`;
}

function fileSection(
  { path, lines }: ShownFile,
  index: number,
  ledger: readonly LedgerEntry[],
  notes: (entry: LedgerEntry) => Markup,
  links: Links,
): Markup {
  const starts = new Map<number, LedgerEntry[]>();
  for (const entry of ledger)
    if (entry.at.file === path) starts.set(entry.at.line, [...(starts.get(entry.at.line) ?? []), entry]);
  const blocks: Markup[] = [];
  for (let line = 1; line <= lines.length; ) {
    const entries = starts.get(line) ?? [];
    const isDirective = entries.length > 0;
    let end = Math.max(line, ...entries.map(({ lastLine }) => lastLine));
    while (!isDirective && end < lines.length && !starts.has(end + 1)) end += 1;
    blocks.push(
      isDirective
        ? directive(entries, sourceLines(lines, line, end, links.directiveId(entries[0] as LedgerEntry)), notes, links)
        : html`<div class="plain">${sourceLines(lines, line, end)}</div>\n`,
    );
    line = end + 1;
  }
  const via = ledger.find(({ at }) => at.file === path)?.at.via;
  const included = via && links.at(via);
  return html`<section class="file" aria-labelledby="file-${index}">
<h3 id="file-${index}">${path}</h3>${
    included === undefined
      ? undefined
      : html`<p class="via">included from <a href="#${links.directiveId(included)}">${formatPlace(included.at)}</a></p>`
  }
${blocks}</section>\n`;
}

/** A file that is included twice has a directive of two entries: shown once, with what is to be said of both. */
function directive(
  entries: readonly LedgerEntry[],
  source: Markup,
  notes: (entry: LedgerEntry) => Markup,
  links: Links,
): Markup {
  const [first, ...others] = entries;
  if (first === undefined) return html``;
  const rules = [...new Set(entries.flatMap((entry) => entry.rules))].map(ruleId).join(' ');
  return html`<div class="directive ${first.disposition}" id="${links.directiveId(first)}" data-with="${rules}">${source}${notes(first)}${others.map(
    (entry) => html`<div id="${links.directiveId(entry)}">${notes(entry)}</div>`,
  )}</div>\n`;
}

/** With `id`, the number of the first line is the way to pick the directive by keyboard. */
function sourceLines(lines: readonly string[], first: number, last: number, id?: string): Markup {
  return html`<div class="source">${lines.slice(first - 1, last).map((text, index) => {
    const number = first + index;
    const shown =
      id === undefined || index > 0
        ? html`<span class="number">${number}</span>`
        : html`<a class="number" href="#${id}" aria-label="line ${number}">${number}</a>`;
    return html`<div>${shown}<code>${text === '' ? ' ' : text}</code></div>`;
  })}</div>`;
}

function notesOf(entry: LedgerEntry, warnings: readonly LetThrough[], isTight: boolean, links: Links): Markup {
  const { disposition, rules, at } = entry;
  const [first, ...rest] = inOrder(entry.remarks);
  const place = at.via === undefined ? undefined : links.at(at.via);
  return html`<div class="notes">
<p class="${first?.severity}"><span class="sign ${disposition}"><span aria-hidden="true">${SIGNS[disposition]}</span> ${disposition}</span> ${first && remarkMarkup(first, isImplied(first, entry))}</p>${rest.map(
    (remark) => html`<p class="${remark.severity}">${remarkMarkup(remark)}</p>`,
  )}${warnings.map((each) => warningMarkup(each, isTight))}${
    rules.length === 0
      ? undefined
      : html`<p class="made">in the rules: ${rules.map((rule, index) => html`${index > 0 ? ', ' : ''}<a href="#${ruleId(rule)}">${ruleName(rule)}</a>`)}</p>`
  }${place === undefined ? undefined : html`<p class="made">read by <a href="#${links.directiveId(place)}">${formatPlace(place.at)}</a></p>`}</div>`;
}

/** `isSaid`: that it is an error or a warning stands beside it already. */
function remarkMarkup({ severity, message, hint, code }: Omit<Remark, 'disposition'>, isSaid = false): Markup {
  const label = severity === 'note' || isSaid ? undefined : html`<b class="severity">${severity}:</b> `;
  return html`${label}${sentence(message)}${hint === undefined ? undefined : html` <span class="hint">${sentence(hint)}</span>`} <span class="code">${code}</span>`;
}

/** Also used where all of them stand together. */
export function warningMarkup({ severity, message, hint, code, tightened }: LetThrough, isTight: boolean): Markup {
  if (isTight && tightened !== undefined) {
    return html`<p class="closed"><b class="severity">closed:</b> ${sentence(message)} <span class="hint">Now: ${tightened}.</span> <span class="code">${code}</span></p>`;
  }
  return html`<p class="${severity}">${remarkMarkup({ severity, code, message, ...(hint !== undefined && { hint }) })}</p>`;
}
