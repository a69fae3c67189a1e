// Room: how far a long piece of work has come, as one line that a person can glance at. Silent where nobody is looking.
import type { Terminal } from './terminal.ts';

/** Characters of the bar: with count and noun it fits the narrowest terminal. */
const WIDTH = 30;
/** Milliseconds between two pictures: fluent to an eye, nothing to a processor. */
const FRAME = 100;

export type Progress = {
  show(done: number, total: number): void;
  clear(): void;
};

/** A bar on the terminal's status line. `noun` says what is counted. */
export function progressBar(terminal: Terminal, noun: string, now: () => number = () => performance.now()): Progress {
  let shown = Number.NEGATIVE_INFINITY;
  return {
    show(done, total) {
      if (terminal.status === undefined || now() - shown < FRAME) return;
      shown = now();
      const full = Math.round((done / Math.max(total, 1)) * WIDTH);
      terminal.status(`[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${done}/${total} ${noun}`);
    },
    clear: () => terminal.status?.(''),
  };
}
