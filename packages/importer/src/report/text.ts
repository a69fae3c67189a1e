// Room: a translation as a person reads it on a terminal. Knows how to print, and nothing of Squid.
import { formatPlace } from '@outrigger/rules';
import { DISPOSITIONS, type LedgerEntry } from '../ledger.ts';
import type { LetThrough } from '../squid/letthrough.ts';
import type { Tightening } from '../squid/tighten.ts';
import type { Translation } from '../translate.ts';
import { http2Sentence, nextStep, plural, ruleName, sentence } from './wording.ts';

/**
 * The report: a summary of a few lines, each directive in the order of the file with what became of it, what the old file let
 * through, what tighter rules change, and what differs on purpose. Ends with a line end.
 */
export function reportText(translation: Translation): string {
  const { ledger, letThrough, tightening, differences } = translation;
  const sections = [
    summaryLines(translation).join('\n'),
    section('Line by line', ledger.map(entryText)),
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
  return `${sections.filter((text) => text !== '').join('\n\n')}\n`;
}

function summaryLines(translation: Translation): string[] {
  const { summary, about } = translation;
  const counts = DISPOSITIONS.filter((name) => summary[name] > 0).map((name) => `${summary[name]} ${name}`);
  const made = [
    plural(summary.listeners, 'listener'),
    plural(summary.upstreams, 'upstream'),
    plural(summary.accessLines, 'access line'),
    plural(summary.routes, 'route'),
  ];
  return [
    `${plural(summary.directives, 'directive')}: ${counts.join(', ')}.`,
    `${made.join(', ')}.`,
    nextStep(translation, 'marked with !'),
    ...about,
  ];
}

/** Nothing for a section without lines. */
function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [title, '-'.repeat(title.length), ...lines].join('\n');
}

/** Marks in front of a line, for eyes and for grep. */
const MARK = { error: '!', warning: '~', note: ' ' } as const;

/** `! squid.conf:13  cache_peer …`, then one indented line for each thing to say. */
function entryText({ at, remarks, disposition }: LedgerEntry): string {
  const gravest = remarks.some(({ severity }) => severity === 'error')
    ? 'error'
    : remarks.some(({ severity }) => severity === 'warning')
      ? 'warning'
      : 'note';
  const lines = [`${MARK[gravest]} ${formatPlace(at)}  ${at.directive}`];
  for (let via = at.via; via !== undefined; via = via.via) lines.push(`      included from ${formatPlace(via)}`);
  const [first, ...rest] = remarks.map(
    ({ severity, message, hint, code }) =>
      `${severity === 'note' ? '' : `${severity}: `}${sentence(message)}${hint === undefined ? '' : ` ${hint}`} [${code}]`,
  );
  lines.push(`      ${disposition}: ${first ?? ''}`, ...rest.map((text) => `      ${text}`));
  return lines.join('\n');
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
