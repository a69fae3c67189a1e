// Room: how many connections one server may have (connectionsPerServer), and whose makes room where all are taken: one that rests
// between two requests, the longest at rest first. Those in use are left alone. Counts are of this process.

/** The place of one connection. */
export type Seat = {
  /** The connection rests now; `end` ends it where another needs its place. */
  rest(end: () => void): void;
  /** It is in use again. */
  wake(): void;
  /** It is closed, or never came about. */
  leave(): void;
};

export type Seats = {
  readonly limit: number;
  /** A place for one more connection; undefined where all are taken by connections in use. */
  take(): Seat | undefined;
};

/** Places at one server. `limit`: connections it may have, 1 at least. */
export function createSeats(limit: number): Seats {
  let taken = 0;
  /** The longest at rest first. */
  const resting = new Map<Seat, () => void>();

  function makeRoom(): boolean {
    const [longest] = resting;
    if (longest === undefined) return false;
    const [seat, end] = longest;
    seat.leave();
    end();
    return true;
  }

  return {
    limit,
    take() {
      if (taken >= limit && !makeRoom()) return undefined;
      taken += 1;
      let isTaken = true;
      const seat: Seat = {
        rest(end) {
          if (isTaken) resting.set(seat, end);
        },
        wake() {
          resting.delete(seat);
        },
        leave() {
          resting.delete(seat);
          if (isTaken) taken -= 1;
          isTaken = false;
        },
      };
      return seat;
    },
  };
}
