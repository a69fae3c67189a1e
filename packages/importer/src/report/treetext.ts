// Room: the tree of files on a terminal: each file under the line that led to it. Bounded, for a hoster has thousands of sites:
// of many files under one line those that matter are named, and the rest is counted.
import type { SourceRef } from '@outrigger/rules';
import { type Branch, countsByFile, type FileCounts, type FileRead, inLineOrder, isOneFile } from '../filetree.ts';
import { DISPOSITIONS, type LedgerEntry } from '../ledger.ts';
import type { Translation } from '../translation.ts';
import { branchText, countsText, fileText, plural, shortPlace } from './wording.ts';

/** Files named under one line: more fill a screen, and nobody reads on. */
const NAMED_MAX = 12;
/** Lines of the whole tree: two screens. Forms of the report that can be searched show all of it. */
const LINES_MAX = 120;
/** Sections that do not hold, of one file, by their lines. */
const SKIPPED_MAX = 8;

type Showing = { counts: ReadonlyMap<string, FileCounts>; matters: ReadonlySet<string>; shown: Set<string> };

/** The lines of the tree; none where there is but one file and it leads nowhere. */
export function treeLines({ tree, ledger }: Pick<Translation, 'tree' | 'ledger'>): string[] {
  if (isOneFile(tree)) return [];
  const showing = { counts: countsByFile(ledger), matters: filesThatMatter(ledger), shown: new Set<string>() };
  const lines = tree.flatMap((file) => fileLines(file, '', showing));
  const cut = lines.length - LINES_MAX;
  if (cut <= 0) return lines;
  return [...lines.slice(0, LINES_MAX), `${plural(cut, 'line')} more, all in a report of the form html or json.`];
}

/** Files with a line that rules came of, or that a person should look at. */
function filesThatMatter(ledger: readonly LedgerEntry[]): Set<string> {
  const counts = ({ rules, remarks }: LedgerEntry): boolean =>
    rules.length > 0 || remarks.some(({ severity }) => severity !== 'note');
  return new Set(ledger.filter(counts).map(({ at }) => at.file));
}

function fileLines(read: FileRead, indent: string, showing: Showing): string[] {
  const { file, link, branches } = read;
  const isAgain = showing.shown.has(file);
  showing.shown.add(file);
  const inner = `${indent}  `;
  const head = `${indent}${file}${link === undefined ? '' : ` -> ${link}`}  ${fileText(read, showing.counts, isAgain)}`;
  if (isAgain) return [head];
  const taken = inLineOrder(branches.filter(({ outcome }) => outcome !== 'skipped'));
  return [
    head,
    ...taken.flatMap((branch) => branchLines(branch, read, inner, showing)),
    ...skippedLines(
      branches.filter(({ outcome }) => outcome === 'skipped'),
      read,
      inner,
    ),
  ];
}

function branchLines(branch: Branch, from: FileRead, indent: string, showing: Showing): string[] {
  const { entry, files } = branch;
  const what = branchText(branch);
  const inner = `${indent}  `;
  const named =
    files.length <= NAMED_MAX ? files : files.filter((each) => isWorthNaming(each, showing)).slice(0, NAMED_MAX);
  const rest = files.filter((each) => !named.includes(each));
  return [
    `${indent}${placeIn(from, entry.at)}: ${entry.at.directive}${what === undefined ? '' : `  ${what}`}`,
    ...named.flatMap((file) => fileLines(file, inner, showing)),
    ...(rest.length === 0
      ? []
      : [
          `${inner}${plural(rest.length, 'file')}${named.length === 0 ? '' : ' more'}  ${countsText(sumOf(rest, showing))}`,
        ]),
  ];
}

/** The number of a line; its whole place where it stands in another file, as those of a macro do. */
function placeIn({ file }: FileRead, at: SourceRef): string {
  return shortPlace(at, { file, line: 1, directive: '' });
}

/** One that has a line that matters, or is not there, or leads to others. */
function isWorthNaming({ file, absent, branches }: FileRead, { matters }: Showing): boolean {
  return matters.has(file) || absent !== undefined || branches.some(({ files }) => files.length > 0);
}

function sumOf(files: readonly FileRead[], { counts }: Showing): FileCounts {
  const sum = { directives: 0, ...Object.fromEntries(DISPOSITIONS.map((name) => [name, 0])) } as FileCounts;
  for (const file of new Set(files.map((each) => each.file))) {
    const own = counts.get(file);
    if (own === undefined) continue;
    sum.directives += own.directives;
    for (const name of DISPOSITIONS) sum[name] += own[name];
  }
  return sum;
}

/** `12: <IfModule mod_x.c>, 40: <IfDefine SSL>  do not hold: 7 directives skipped` */
function skippedLines(sections: readonly Branch[], from: FileRead, indent: string): string[] {
  const [first] = sections;
  if (first === undefined) return [];
  const named = sections.slice(0, SKIPPED_MAX).map(({ entry: { at } }) => `${placeIn(from, at)}: ${at.directive}`);
  const more = sections.length > named.length ? ` and ${sections.length - named.length} more` : '';
  const skipped = sections.reduce((sum, section) => sum + (section.skipped ?? 0), 0);
  return [
    `${indent}${named.join(', ')}${more}  ${sections.length === 1 ? 'does not hold' : 'do not hold'}: ${plural(skipped, 'directive')} skipped`,
  ];
}
