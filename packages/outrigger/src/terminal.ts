// Room: the two streams a command writes to, and colour where a person is looking.
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Where a command writes. Tests hand in their own; the binary hands in the process's. */
export type Terminal = {
  out(text: string): void;
  err(text: string): void;
  /** `text` in a style on a terminal, bare where output is piped or NO_COLOR is set (no-color.org). */
  paint(style: Style, text: string): string;
};

export function processTerminal(): Terminal {
  const coloured = process.stderr.isTTY === true && process.stdout.isTTY === true && !process.env.NO_COLOR;
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    paint: (style, text) => (coloured ? styleText(style, text) : text),
  };
}
