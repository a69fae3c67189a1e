// Room: the pipeline from old configs to rules and a ledger. It reads like the drawing in the architecture: expand, model,
// lower; every stage writes into one ledger.
import { type CompiledRules, compileRules, type Diagnostic, type RuleSet } from '@outrigger/rules';
import type { ImportCode } from './codes.ts';
import {
  countDispositions,
  createLedger,
  type Disposition,
  type Ledger,
  type LedgerEntry,
  ledgerDiagnostics,
} from './ledger.ts';
import type { Reader } from './source.ts';
import { announcedDifferences } from './squid/differences.ts';
import { expand } from './squid/expand.ts';
import { letThrough, type Tightening } from './squid/letthrough.ts';
import { lower, wholeFile } from './squid/lower.ts';
import { buildModel, type Model, readVersion } from './squid/model.ts';

/** All carried over; rules with something left for a person; nothing that could run. Exit codes 0, 2 and 1. */
export type Outcome = 'complete' | 'partial' | 'failed';

export type Summary = Record<Disposition, number> & {
  directives: number;
  listeners: number;
  upstreams: number;
  routes: number;
  accessLines: number;
};

export type Translation = {
  /** Absent where nothing could run. */
  rules?: RuleSet;
  /** Every directive in the order it was read. */
  ledger: readonly LedgerEntry[];
  /** What a person should look at: errors and warnings of directives, then what the old file let through. */
  diagnostics: Diagnostic<ImportCode>[];
  summary: Summary;
  outcome: Outcome;
  /** Tighter rules, as YAML to paste, for what the old file let through. */
  tightening?: Tightening;
  /** What Outrigger does otherwise on purpose, as sentences. */
  differences: string[];
};

/** squid.conf files, read in order as one. `squidVersion` is the one they last ran on. */
export type SquidFiles = { files: string[]; reader: Reader; squidVersion?: string };

/** What squid.conf files say in Squid's own terms, before any rule is made of it: for those who ask questions about it. */
export function readSquid({ files, reader, squidVersion }: SquidFiles): { model: Model; ledger: Ledger } {
  const ledger = createLedger();
  const directives = expand(files, reader, ledger);
  return { ledger, model: buildModel(directives, { reader, main: files[0] ?? '' }, readVersion(squidVersion)) };
}

/** Imports squid.conf files. Never throws on input. */
export function importSquid(given: SquidFiles): Translation {
  const main = given.files[0] ?? '';
  const { model, ledger } = readSquid(given);
  const lowered = lower(model);
  if (lowered.kind === 'nothing') {
    const nothing = {
      severity: 'error' as const,
      code: lowered.code,
      at: wholeFile(main),
      message: lowered.message,
    };
    return finish(ledger.entries, [...ledgerDiagnostics(ledger.entries), nothing], []);
  }
  const { rules } = lowered;
  const compiled: CompiledRules = compileRules(rules);
  const found = letThrough(model, lowered, compiled);
  const diagnostics = [...ledgerDiagnostics(ledger.entries), ...found.diagnostics];
  return {
    ...finish(
      ledger.entries,
      diagnostics,
      announcedDifferences(compiled).map(({ text }) => text),
      rules,
    ),
    ...(found.tightening && { tightening: found.tightening }),
  };
}

function finish(
  ledger: readonly LedgerEntry[],
  diagnostics: Diagnostic<ImportCode>[],
  differences: string[],
  rules?: RuleSet,
): Translation {
  const counts = countDispositions(ledger);
  const isComplete =
    !diagnostics.some(({ severity }) => severity === 'error') &&
    counts.untranslated + counts.unknown + counts.malformed === 0;
  return {
    ...(rules !== undefined && { rules }),
    ledger,
    diagnostics,
    differences,
    summary: {
      directives: ledger.length,
      ...counts,
      listeners: rules?.listen.length ?? 0,
      upstreams: rules?.upstreams.size ?? 0,
      routes: rules?.routes.length ?? 0,
      accessLines: rules?.access.length ?? 0,
    },
    outcome: rules === undefined ? 'failed' : isComplete ? 'complete' : 'partial',
  };
}
