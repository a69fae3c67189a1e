// Room: how long nothing moved. One coarse timer per exchange that compares counters, so that a byte's path has no clock in it.

/** Ticks within a limit: silence is noticed between the limit and a quarter of it later. */
const TICKS = 4;

export type SilenceWatch = {
  /** Changes the limit (milliseconds) and starts counting anew. */
  limit(milliseconds: number): void;
  stop(): void;
};

/**
 * Calls `onSilence` once, after `milliseconds` to `milliseconds` and a quarter in which `moved()` (any counter that grows with
 * traffic) stayed the same.
 */
export function watchSilence(milliseconds: number, moved: () => number, onSilence: () => void): SilenceWatch {
  return new Watch(milliseconds, moved, onSilence);
}

/** A class: there is one for each request, and for each channel as long as it lives. */
class Watch implements SilenceWatch {
  readonly #moved: () => number;
  readonly #onSilence: () => void;
  #still = 0;
  #last: number;
  #limit: number;
  #timer: NodeJS.Timeout;

  constructor(limit: number, moved: () => number, onSilence: () => void) {
    this.#moved = moved;
    this.#onSilence = onSilence;
    this.#last = moved();
    this.#limit = limit;
    this.#timer = start(limit, this);
  }

  limit(changed: number): void {
    this.#still = 0;
    if (changed === this.#limit) {
      this.#timer.refresh();
      return;
    }
    this.#limit = changed;
    clearInterval(this.#timer);
    this.#timer = start(changed, this);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  tick(): void {
    const now = this.#moved();
    if (now !== this.#last) {
      this.#last = now;
      this.#still = 0;
    } else if (++this.#still === TICKS) {
      this.stop();
      this.#onSilence();
    }
  }
}

function start(limit: number, watch: Watch): NodeJS.Timeout {
  return setInterval(tick, Math.max(1, Math.ceil(limit / TICKS)), watch);
}

function tick(watch: Watch): void {
  watch.tick();
}
