// Room: an Apache configuration as a report shows it: a directive on one line, shortened where it is long, and a file line by
// line. Bytes of the file are shown as its letters; secrets are masked before anything is cut.
import { type Letters, lettersOf, readable } from '../letters.ts';
import { maskSpans, type Redactor } from '../redact.ts';
import type { ShownFile, SourceFile } from '../source.ts';

/** Characters of a directive in a report or a comment: with the place in front it still fits a wide terminal. */
const DISPLAY_MAX = 88;

/** The directive whole, on one line. */
export function masked(text: string, letters: Letters, redactor: Redactor): string {
  return readable(redactor.directive(text), letters).replace(/\s+/g, ' ').trim();
}

/** A masked directive cut to what fits. */
export function shortened(shown: string): string {
  return shown.length <= DISPLAY_MAX ? shown : `${shown.slice(0, DISPLAY_MAX - 2).trimEnd()} …`;
}

/** The file as it stands, comments with it: a line that was switched off with # may still hold its password. */
export function shownFile(file: SourceFile, redactor: Redactor): ShownFile {
  const letters = lettersOf(file.text);
  const lines = file.text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return { path: file.path, lines: lines.map((line) => shownLine(line, letters, redactor)) };
}

/** Where a directive that may hold a secret begins inside a comment. */
const QUOTED_DIRECTIVE =
  /(?<=\s)(?:AuthLDAPBindPassword|DBDParams|SessionCryptoPassphrase|(?:Request)?Header|SetEnv|Define)\s/gi;

/** A line of a file. One that a backslash continues is a directive of its own here, and what was found elsewhere is masked. */
function shownLine(line: string, letters: Letters, redactor: Redactor): string {
  const [lead = ''] = /^[\s#]*/.exec(line) ?? [];
  const bare = line.slice(lead.length);
  // In a comment a directive may stand behind words of a person.
  if (lead.includes('#')) for (const { index } of bare.matchAll(QUOTED_DIRECTIVE)) redactor.spans(bare.slice(index));
  return redactor.text(readable(lead + maskSpans(bare, redactor.spans(bare)), letters)).trimEnd();
}
