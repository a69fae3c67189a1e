// Room: from the bytes of one Apache config to its logical lines, and from a line to its words. Pure.
// Source: httpd 2.4 server/util.c, ap_cfg_getline_core, cfg_trim_line, ap_getword_conf, substring_conf (AP-1 to AP-7).
import type { SourceRef } from '@outrigger/rules';
import type { Argument } from './tree.ts';

/** Where Apache's own messages place a line: the last physical line, and inside a macro the line of its body. */
export type ReportedPlace = { file: string; line: number };

/** A line as Apache sees it: continuations joined, blanks at both ends gone. Comments are lines, too: they may be continued (AP-3). */
export type LogicalLine = {
  text: string;
  file: string;
  /** First and last physical line, from 1. */
  line: number;
  lastLine: number;
  reported: ReportedPlace;
  via?: SourceRef;
  /** It ends with the file, without a line end. */
  isUnterminated?: true;
};

/** C isspace in the C locale. */
const BLANK = ' \\t\\n\\v\\f\\r';
const ENDS = new RegExp(`^[${BLANK}]+|[${BLANK}]+$`, 'g');
const CONTINUED = /\\\r?\n$/;

/** True for a line that says something. */
export function saysSomething({ text }: LogicalLine): boolean {
  return text !== '' && !text.startsWith('#');
}

/** One physical line with its line end, and where it stands. */
export type PhysicalLine = { text: string; line: number; reported: ReportedPlace };

/** The lines of a file. */
export function linesOfFile(file: { path: string; text: string }): LogicalLine[] {
  const physical = file.text.split(/(?<=\n)/).map((text, index) => {
    const line = index + 1;
    return { text, line, reported: { file: file.path, line } };
  });
  return joinedLines(physical, { file: file.path });
}

/** Joins continued lines; empty lines and comments are among them. `where`: the file, and what led to it. */
export function joinedLines(
  physical: readonly PhysicalLine[],
  where: { file: string; via?: SourceRef },
): LogicalLine[] {
  const lines: LogicalLine[] = [];
  let pending = '';
  let first: number | undefined;
  const finish = (lastLine: number, reported: ReportedPlace): void => {
    const text = pending.replace(ENDS, '');
    const isUnterminated = !pending.endsWith('\n');
    lines.push({
      text,
      line: first ?? lastLine,
      lastLine,
      reported,
      ...where,
      ...(isUnterminated && { isUnterminated }),
    });
    pending = '';
    first = undefined;
  };
  for (const { text, line, reported } of physical) {
    first ??= line;
    // Apache reads C strings: what stands behind a NUL on its line, the line end included, is not there.
    pending += text.split('\0', 1)[0] ?? '';
    if (CONTINUED.test(pending)) pending = pending.replace(CONTINUED, '');
    else finish(line, reported);
  }
  const last = physical.at(-1);
  // A promise of more that the end of the file breaks: Apache takes what there is, and counts one line more.
  if (last !== undefined && first !== undefined) finish(last.line, { ...last.reported, line: last.reported.line + 1 });
  return lines;
}

const WORD = new RegExp(`[^${BLANK}]+`, 'y');
const GAP = new RegExp(`[${BLANK}]*`, 'y');

/**
 * The word at the front of `text`, and the text behind it and the blanks that follow. A quoted word ends at its quote, blank or
 * not; inside it `\\` and the escaped quote are unescaped, in bare words `\\` alone (AP-6). An empty text gives an empty word.
 */
export function firstWord(text: string): { word: Argument; rest: string } {
  const start = skip(GAP, text, 0);
  const quote = text[start];
  if (quote !== '"' && quote !== "'") {
    const end = skip(WORD, text, start);
    return { word: { text: text.slice(start, end).replaceAll('\\\\', '\\'), quoted: false }, rest: behind(text, end) };
  }
  const inside = quote === '"' ? /(?:\\[\\"]|[^"])*/y : /(?:\\[\\']|[^'])*/y;
  const end = skip(inside, text, start + 1);
  const unescaped = text.slice(start + 1, end).replace(quote === '"' ? /\\([\\"])/g : /\\([\\'])/g, '$1');
  return { word: { text: unescaped, quoted: true }, rest: behind(text, end + 1) };
}

/** All words of `text`. */
export function wordsOf(text: string): Argument[] {
  const words: Argument[] = [];
  for (let rest = behind(text, 0); rest !== ''; ) {
    const next = firstWord(rest);
    words.push(next.word);
    rest = next.rest;
  }
  return words;
}

function behind(text: string, end: number): string {
  return text.slice(skip(GAP, text, end));
}

function skip(shape: RegExp, text: string, from: number): number {
  shape.lastIndex = from;
  return shape.test(text) ? shape.lastIndex : from;
}
