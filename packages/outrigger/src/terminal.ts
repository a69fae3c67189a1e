// Room: the two streams a command writes to, and colour where a person is looking.
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Where a command writes. Tests hand in their own; the binary hands in the process's. */
export type Terminal = {
  out(text: string): void;
  err(text: string): void;
  /** `text` in a style on a terminal, bare where output is piped or NO_COLOR is set (no-color.org). */
  paint(style: Style, text: string): string;
  /** Shows a line in place of the one shown before; an empty one clears it. Absent where nobody is looking. */
  status?(text: string): void;
};

export function processTerminal(): Terminal {
  const coloured = process.stderr.isTTY === true && process.stdout.isTTY === true && !process.env.NO_COLOR;
  return {
    ...(process.stderr.isTTY === true && { status: showStatus }),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    paint: (style, text) => (coloured ? styleText(style, text) : text),
  };
}

/** To the start of the line, and clear to its end (ECMA-48 8.3.41). */
const NEW_LINE_HERE = '\r\u001b[K';

function showStatus(text: string): void {
  process.stderr.write(`${NEW_LINE_HERE}${text}`);
}
