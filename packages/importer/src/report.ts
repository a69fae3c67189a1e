// Room: a translation as a person reads it, and as a script does. Knows how to print, and nothing of Squid.
import { formatPlace } from '@outrigger/rules';
import { DISPOSITIONS, type LedgerEntry } from './ledger.ts';
import type { Translation } from './translate.ts';

/**
 * The report: three lines of summary, each directive in the order of the file with what became of it, what the old file let
 * through with tighter rules, and what differs on purpose. Ends with a line end.
 */
export function reportText(translation: Translation): string {
  const { ledger, differences } = translation;
  const sections = [
    summaryLines(translation).join('\n'),
    section('Line by line', ledger.map(entryText)),
    ...lettingThrough(translation),
    ...(differences.length > 0
      ? [
          section(
            'Differs on purpose, whatever the file says',
            differences.map((text) => `- ${text}`),
          ),
        ]
      : []),
  ];
  return `${sections.join('\n\n')}\n`;
}

/** The whole translation but the rules, which have a file of their own; stable keys, two blanks of indent, a line end. */
export function reportJson(translation: Translation): string {
  const { ledger, diagnostics, summary, outcome, tightening, differences } = translation;
  return `${JSON.stringify({ outcome, summary, directives: ledger, diagnostics, ...(tightening && { tightening }), differences }, null, 2)}\n`;
}

function summaryLines({ summary, outcome, ledger, diagnostics }: Translation): string[] {
  const counts = DISPOSITIONS.filter((name) => summary[name] > 0).map((name) => `${summary[name]} ${name}`);
  const made = [
    plural(summary.listeners, 'listener'),
    plural(summary.upstreams, 'upstream'),
    plural(summary.accessLines, 'access line'),
    plural(summary.routes, 'route'),
  ];
  const errors = ledger.filter(({ remarks }) => remarks.some(({ severity }) => severity === 'error')).length;
  const reason = diagnostics.find(({ code }) => code === 'SQUID_NOTHING_TO_RUN')?.message;
  const next = {
    complete: `Everything was carried over${summary.approximated > 0 ? `, ${plural(summary.approximated, 'line')} only approximately` : ''}. Read the warnings, then ask outrigger explain about the requests you care about.`,
    partial: `Rules were written; ${plural(errors, 'line')} marked with ! still ${errors === 1 ? 'needs' : 'need'} you. Nothing was made wider to fit.`,
    failed: `No rules were written: ${reason ?? 'what is left would not serve a request'}. The lines marked with ! say why.`,
  }[outcome];
  return [`${plural(summary.directives, 'directive')}: ${counts.join(', ')}.`, `${made.join(', ')}.`, next];
}

function section(title: string, lines: readonly string[]): string {
  return [title, '-'.repeat(title.length), ...lines].join('\n');
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

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** Warnings that belong to no single directive, and the rules that answer them. */
function lettingThrough({ diagnostics, ledger, tightening }: Translation): string[] {
  const ofDirectives = new Set(ledger.flatMap(({ remarks }) => remarks.map(({ message }) => message)));
  const others = diagnostics.filter(
    ({ message, code }) => !ofDirectives.has(message) && code !== 'SQUID_NOTHING_TO_RUN',
  );
  if (others.length === 0) return [];
  const warnings = others.map(
    ({ at, severity, message, code }) => `${MARK[severity]} ${formatPlace(at)}  ${sentence(message)} [${code}]`,
  );
  const sections = [section('What the old file let through, and the rules still do', warnings)];
  if (tightening !== undefined) {
    const added = tightening.added.length === 0 ? '' : ` It adds ${tightening.added.join(', ')}.`;
    const title = 'Tighter rules to paste';
    sections.push(
      [
        title,
        '-'.repeat(title.length),
        `In place of access and routes.${added} If other sites of yours are served here, add their names to the deny line.`,
        '',
        tightening.yaml.trimEnd(),
      ].join('\n'),
    );
  }
  return sections;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
