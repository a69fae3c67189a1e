// Room: a translation as a person reads it on a terminal. Knows how to print, and nothing of Squid.
import { formatPlace } from '@outrigger/rules';
import type { LetThrough, Tightening } from '../judgement.ts';
import { entriesInNeed, inOrder, isImplied, type LedgerEntry } from '../ledger.ts';
import type { Answers, Translation } from '../translation.ts';
import { printable } from './printable.ts';
import { treeLines } from './treetext.ts';
import { countsText, http2Sentence, nextStep, plural, ruleName, sentence, shortPlace } from './wording.ts';

/**
 * The report: a summary of a few lines, the tree of files, each directive in the order of the file with what became of it, what the old file let
 * through, what tighter rules change, and what differs on purpose. Ends with a line end.
 */
export function reportText(translation: Translation): string {
  const { ledger, letThrough, tightening, differences } = translation;
  const sections = [
    summaryLines(translation).join('\n'),
    section('Files read', treeLines(translation)),
    section('Line by line', entriesText(ledger)),
    section(
      tightening?.applied === true
        ? 'What the old file let through'
        : 'What the old file let through, and the rules still do',
      letThrough.map((each) => letThroughText(each, tightening)),
    ),
    tightening === undefined
      ? ''
      : section(tightening.applied ? 'Tightened' : 'Tighter with --tighten', tightLines(tightening)),
    section(
      'Differs on purpose, whatever the file says',
      differences.map((text) => `- ${text}`),
    ),
  ];
  return printable(`${sections.filter((text) => text !== '').join('\n\n')}\n`);
}

function summaryLines(translation: Translation): string[] {
  const { summary, about, overview = [] } = translation;
  const needy = entriesInNeed(translation.ledger);
  const made = [
    plural(summary.listeners, 'listener'),
    plural(summary.upstreams, 'upstream'),
    plural(summary.accessLines, 'access line'),
    plural(summary.routes, 'route'),
  ];
  return [
    ...overviewLines(overview),
    `${countsText(summary)}.`,
    `${made.join(', ')}.`,
    nextStep(translation, 'marked with !'),
    ...(needy.length > 0
      ? [`Needs you: ${needy.map(({ at }, index) => shortPlace(at, needy[index - 1]?.at)).join(', ')}.`]
      : []),
    ...about,
  ];
}

/** Questions on the left, the lines of each answer beside it; an empty line behind them. */
function overviewLines(overview: readonly Answers[]): string[] {
  const width = Math.max(...overview.map(({ question }) => question.length)) + 2;
  const lines = overview.flatMap(({ question, answers }) =>
    answers.map((answer, index) => `${(index === 0 ? question : '').padEnd(width)}${answer}`),
  );
  return lines.length === 0 ? [] : [...lines, ''];
}

/** Nothing for a section without lines. */
function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [title, '-'.repeat(title.length), ...lines].join('\n');
}

/** Marks in front of a line, for eyes and for grep. */
const MARK = { error: '!', warning: '~', note: ' ' } as const;

/** `! squid.conf:13  cache_peer …`, then one indented line for each thing to say. Neighbours of whom the same is said share it. */
function entriesText(entries: readonly LedgerEntry[]): string[] {
  const lines: string[] = [];
  for (const [index, entry] of entries.entries()) {
    const notes = notesText(entry);
    const next = entries[index + 1];
    lines.push(headText(entry));
    if (next === undefined || notesText(next).join('\n') !== notes.join('\n')) lines.push(...notes);
  }
  return lines;
}

function headText({ at, remarks }: LedgerEntry): string {
  const gravest = (['error', 'warning'] as const).find((each) => remarks.some(({ severity }) => severity === each));
  return `${MARK[gravest ?? 'note']} ${formatPlace(at)}  ${at.directive}`;
}

function notesText(entry: LedgerEntry): string[] {
  const lines: string[] = [];
  for (let via = entry.at.via; via !== undefined; via = via.via) lines.push(`      included from ${formatPlace(via)}`);
  for (const [index, remark] of inOrder(entry.remarks).entries()) {
    const { severity, message, hint, code } = remark;
    const isSaid = severity === 'note' || (index === 0 && isImplied(remark, entry));
    const text = `${isSaid ? '' : `${severity}: `}${sentence(message)}${hint === undefined ? '' : ` ${hint}`} [${code}]`;
    lines.push(`      ${index === 0 ? `${entry.disposition}: ` : ''}${text}`);
  }
  return lines;
}

function letThroughText({ at, severity, message, hint, code, tightened }: LetThrough, tightening?: Tightening): string {
  const isClosed = tightening?.applied === true && tightened !== undefined;
  const end = isClosed ? ` Closed: now ${tightened}.` : hint === undefined ? '' : ` ${sentence(hint)}`;
  return `${isClosed ? ' ' : MARK[severity]} ${formatPlace(at)}  ${sentence(message)}${end} [${code}]`;
}

/** Nothing where there is nothing to gain, unless it was asked for. */
function tightLines({ applied, routes, kept, changes, http2 }: Tightening): string[] {
  if (!applied && routes.length === 0) return [];
  const width = Math.max(...changes.map(({ url }) => url.length));
  const http2Line = http2Sentence(http2);
  return [
    routes.length === 0
      ? 'Nothing could be made tighter.'
      : 'Hosts and whole path segments in place of patterns. No route takes a request that its pattern did not take.',
    ...routes.map(
      ({ rule, upstream, hosts, paths }) =>
        `  ${ruleName(rule)} to ${upstream}: ${hosts.join(', ')} with ${paths.join(', ')}`,
    ),
    ...(changes.length > 0 ? ['What changes, each asked of both rule sets:'] : []),
    ...changes.map(({ url, before, after, because }) => `  ${url.padEnd(width)}  ${before} -> ${after}  ${because}`),
    ...(kept.length > 0 ? ['What stays a pattern:'] : []),
    ...kept.map(
      ({ at, pattern, reason }) =>
        `${MARK.warning} ${at === undefined ? '' : `${formatPlace(at)}  `}${pattern}: ${sentence(reason)}`,
    ),
    ...(http2Line === undefined ? [] : [http2Line]),
  ];
}
