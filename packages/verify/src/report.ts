// Room: what a comparison found, as a person reads it and as a script does. What might be a secret of the files is masked.
import { redactData } from '@outrigger/importer';
import { formatPlace, type SourceRef } from '@outrigger/rules';
import type { Aspect } from './compare.ts';
import type { Difference, Verified } from './comparison.ts';
import type { TakenOut } from './oracle.ts';
import { probeText } from './probe.ts';

/** What the copy did without, each difference with the lines responsible, and a count at the end. Ends with a line end. */
export function verifiedText(verified: Verified): string {
  const { differences, takenOut, unpaired, oracle, redactor } = verified;
  const lines = [
    ...takenOutLines(takenOut),
    ...unpaired.map(
      ({ at, name }) =>
        `${formatPlace(at)}: note: no listener of the rules stands for ${name}: not asked. [NO_LISTENER]`,
    ),
    ...differences.flatMap((difference) => differenceLines(difference, oracle)),
    ...announcedLines(verified.announced),
    countLine(verified),
  ];
  return redactor.text(`${lines.join('\n')}\n`);
}

/** One line for all directives that are gone for one reason. */
function takenOutLines(takenOut: readonly TakenOut[]): string[] {
  const byReason = new Map<string, TakenOut[]>();
  for (const each of takenOut) byReason.set(each.message, [...(byReason.get(each.message) ?? []), each]);
  return [...byReason].map(([message, group]) => {
    const [first] = group;
    const names = [...new Set(group.map(({ at }) => `${at.directive} (${formatPlace(at)})`))].join(', ');
    return `note: the copy is without ${names}: it ${message}. [${first?.code}]`;
  });
}

/** Closed; each has its line in the README. */
export const DIFFERENCE_CODES = {
  upstream: 'VERIFY_UPSTREAM',
  status: 'VERIFY_STATUS',
  head: 'VERIFY_HEAD',
  answer: 'VERIFY_ANSWER',
  page: 'VERIFY_PAGE',
} as const;

function differenceLines({ probe, aspects, rules, old }: Difference, oracle: string): string[] {
  const faults = aspects.filter(({ announced }) => announced === undefined);
  return [
    probeText(probe),
    ...faults.map((aspect) => `  ${aspectText(aspect, oracle)} [${DIFFERENCE_CODES[aspect.kind]}]`),
    ...[...rules, ...old].map((at: SourceRef) => `  ${formatPlace(at)}  ${at.directive}`.trimEnd()),
  ];
}

function aspectText(aspect: Aspect, oracle: string): string {
  const what = 'field' in aspect ? `${aspect.kind === 'head' ? 'forwarded' : 'answered'} ${aspect.field}` : aspect.kind;
  return `${what}: ${oracle} ${aspect.theirs}, Outrigger ${aspect.ours}`;
}

/** How often each announcement was the reason for something. */
function announcedLines(announced: readonly Difference[]): string[] {
  const counts = new Map<string, { text: string; count: number }>();
  for (const { aspects } of announced) {
    const reasons = new Map(aspects.map((aspect) => [aspect.announced?.code ?? '', aspect.announced]));
    for (const [code, reason] of reasons) {
      if (reason === undefined) continue;
      const place = reason.at === undefined ? '' : `${formatPlace(reason.at)}: `;
      const key = `${place}${code}`;
      counts.set(key, { text: `${place}${reason.text} [${code}]`, count: (counts.get(key)?.count ?? 0) + 1 });
    }
  }
  return [...counts.values()].map(({ text, count }) => `announced, ${count} times: ${text}`);
}

function countLine({ probes, differences, announced, oracle }: Verified): string {
  const differ =
    differences.length === 0
      ? `no difference from ${oracle} that was not announced`
      : `${differences.length} differ from ${oracle}`;
  const known = announced.length === 0 ? '' : `; ${announced.length} differ as the import announces`;
  return `${probes} probes: ${differ}${known}.`;
}

/** The whole result for a script; stable keys, two blanks of indent, a line end. */
export function verifiedJson({ redactor, ...verified }: Verified): string {
  const { oracle, probes, differences, announced, takenOut, unpaired } = verified;
  const result = { oracle, probes, differences, announced, takenOut, unpaired };
  return `${JSON.stringify(redactData(result, redactor), null, 2)}\n`;
}
