// Room: from the bytes of one squid.conf to its logical lines and their words, each with the place it came from.
// Order of work per physical line as in cache_cf.cc, parseOneConfigFile (SQ-1 to SQ-8, SQ-11).
import type { SourceRef } from '@outrigger/rules';
import type { SourceFile } from '../source.ts';

/** A directive as Squid sees it: continuation lines joined, comments gone. */
export type LogicalLine = {
  file: string;
  /** First physical line, from 1. */
  line: number;
  /** Characters of the first physical line in front of `text`. */
  column: number;
  text: string;
  /** Where in `text` each further physical line begins, and how many of its characters are left out in front. */
  joints: { offset: number; line: number; column: number }[];
  via?: SourceRef;
  /** The end of the file came where a continuation was promised: Squid drops the line. */
  unfinished?: true;
  /** The physical line before was cut at BUFSIZ and this is its rest. */
  restOfLongLine?: true;
};

/** A word of a directive, and the physical line it stands on. */
export type Word = { text: string; line: number; offset: number };

/** Squid reads a physical line with fgets into BUFSIZ bytes, one of them for the end: the rest is the next line (SQ-11). */
const PHYSICAL_LINE_MAX = 8_191;

/** Cuts a file into logical lines. Never fails: what Squid would drop is marked. */
export function logicalLines(file: SourceFile, via?: SourceRef): LogicalLine[] {
  const lines: LogicalLine[] = [];
  let pending: LogicalLine | undefined;
  for (const physical of physicalLines(file.text)) {
    // A CR ends the line wherever it stands, and so does a NUL, the end of a string in C.
    const untilEnd = physical.text.split(/[\r\0]/, 1)[0] ?? '';
    const text = untilEnd.replace(/^[ \t\v\f]+/, '');
    const column = physical.start + untilEnd.length - text.length;
    // Comments and blank lines inside a continuation are skipped and do not end it (SQ-1).
    if (text === '' || text.startsWith('#')) continue;
    if (pending === undefined) {
      pending = { file: file.path, line: physical.line, column, text: '', joints: [] };
      if (via !== undefined) pending.via = via;
      if (physical.start > 0) pending.restOfLongLine = true;
    } else {
      pending.joints.push({ offset: pending.text.length, line: physical.line, column });
    }
    if (text.endsWith('\\')) {
      pending.text += text.slice(0, -1);
      continue;
    }
    pending.text = withoutBlanksBehind(pending.text + text);
    lines.push(pending);
    pending = undefined;
  }
  if (pending !== undefined) lines.push({ ...pending, unfinished: true });
  return lines;
}

/** isspace(3) in the C locale: a no-break space is a letter. A loop, for a pattern would try each of a thousand blanks in turn. */
function withoutBlanksBehind(text: string): string {
  let end = text.length;
  while (end > 0 && ' \t\v\f'.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

function* physicalLines(text: string): Generator<{ line: number; text: string; start: number }> {
  let line = 0;
  for (const whole of text.split('\n')) {
    line += 1;
    for (let start = 0; start === 0 || start < whole.length; start += PHYSICAL_LINE_MAX) {
      yield { line, text: whole.slice(start, start + PHYSICAL_LINE_MAX), start };
    }
  }
}

/** Place of the byte at `offset` of a logical line. `directive` is what a report shows of it. */
export function placeAt(line: LogicalLine, offset: number, directive: string): SourceRef {
  const joint = line.joints.findLast((each) => each.offset <= offset);
  return {
    file: line.file,
    line: joint?.line ?? line.line,
    directive,
    ...(line.via !== undefined && { via: line.via }),
  };
}

/** Where a stretch of a logical line stands in the file: one stretch for each physical line it touches, `start` from 0. */
export function physicalPlaces(
  { line, column, joints, text }: LogicalLine,
  span: { start: number; end: number },
): { line: number; start: number; end: number }[] {
  const pieces = [{ offset: 0, line, column }, ...joints];
  return pieces.flatMap((piece, index) => {
    const start = Math.max(span.start, piece.offset);
    const end = Math.min(span.end, pieces[index + 1]?.offset ?? text.length);
    const shift = piece.column - piece.offset;
    return start < end ? [{ line: piece.line, start: start + shift, end: end + shift }] : [];
  });
}

/**
 * Words between blanks; a `#` that begins a word ends the line (SQ-5, SQ-6). In the value place of a regex acl a backslash
 * takes the blank behind it into the word (`quotedPairs`; ConfigParser.cc, RecognizeQuotedPair_).
 */
export function wordsOf(line: LogicalLine, from = 0, quotedPairs = false): Word[] {
  const shape = quotedPairs ? /(?:\\[\s\S]|[^\\ \t\v\f])+|\\$/g : /[^ \t\v\f]+/g;
  shape.lastIndex = from;
  const words: Word[] = [];
  for (let match = shape.exec(line.text); match !== null; match = shape.exec(line.text)) {
    if (match[0].startsWith('#')) break;
    words.push({ text: match[0], offset: match.index, line: placeAt(line, match.index, '').line });
  }
  return words;
}
