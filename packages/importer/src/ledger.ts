// Room: what became of each directive. Every directive is entered once, gathers remarks, and ends with one disposition.
import type { Condition, Diagnostic, Severity, SourceRef } from '@outrigger/rules';
import type { ImportCode } from './codes.ts';

/** What became of a directive, from the least to the most that a person must look at. */
export const DISPOSITIONS = [
  'irrelevant',
  'translated',
  'approximated',
  'untranslated',
  'unknown',
  'malformed',
] as const;
export type Disposition = (typeof DISPOSITIONS)[number];

/** One sentence about a directive. `hint` says what to do. */
export type Remark = {
  severity: Severity;
  code: ImportCode;
  message: string;
  hint?: string;
  disposition: Disposition;
  /** Requests, at the widest, with which rules and file may part for what is said here. */
  concerns?: Condition;
  /** Header fields in which they part, where it is fields that differ. */
  fields?: FieldNames;
};

/** Names in lower case, or any field there is. */
export type FieldNames = readonly string[] | 'any';

/** One directive of the old config, its one disposition, and what there is to say about it. */
export type LedgerEntry = {
  at: SourceRef;
  /** Its last physical line, from 1: more than that of `at` where it is continued. */
  lastLine: number;
  /** As written, on one line, secrets masked. */
  text: string;
  disposition: Disposition;
  remarks: Remark[];
  /** Rules that depend on it, by their place in the rules file: `listen[0]`, `upstreams.web`, `access[2]`, `routes[0]`. */
  rules: string[];
};

export type Ledger = {
  /** Enters a directive; nothing is known of it yet. */
  enter(at: SourceRef, text: string, lastLine?: number): LedgerEntry;
  readonly entries: readonly LedgerEntry[];
};

export function createLedger(): Ledger {
  const entries: LedgerEntry[] = [];
  return {
    entries,
    enter: (at, text, lastLine = at.line) => {
      const entry: LedgerEntry = { at, lastLine, text, disposition: 'irrelevant', remarks: [], rules: [] };
      entries.push(entry);
      return entry;
    },
  };
}

/** Severity a remark has where its writer does not say: what a person must act on is an error. */
const SEVERITY: Record<Disposition, Severity> = {
  irrelevant: 'note',
  translated: 'note',
  approximated: 'warning',
  untranslated: 'error',
  unknown: 'error',
  malformed: 'error',
};

/** Adds a remark. The disposition of an entry is the gravest of its remarks. */
export function remark(
  entry: LedgerEntry,
  disposition: Disposition,
  code: ImportCode,
  message: string,
  more: { hint?: string; severity?: Severity; concerns?: Condition; fields?: FieldNames } = {},
): void {
  const { hint, concerns, fields, severity = SEVERITY[disposition] } = more;
  if (DISPOSITIONS.indexOf(disposition) > DISPOSITIONS.indexOf(entry.disposition)) entry.disposition = disposition;
  const added: Remark = {
    severity,
    code,
    message,
    disposition,
    ...(hint !== undefined && { hint }),
    ...(concerns !== undefined && { concerns }),
    ...(fields !== undefined && { fields }),
  };
  // What a line became is said first; the rest in the order it was found.
  if (code === 'SQUID_CARRIED' || code === 'APACHE_CARRIED' || code === 'TMG_CARRIED') entry.remarks.unshift(added);
  else entry.remarks.push(added);
}

/** True for a remark that its entry's disposition says already: a report need not say error or warning once more. */
export function isImplied({ severity }: Remark, { disposition }: Pick<LedgerEntry, 'disposition'>): boolean {
  return severity === SEVERITY[disposition];
}

/** Remarks as they are told: what a person must act on, then what the line became and the rest in the order it was found. */
export function inOrder(remarks: readonly Remark[]): Remark[] {
  const isError = ({ severity }: Remark): boolean => severity === 'error';
  return [...remarks.filter(isError), ...remarks.filter((each) => !isError(each))];
}

/** Entries that a person must act on. */
export function entriesInNeed(entries: readonly LedgerEntry[]): LedgerEntry[] {
  return entries.filter(({ remarks }) => remarks.some(({ severity }) => severity === 'error'));
}

/** How many entries ended with each disposition. */
export function countDispositions(entries: readonly LedgerEntry[]): Record<Disposition, number> {
  const counts = Object.fromEntries(DISPOSITIONS.map((name) => [name, 0])) as Record<Disposition, number>;
  for (const { disposition } of entries) counts[disposition] += 1;
  return counts;
}

/** The remarks of all entries that are more than notes, as findings with their place. */
export function ledgerDiagnostics(entries: readonly LedgerEntry[]): Diagnostic<ImportCode>[] {
  return entries.flatMap(({ at, remarks }) =>
    remarks.filter(({ severity }) => severity !== 'note').map((each) => ({ ...each, at })),
  );
}
