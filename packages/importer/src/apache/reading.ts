// Room: what is known while a configuration is read, and the ways to say that a line counts, is skipped, or ends it all.

import type { FileRead } from '../filetree.ts';
import { type Ledger, type LedgerEntry, remark } from '../ledger.ts';
import type { Letters } from '../letters.ts';
import type { Redactor } from '../redact.ts';
import type { Reader } from '../source.ts';
import { masked, shortened } from './display.ts';
import type { LogicalLine } from './lines.ts';
import type { Macro } from './macros.ts';
import type { Modules } from './modules.ts';
import type { Argument, Refusal } from './tree.ts';
import type { Variables } from './variables.ts';

/** One reading of one configuration; changed by the lines as they come. */
export type Reading = {
  reader: Reader;
  ledger: Ledger;
  redactor: Redactor;
  variables: Variables;
  modules: Modules;
  macros: Map<string, Macro>;
  /** Entries of macros that no Use has used so far. */
  unusedMacros: Map<Macro, LedgerEntry>;
  serverRoot: string;
  /** A folder that was copied: what the files call `from` is read at `to`. */
  moved?: { from: string; to: string };
  /** The file whose lines are being read. */
  file: FileRead;
  /** Files read so far. */
  filesRead: number;
  /** Of each file that was read. */
  letters: Map<string, Letters>;
  includeDepth: number;
  /** Sections that are open, those decided while reading among them. */
  sectionDepth: number;
  /** Lines read so far, those of macros each time they are used. */
  lines: number;
  /** Names without a value that were reported. */
  missing: Set<string>;
  refusal?: Refusal;
};

/** A line that Apache looks at, its words, and its place in the ledger. */
export type ReadLine = {
  line: LogicalLine;
  entry: LedgerEntry;
  /** The name as written, a section with its `<`. */
  name: string;
  rest: string;
  words: Argument[];
};

/** Enters a line into the ledger. */
export function enter(line: LogicalLine, { ledger, letters, redactor }: Reading): LedgerEntry {
  const text = masked(line.text, letters.get(line.file) ?? 'utf8', redactor);
  const at = { file: line.file, line: line.line, directive: shortened(text), ...(line.via && { via: line.via }) };
  return ledger.enter(at, text, line.lastLine);
}

/** Ends the reading: Apache would not start with this line. The first refusal stands. `message` ends a sentence about the line. */
export function refuse(
  reading: Reading,
  { entry, line }: Pick<ReadLine, 'entry' | 'line'>,
  message: string,
  hint?: string,
): void {
  if (reading.refusal !== undefined) return;
  reading.refusal = { at: entry.at, reported: line.reported, message };
  remark(entry, 'malformed', 'APACHE_REFUSED', `Apache does not start with this line: ${message}`, {
    ...(hint !== undefined && { hint }),
  });
}

/** Remarks that a line was obeyed while reading. */
export function obeyed({ entry }: Pick<ReadLine, 'entry'>, message: string): void {
  remark(entry, 'translated', 'APACHE_CONTROL', message);
}
