// Room: which files an import read, and the line that led to each: the tree a report shows. Whoever reads files writes it down
// here as it goes; how many directives a file holds, and what became of them, is in the ledger.
import { countDispositions, type Disposition, type LedgerEntry } from './ledger.ts';
import type { Reader } from './source.ts';

/** A file as reading came upon it: one that is read twice stands in two places. */
export type FileRead = {
  file: string;
  /** Where the path leads, if it is a link. */
  link?: string;
  /** Why it is not read, as a clause, though a line names it and nobody minds. */
  absent?: string;
  /** How many values were taken from it, where it holds values and no directives. */
  values?: number;
  branches: Branch[];
};

/**
 * A line at which reading turned off the file. `read`: to the files it names, as far as they are there. `nothing`: they need not be
 * there, and none is. `failed`: it could not be followed, or not to its end; the directive says why. `skipped`: it opens a section
 * that does not hold.
 */
export type Branch = {
  entry: LedgerEntry;
  outcome: 'read' | 'nothing' | 'failed' | 'skipped';
  files: FileRead[];
  /** Directives in a section that is skipped. */
  skipped?: number;
};

/** A file to be read; what it leads to is entered later. */
export function fileRead(file: string, reader: Reader, more: Pick<FileRead, 'absent' | 'values'> = {}): FileRead {
  const link = reader.linkAt(file);
  return { file, ...(link !== undefined && { link }), ...more, branches: [] };
}

/** Enters a line that leads elsewhere; where to is entered later. */
export function branchOff(from: FileRead, entry: LedgerEntry, outcome: Branch['outcome']): Branch {
  const branch: Branch = { entry, outcome, files: [] };
  from.branches.push(branch);
  return branch;
}

/** The same trees with other entries for the same directives. */
export function withEntries(trees: readonly FileRead[], others: ReadonlyMap<LedgerEntry, LedgerEntry>): FileRead[] {
  return trees.map((tree) => ({
    ...tree,
    branches: tree.branches.map((branch) => ({
      ...branch,
      entry: others.get(branch.entry) ?? branch.entry,
      files: withEntries(branch.files, others),
    })),
  }));
}

/** The branches of a file by their lines: files of values are read after all others. */
export function inLineOrder(branches: readonly Branch[]): Branch[] {
  return branches.toSorted((a, b) => a.entry.at.line - b.entry.at.line);
}

/** Whether there is but one file, which leads nowhere: no tree to show. */
export function isOneFile(trees: readonly FileRead[]): boolean {
  return trees.length < 2 && trees.every(({ branches }) => branches.length === 0);
}

/** All files of the trees, in the order in which they were come upon, those not read among them. */
export function everyFile(trees: readonly FileRead[]): FileRead[] {
  return trees.flatMap((tree) => [tree, ...tree.branches.flatMap(({ files }) => everyFile(files))]);
}

/** How many directives a file holds, however often it was read, and what became of them. */
export type FileCounts = Record<Disposition, number> & { directives: number };

/** Of each file with directives, by its path. Those of a macro count where it stands, each time it is used. */
export function countsByFile(ledger: readonly LedgerEntry[]): ReadonlyMap<string, FileCounts> {
  const byFile = new Map<string, LedgerEntry[]>();
  for (const entry of ledger) {
    const found = byFile.get(entry.at.file);
    if (found === undefined) byFile.set(entry.at.file, [entry]);
    else found.push(entry);
  }
  return new Map(
    [...byFile].map(([file, entries]) => [file, { directives: entries.length, ...countDispositions(entries) }]),
  );
}
