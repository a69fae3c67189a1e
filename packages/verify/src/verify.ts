// Room: what holding rules against a daemon means, whichever it is: what is given, what can go wrong, and that all is cleared away.
import type { Redactor } from '@outrigger/importer';
import type { RuleSet } from '@outrigger/rules';
import type { Comparison, TellProgress, Verified } from './comparison.ts';
import type { OracleProblem } from './oracle.ts';
import type { Probe } from './probe.ts';

/** Why nothing could be compared. Closed, with OracleProblem's; each has its line in the README. */
export type VerifyProblem =
  | OracleProblem
  | { code: 'NOTHING_TO_COMPARE' | 'RULES_NOT_SERVED' | 'BROKEN_OFF'; message: string; said?: string };

export type VerifyFailure = { kind: 'failed'; problem: VerifyProblem };

export type VerifyOptions = {
  /** Default: what the import of the configuration writes. */
  rules?: RuleSet;
  /** Default: made of the configuration and the rules. */
  probes?: readonly Probe[];
  /** Of the probes made; default 1. */
  seed?: number;
  /** Probes made at most; default 1,000. */
  most?: number;
  /** The program of the daemon; default: the installed one. */
  program?: string;
  progress?: TellProgress;
  /** Breaks off between two probes; everything is cleared away first. */
  signal?: AbortSignal;
};

/** Probes made where nobody says: a minute on a slow machine, seconds on most. */
const PROBES = 1_000;

/** Which probes are made where none are given. */
export function amountOf({ seed = 1, most = PROBES }: VerifyOptions): { seed: number; most: number } {
  return { seed, most };
}

/** Opens a comparison, puts the probes, and closes it, whatever comes of it. */
export async function verifyWith<Options extends VerifyOptions>(
  options: Options,
  open: (options: Options) => Promise<Comparison | VerifyFailure>,
): Promise<Verified | VerifyFailure> {
  const brokenOff = failed('BROKEN_OFF', 'Broken off before all was asked.');
  if (options.signal?.aborted) return brokenOff;
  const comparison = await open(options);
  if (comparison.kind === 'failed') return comparison;
  try {
    const verified = await comparison.put(options.probes ?? comparison.probes(amountOf(options)), options);
    return options.signal?.aborted ? brokenOff : verified;
  } finally {
    await comparison.close();
  }
}

export function failed(code: VerifyProblem['code'], message: string): VerifyFailure {
  return { kind: 'failed', problem: { code, message } };
}

/** A daemon that did not start; what it said may hold secrets of its configuration. */
export function notStarted({ said, ...problem }: OracleProblem, redactor: Redactor): VerifyFailure {
  return { kind: 'failed', problem: { ...problem, ...(said !== undefined && { said: redactor.text(said) }) } };
}
