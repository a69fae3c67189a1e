// Room: the upstream connections of one client connection. At most one per upstream and lane, kept while both sides stay
// open, never lent to another client: NTLM and Negotiate log a connection on, and whoever sends on it is that user.
import type { Failure } from './failure.ts';
import { hearLastWords } from './lastwords.ts';
import { Leg } from './leg.ts';
import type { Ends } from './proxyheader.ts';
import type { Dial } from './upstream.ts';

export type Pin = {
  leg: Leg;
  /** URL of the server it goes to. */
  server: string;
  /** No request went over it yet. */
  fresh: boolean;
};

export type PinResult =
  | { kind: 'pin'; pin: Pin }
  | { kind: 'failed'; failure: Failure; server: string }
  | { kind: 'cancelled' };

export type Pins = {
  /** The connection to that upstream, dialled for the client with these ends where there is none that still lives. */
  take(upstream: string, ends: Ends): Promise<PinResult>;
  /** Puts a connection back between two requests. Whatever the server does on it then ends it. */
  release(pin: Pin): void;
  /** Ends those that rest between two requests: what comes next is another client's. */
  forget(): void;
  /** Ends all of them, and a dial under way. */
  close(): void;
};

export function createPins(diallers: ReadonlyMap<string, Dial>): Pins {
  const pins = new Map<string, Pin>();
  let dialling: AbortController | undefined;
  let closed = false;
  return {
    async take(upstream, ends) {
      if (closed) return { kind: 'cancelled' };
      const kept = pins.get(upstream);
      if (kept !== undefined && isUsable(kept.leg)) return { kind: 'pin', pin: kept };
      pins.delete(upstream);
      const dial = diallers.get(upstream);
      if (dial === undefined) throw new Error(`a route to an unknown upstream passed the loader: ${upstream}`);
      dialling = new AbortController();
      const dialled = await dial(dialling.signal, ends);
      dialling = undefined;
      if (dialled.kind !== 'connected') return dialled;
      const leg = new Leg(dialled.socket);
      hearLastWords(dialled.socket, (error) => {
        leg.error = error;
      });
      const pin = { leg, server: dialled.server, fresh: true };
      pins.set(upstream, pin);
      return { kind: 'pin', pin };
    },
    release({ leg }) {
      const end = (): void => leg.destroy();
      // Bytes that answer no request would be taken for the answer to the next one (RFC 9112 9.2 lets a client close).
      leg.listen({ data: end, end, drain() {}, close() {} });
    },
    forget() {
      for (const { leg } of pins.values()) leg.destroy();
      pins.clear();
    },
    close() {
      closed = true;
      // With a reason of our own, or node makes an error with a stack for each connection that ends.
      dialling?.abort('the client is gone');
      for (const { leg } of pins.values()) leg.destroy();
      pins.clear();
    },
  };
}

function isUsable(leg: Leg): boolean {
  return !leg.gone && !leg.ended && leg.error === undefined && !leg.holding && !leg.stream.destroyed;
}
