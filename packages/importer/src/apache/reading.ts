// Room: what is known while a configuration is read, and the ways to say that a line counts, is skipped, or ends it all.
import type { SourceRef } from '@outrigger/rules';
import { type Ledger, type LedgerEntry, remark } from '../ledger.ts';
import type { Reader } from '../source.ts';
import { displayed, masked } from './display.ts';
import type { LogicalLine } from './lines.ts';
import type { Macro } from './macros.ts';
import type { Modules } from './modules.ts';
import type { Argument, Refusal } from './tree.ts';
import type { Variables } from './variables.ts';

/** One reading of one configuration; changed by the lines as they come. */
export type Reading = {
  reader: Reader;
  ledger: Ledger;
  variables: Variables;
  modules: Modules;
  macros: Map<string, Macro>;
  /** Entries of macros that no Use has used so far. */
  unusedMacros: Map<Macro, LedgerEntry>;
  serverRoot: string;
  /** A folder that was copied: what the files call `from` is read at `to`. */
  moved?: { from: string; to: string };
  files: string[];
  includeDepth: number;
  /** Lines read so far, those of macros each time they are used. */
  lines: number;
  /** Names without a value that were reported. */
  missing: Set<string>;
  refusal?: Refusal;
};

/** A line that Apache looks at, its words, and its place in the ledger. */
export type ReadLine = {
  line: LogicalLine;
  /** The name as written, a section with its `<`. */
  name: string;
  rest: string;
  words: Argument[];
  at: SourceRef;
  entry: LedgerEntry;
};

/** Place of a line, with what a report shows of it. */
export function placeOf(line: LogicalLine): SourceRef {
  return { file: line.file, line: line.line, directive: displayed(line.text), ...(line.via && { via: line.via }) };
}

/** Enters a line into the ledger. */
export function enter(line: LogicalLine, { ledger }: Reading): LedgerEntry {
  return ledger.enter(placeOf(line), masked(line.text));
}

/** Ends the reading: Apache would not start with this line. The first refusal stands. `message` ends a sentence about the line. */
export function refuse(
  reading: Reading,
  { entry, at, line }: Pick<ReadLine, 'entry' | 'at' | 'line'>,
  message: string,
  hint?: string,
): void {
  if (reading.refusal !== undefined) return;
  reading.refusal = { at, reported: line.reported, message };
  remark(entry, 'malformed', 'APACHE_REFUSED', `Apache does not start with this line: ${message}`, {
    ...(hint !== undefined && { hint }),
  });
}

/** Remarks that a line was obeyed while reading. */
export function obeyed({ entry }: Pick<ReadLine, 'entry'>, message: string): void {
  remark(entry, 'translated', 'APACHE_CONTROL', message);
}
