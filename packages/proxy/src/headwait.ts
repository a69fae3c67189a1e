// Room: the waits for the request heads of a client connection, each under a deadline. How large a head may be is the reader's.
import type { BadHead, HeadReader, RequestHead } from './http1/head.ts';
import type { Leg, LegListener } from './leg.ts';

/**
 * `idle`: the connection brought nothing in the time it may rest · `slow`: a head began and was not ended in time ·
 * `ended`: the client's FIN, `cut` where it came inside a head · `gone`: the connection is closed · `retired`: we want it closed.
 */
export type NextHead =
  | { kind: 'head'; head: RequestHead }
  | BadHead
  | { kind: 'idle' | 'slow' | 'gone' | 'retired' }
  | { kind: 'ended'; cut: boolean };

export type HeadWait = {
  /** Reads one head; bytes behind it stay with the client leg. One wait at a time. */
  next(): Promise<NextHead>;
  /** Gives up a wait where no byte of a head has come; a head under way is still read. */
  retire(): void;
  /** Stops the clock, after the last wait. */
  stop(): void;
};

/** The waits of one connection. `limits` in milliseconds. */
export function headWait(
  client: Leg,
  reader: HeadReader<RequestHead>,
  limits: { headTime: number; keepAlive: number },
): HeadWait {
  /** There while somebody waits. */
  let settle: ((next: NextHead) => void) | undefined;
  let begun = false;
  // One for the whole connection, wound up anew for each wait: it may ring while a request is under way, and is not heard.
  const rest = setTimeout(giveUp, limits.keepAlive, 'idle');
  /** There while a head is under way that did not come in one piece. */
  let headTime: NodeJS.Timeout | undefined;

  function giveUp(kind: 'idle' | 'retired'): void {
    if (!begun) finish({ kind });
  }

  function finish(next: NextHead): void {
    if (settle === undefined) return;
    const settled = settle;
    settle = undefined;
    clearTimeout(headTime);
    headTime = undefined;
    client.listen(undefined);
    settled(next);
  }

  function take(chunk: Buffer): void {
    begun = true;
    const read = reader.push(chunk);
    if (read.kind === 'more') {
      headTime ??= setTimeout(() => finish({ kind: 'slow' }), limits.headTime);
      if (client.ended) finish({ kind: 'ended', cut: true });
      return;
    }
    if (read.kind === 'head' && read.rest.length > 0) client.hold(read.rest);
    finish(read.kind === 'head' ? { kind: 'head', head: read.head } : read);
  }

  const listener: LegListener = {
    data: take,
    end: () => finish({ kind: 'ended', cut: reader.buffered > 0 }),
    drain() {},
    close: () => finish({ kind: 'gone' }),
  };

  return {
    next: () =>
      new Promise((resolve) => {
        settle = resolve;
        begun = false;
        rest.refresh();
        client.listen(listener);
        const held = client.takeHeld();
        if (held !== undefined) take(held);
        else if (client.gone) finish({ kind: 'gone' });
        else if (client.ended) finish({ kind: 'ended', cut: false });
        if (!client.holding) client.resume();
      }),
    retire: () => giveUp('retired'),
    stop: () => clearTimeout(rest),
  };
}
