// Room: the wait for the next request head of a client connection, under a deadline. How large a head may be is the reader's.
import type { BadHead, HeadReader, RequestHead } from './http1/head.ts';
import type { Leg } from './leg.ts';

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
  readonly result: Promise<NextHead>;
  /** Gives up the wait where no byte of a head has come; a head under way is still read. */
  retire(): void;
};

/** Reads one head; bytes behind it stay with the client leg. `limits` in milliseconds. */
export function waitForHead(
  client: Leg,
  reader: HeadReader<RequestHead>,
  limits: { headTime: number; keepAlive: number },
): HeadWait {
  let settle: (next: NextHead) => void = () => {};
  const result = new Promise<NextHead>((resolve) => {
    settle = resolve;
  });
  let timer = setTimeout(() => finish({ kind: 'idle' }), limits.keepAlive);
  let begun = false;
  let over = false;

  function finish(next: NextHead): void {
    if (over) return;
    over = true;
    clearTimeout(timer);
    client.listen(undefined);
    settle(next);
  }

  function take(chunk: Buffer): void {
    if (!begun) {
      begun = true;
      clearTimeout(timer);
      timer = setTimeout(() => finish({ kind: 'slow' }), limits.headTime);
    }
    const read = reader.push(chunk);
    if (read.kind === 'more') {
      if (client.ended) finish({ kind: 'ended', cut: true });
      return;
    }
    if (read.kind === 'head' && read.rest.length > 0) client.hold(read.rest);
    finish(read.kind === 'head' ? { kind: 'head', head: read.head } : read);
  }

  client.listen({
    data: take,
    end: () => finish({ kind: 'ended', cut: reader.buffered > 0 }),
    drain() {},
    close: () => finish({ kind: 'gone' }),
  });
  const held = client.takeHeld();
  if (held !== undefined) take(held);
  else if (client.gone) finish({ kind: 'gone' });
  else if (client.ended) finish({ kind: 'ended', cut: false });
  if (!client.holding) client.resume();
  return {
    result,
    retire: () => {
      if (!begun) finish({ kind: 'retired' });
    },
  };
}
