// Room: lines on their way out, many with one write: a write of the kernel for each costs a busy proxy more than the line itself.

/** Milliseconds a line waits for others. Short for a person who looks on; what a proxy that is killed outright has not written. */
const WAIT = 50;

/** Characters that are written without waiting: what a pipe takes at once (pipe(7)). */
const FULL = 64 * 1024;

export type LineBuffer = {
  /** Takes one line, without its line end. */
  put(line: string): void;
  /** Writes what is held, now. */
  flush(): void;
};

/** Gathers lines and hands them to `write` together, in order, WAIT milliseconds after the first of them at the latest. */
export function lineBuffer(write: (text: string) => void): LineBuffer {
  let held = '';
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    const text = held;
    held = '';
    if (text !== '') write(text);
  }

  return {
    put(line) {
      held += `${line}\n`;
      if (held.length >= FULL) flush();
      else timer ??= setTimeout(flush, WAIT);
    },
    flush,
  };
}
