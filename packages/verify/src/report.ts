// Room: what a comparison found, as a person reads it and as a script does.
import { redactData } from '@outrigger/importer';
import { formatPlace, type SourceRef } from '@outrigger/rules';
import type { Aspect, Difference } from './compare.ts';
import { probeText } from './probe.ts';
import type { Verified } from './verify.ts';

/** Each difference with the lines responsible, what the copy did without, and a count at the end. Ends with a line end. */
export function verifiedText(verified: Verified): string {
  const { differences, takenOut, unpaired, oracle, redactor } = verified;
  const lines = [
    ...takenOut.map(
      ({ at, message, code }) => `${formatPlace(at)}: note: ${message}. Taken out of the copy. [${code}]`,
    ),
    ...unpaired.map(
      ({ at, name }) => `${formatPlace(at)}: note: no listener of the rules stands for ${name}; not asked.`,
    ),
    ...differences.flatMap((difference) => differenceLines(difference, oracle)),
    countLine(verified),
  ];
  return redactor.text(`${lines.join('\n')}\n`);
}

function differenceLines({ probe, aspects, rules, old }: Difference, oracle: string): string[] {
  const place = (at: SourceRef): string => `  ${formatPlace(at)}  ${at.directive}`.trimEnd();
  return [
    probeText(probe),
    ...aspects.map((aspect) => `  ${aspectText(aspect, oracle)} [${DIFFERENCE_CODES[aspect.kind]}]`),
    ...rules.map(place),
    ...old.map(place),
  ];
}

/** Closed; each has its line in the README. */
export const DIFFERENCE_CODES = {
  upstream: 'VERIFY_UPSTREAM',
  status: 'VERIFY_STATUS',
  head: 'VERIFY_HEAD',
} as const;

function aspectText(aspect: Aspect, oracle: string): string {
  const what = aspect.kind === 'head' ? `forwarded ${aspect.field}` : aspect.kind;
  return `${what}: ${oracle} ${aspect.theirs}, Outrigger ${aspect.ours}`;
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
export function verifiedJson({
  redactor,
  oracle,
  probes,
  differences,
  announced,
  takenOut,
  unpaired,
}: Verified): string {
  const told = ({ announced: because, ...difference }: Difference) => ({
    ...difference,
    ...(because && { announced: because.map(({ code, text }) => ({ code, text })) }),
  });
  const result = {
    oracle,
    probes,
    differences: differences.map(told),
    announced: announced.map(told),
    takenOut,
    unpaired,
  };
  return `${JSON.stringify(redactData(result, redactor), null, 2)}\n`;
}
