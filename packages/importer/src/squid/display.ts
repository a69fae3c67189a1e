// Room: a squid.conf as a report shows it: a directive on one line, shortened where it is long, and a file line by line. Bytes
// of the file are shown as its letters; secrets are masked before anything is cut.
import { type Letters, lettersOf, readable } from '../letters.ts';
import { maskSpans, type Redactor, type Span } from '../redact.ts';
import type { ShownFile, SourceFile } from '../source.ts';
import { logicalLines, physicalPlaces } from './lines.ts';

/** Characters of a directive in a report or a comment: with the place in front it still fits a wide terminal. */
const DISPLAY_MAX = 88;

/** The directive whole, on one line. */
export function masked(text: string, letters: Letters, redactor: Redactor): string {
  return readable(redactor.directive(text.trim()), letters).replace(/\s+/g, ' ').trim();
}

/** The same, shortened. A long cache_peer keeps its address and its name, by which people know it. */
export function displayed(text: string, letters: Letters, redactor: Redactor): string {
  const shown = masked(text, letters, redactor);
  if (shown.length <= DISPLAY_MAX) return shown;
  const name = /^cache_peer .*?(\sname=\S+)/.exec(shown)?.[1] ?? '';
  return `${shown.slice(0, DISPLAY_MAX - name.length - 2).trimEnd()} …${name}`;
}

/**
 * The file as it stands, its comments with it: a line that was switched off with # may still hold its password. Squid ends a
 * line at its first CR, and so does this.
 */
export function shownFile(file: SourceFile, redactor: Redactor): ShownFile {
  const letters = lettersOf(file.text);
  const lines = file.text.split('\n').map((line) => line.split('\r', 1)[0] ?? '');
  const spans = lines.map((): Span[] => []);
  for (const text of [file.text, uncommented(file.text)]) {
    for (const line of logicalLines({ path: file.path, text })) {
      for (const span of redactor.spans(line.text)) {
        for (const { line: number, start, end } of physicalPlaces(line, span)) spans[number - 1]?.push({ start, end });
      }
    }
  }
  if (lines.at(-1) === '') lines.pop();
  return {
    path: file.path,
    lines: lines.map((line, index) => {
      const inOrder = (spans[index] ?? []).sort((a, b) => a.start - b.start);
      return redactor.text(readable(maskSpans(line, apart(inOrder)), letters)).trimEnd();
    }),
  };
}

/** Comments as the directives they may have been, each where it stands; all other lines blank. */
function uncommented(text: string): string {
  return text
    .split('\n')
    .map((line) => (/^\s*#/.test(line) ? line.replace(/#+/, (signs) => ' '.repeat(signs.length)) : ''))
    .join('\n');
}

function apart(spans: readonly Span[]): Span[] {
  return spans.filter(({ start }, index) => start >= (spans[index - 1]?.end ?? 0));
}
