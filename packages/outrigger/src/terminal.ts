// Room: the two streams a command writes to, colour where a person is looking, and readers that leave early.
import type { Writable } from 'node:stream';
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

/** The streams of the process. From here on a reader that leaves early, as head(1) does, is no error of the command. */
export function processTerminal(): Terminal {
  for (const stream of [process.stdout, process.stderr]) letReaderLeave(stream);
  const coloured = process.stderr.isTTY === true && process.stdout.isTTY === true && !process.env.NO_COLOR;
  return {
    ...(process.stderr.isTTY === true && { status: showStatus }),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    paint: (style, text) => (coloured ? styleText(style, text) : text),
  };
}

/**
 * Drops what nobody reads any more: the stream's EPIPE (write(2); Node ignores SIGPIPE) is taken as the reader's wish to hear no
 * more. The command itself goes on, and ends with its own code: a cut-over must not stop half way because its output was cut. Any
 * other error of the stream is thrown, as without this.
 */
export function letReaderLeave(stream: Writable): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

/** To the start of the line, and clear to its end (ECMA-48 8.3.41). */
const NEW_LINE_HERE = '\r\u001b[K';

function showStatus(text: string): void {
  process.stderr.write(`${NEW_LINE_HERE}${text}`);
}
