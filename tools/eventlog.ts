// Room: what a witness saw, in order, and the one way to wait for more of it.

export type EventLog<Event> = {
  /** All so far, oldest first. The array grows; read it, do not change it. */
  readonly events: readonly Event[];
  record(event: Event): void;
  /**
   * The first event that `wanted` holds for, among those seen and those to come; rejects after `milliseconds` with
   * `what` and the kinds that were seen, so that a failed test says what happened instead.
   */
  until(what: string, wanted: (event: Event) => boolean, milliseconds?: number): Promise<Event>;
};

/** Milliseconds: everything a test waits for happens on loopback within a few of them. */
const PATIENCE = 5_000;

export function createEventLog<Event extends { kind: string }>(): EventLog<Event> {
  const events: Event[] = [];
  const waiting = new Set<(event: Event) => void>();
  return {
    events,
    record(event) {
      events.push(event);
      for (const check of [...waiting]) check(event);
    },
    until(what, wanted, milliseconds = PATIENCE) {
      const seen = events.find(wanted);
      if (seen !== undefined) return Promise.resolve(seen);
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(check);
          const kinds = events.map((event) => event.kind).join(', ');
          reject(new Error(`${what}: not seen within ${milliseconds} ms; seen: ${kinds || 'nothing'}`));
        }, milliseconds);
        const check = (event: Event) => {
          if (!wanted(event)) return;
          clearTimeout(timer);
          waiting.delete(check);
          resolve(event);
        };
        waiting.add(check);
      });
    },
  };
}
