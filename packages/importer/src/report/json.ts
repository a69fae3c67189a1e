// Room: a translation as a script reads it. The shape is a promise: keys are only ever added while `version` is 1.
import type { Severity, SourceRef } from '@outrigger/rules';
import type { ImportCode } from '../codes.ts';
import { type Branch, countsByFile, type FileCounts, type FileRead, inLineOrder } from '../filetree.ts';
import type { Change, LetThrough } from '../judgement.ts';
import { type Disposition, inOrder, type LedgerEntry } from '../ledger.ts';
import { EXIT_CODES, type Outcome, type Summary, type Translation } from '../translation.ts';

/** Where something stands. `includedFrom` leads from the file to the one the import began with. */
export type ReportPlace = { file: string; line: number; includedFrom?: { file: string; line: number }[] };

/** One thing to say. `hint` says what to do. */
export type ReportFinding = { severity: Severity; code: ImportCode; message: string; hint?: string };

/** One directive: its place, its one disposition, what there is to say, and the rules it had a part in (`routes[0]`). */
export type ReportDirective = ReportPlace & {
  lastLine: number;
  text: string;
  disposition: Disposition;
  findings: ReportFinding[];
  rules: string[];
};

/** A file, where its link leads, why it was not read, how many values or which directives it holds, and the lines that lead on. */
export type ReportFile = {
  file: string;
  link?: string;
  absent?: string;
  values?: number;
  /** Read before, where counts and branches stand. */
  again?: true;
  /** Absent for a file without directives. */
  counts?: FileCounts;
  branches: ReportBranch[];
};

/** A line that leads to other files, or opens a section that does not hold, with the number of directives that are skipped for it. */
export type ReportBranch = {
  file: string;
  line: number;
  text: string;
  outcome: Branch['outcome'];
  skipped?: number;
  files: ReportFile[];
};

/** Something the old file let through: the request that shows it, and where it went; where tightened rules send it, if elsewhere. */
export type ReportLetThrough = ReportFinding & ReportPlace & { url: string; reached: string; tightened?: string };

/** What `--tighten` changes, or would. */
export type ReportTightening = {
  applied: boolean;
  routes: { rule: string; upstream: string; hosts: string[]; paths: string[] }[];
  kept: { rule: string; pattern: string; at?: ReportPlace; reason: string }[];
  changes: Change[];
  /** `.x` is x and all below it; `name` is absent for all names that no rule names. */
  http2: { name?: string; before: boolean; after: boolean }[];
};

/** The report of `outrigger import --report-format json`. Rules have a file of their own; texts of the config are masked. */
export type ReportDocument = {
  version: 1;
  outcome: Outcome;
  /** What `outrigger import` ends with, `--strict` aside. */
  exitCode: 0 | 1 | 2;
  files: string[];
  /** The same as trees, one for each file given. */
  tree: ReportFile[];
  /** What the files are: no config at all, or one for a Squid that its own words tell. */
  about: string[];
  /** Questions of whoever has imported, with the lines of each answer; absent where nothing answers them. */
  overview?: { question: string; answers: string[] }[];
  summary: Summary;
  directives: ReportDirective[];
  /** Errors and warnings of directives, and of the files as a whole, for who wants no notes. */
  diagnostics: (ReportFinding & ReportPlace)[];
  letThrough: ReportLetThrough[];
  tightening?: ReportTightening;
  differences: string[];
};

/** The document as text: two blanks of indent, a line end. */
export function reportJson(translation: Translation): string {
  return `${JSON.stringify(reportDocument(translation), null, 2)}\n`;
}

export function reportDocument(translation: Translation): ReportDocument {
  const { outcome, files, tree, about, overview, summary, ledger, diagnostics, letThrough, tightening, differences } =
    translation;
  const shown = new Set<object>(letThrough);
  return {
    version: 1,
    outcome,
    exitCode: EXIT_CODES[outcome],
    files: files.map(({ path }) => path),
    tree: treesOf(tree, ledger),
    about,
    ...(overview !== undefined && { overview }),
    summary,
    directives: ledger.map(directiveOf),
    diagnostics: diagnostics
      .filter((each) => !shown.has(each))
      .map((each) => ({ ...placeOf(each.at), ...findingOf(each) })),
    letThrough: letThrough.map(letThroughOf),
    ...(tightening !== undefined && {
      tightening: {
        ...tightening,
        kept: tightening.kept.map(({ at, ...rest }) => ({ ...rest, ...(at !== undefined && { at: placeOf(at) }) })),
      },
    }),
    differences,
  };
}

function directiveOf({ at, lastLine, text, disposition, remarks, rules }: LedgerEntry): ReportDirective {
  const { file, line, ...includes } = placeOf(at);
  return { file, line, lastLine, ...includes, text, disposition, findings: inOrder(remarks).map(findingOf), rules };
}

function treesOf(trees: readonly FileRead[], ledger: readonly LedgerEntry[]): ReportFile[] {
  const counts = countsByFile(ledger);
  const shown = new Set<string>();
  const fileOf = ({ branches, ...read }: FileRead): ReportFile => {
    if (shown.has(read.file)) return { ...read, again: true, branches: [] };
    shown.add(read.file);
    const own = counts.get(read.file);
    return { ...read, ...(own !== undefined && { counts: own }), branches: inLineOrder(branches).map(branchOf) };
  };
  const branchOf = ({ entry: { at, text }, files, ...rest }: Branch): ReportBranch => {
    return { file: at.file, line: at.line, text, ...rest, files: files.map(fileOf) };
  };
  return trees.map(fileOf);
}

function letThroughOf({ at, url, reached, tightened, ...finding }: LetThrough): ReportLetThrough {
  return { ...placeOf(at), ...findingOf(finding), url, reached, ...(tightened !== undefined && { tightened }) };
}

function findingOf({ severity, code, message, hint }: ReportFinding): ReportFinding {
  return { severity, code, message, ...(hint !== undefined && { hint }) };
}

function placeOf({ file, line, via }: SourceRef): ReportPlace {
  const includedFrom: { file: string; line: number }[] = [];
  for (let each = via; each !== undefined; each = each.via) includedFrom.push({ file: each.file, line: each.line });
  return { file, line, ...(includedFrom.length > 0 && { includedFrom }) };
}
