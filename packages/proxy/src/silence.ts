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
  let still = 0;
  let last = moved();
  let timer = start(milliseconds);

  function start(limit: number): NodeJS.Timeout {
    return setInterval(tick, Math.max(1, Math.ceil(limit / TICKS)));
  }

  function tick(): void {
    const now = moved();
    if (now !== last) {
      last = now;
      still = 0;
    } else if (++still === TICKS) {
      clearInterval(timer);
      onSilence();
    }
  }

  return {
    limit(changed) {
      clearInterval(timer);
      still = 0;
      timer = start(changed);
    },
    stop: () => clearInterval(timer),
  };
}
