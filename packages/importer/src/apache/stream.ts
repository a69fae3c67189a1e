// Room: the lines of one file as Apache takes them, one at a time; a Use puts the lines of its macro in front of the rest.
import { type LogicalLine, saysSomething } from './lines.ts';

export type LineStream = {
  /** The next line that says something; undefined at the end of the file. */
  next(): LogicalLine | undefined;
  /** The next line, comments and empty ones too: macros keep them. */
  nextOfAny(): LogicalLine | undefined;
  /** Puts the lines of a macro in front of those that are left. */
  insert(lines: readonly LogicalLine[], macro: string): void;
  /** Whether lines of this macro are being read: it cannot be used inside itself. */
  isInside(macro: string): boolean;
};

/** `onLost` hears of a line that Apache loses. */
export function streamOf(lines: readonly LogicalLine[], onLost: (line: LogicalLine) => void): LineStream {
  const frames: { lines: readonly LogicalLine[]; next: number; macro?: string }[] = [{ lines, next: 0 }];

  function nextOfAny(): LogicalLine | undefined {
    let isBehindMacro = false;
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const line = frame.lines[frame.next++];
      if (line === undefined) {
        frames.pop();
        isBehindMacro = true;
      } else if (isBehindMacro && line.isUnterminated === true) {
        // The line behind a macro is read letter by letter, and dropped where the file ends before the line does
        // (mod_macro.c, array_getstr).
        if (saysSomething(line)) onLost(line);
      } else return line;
    }
    return undefined;
  }

  function next(): LogicalLine | undefined {
    let line = nextOfAny();
    while (line !== undefined && !saysSomething(line)) line = nextOfAny();
    return line;
  }

  return {
    next,
    nextOfAny,
    insert: (inserted, macro) => frames.push({ lines: inserted, next: 0, macro }),
    isInside: (macro) => frames.some((frame) => frame.macro === macro),
  };
}
