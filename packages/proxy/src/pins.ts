// Room: the upstream connections of one client connection. At most one per upstream, lane and name sent to it, kept while both
// sides stay open, never lent to another client: NTLM and Negotiate log a connection on, and whoever sends on it is that user.
import type { Failure } from './failure.ts';
import { type HeadReader, type ResponseHead, responseHeadReader } from './http1/head.ts';
import { hearLastWords } from './lastwords.ts';
import { Leg, type LegListener } from './leg.ts';
import type { Seat } from './seats.ts';
import type { Asked, Dialler } from './upstream.ts';

/**
 * Connections of one client to one upstream. A browser asks for one host on a connection and has one; a proxy in front of us
 * may ask for several, and a client that makes up hosts must not fill the server with idle connections.
 */
const PER_UPSTREAM = 8;

/** Bytes of a response head. SharePoint and ADFS set cookies of tens of KiB; as much as a request head may have by default. */
const RESPONSE_HEAD = 128 * 1024;

export type Pin = {
  leg: Leg;
  upstream: string;
  /** Who dialled it: after a reload that changed the upstream it is another one, and this connection is used no more. */
  dialler: Dialler;
  /** Reads the heads that come on it, one after another. */
  reader: HeadReader<ResponseHead>;
  /** URL of the server it goes to. */
  server: string;
  /** Its place where the rules limit connections to the server. */
  seat: Seat | undefined;
  /** No request went over it yet. */
  fresh: boolean;
};

export type PinResult =
  | { kind: 'pin'; pin: Pin }
  | { kind: 'failed'; failure: Failure; server: string }
  | { kind: 'cancelled' };

export type Pins = {
  /**
   * The connection to that upstream for such a request, dialled where there is none of this dialler that still lives. One that
   * rests here is given at once.
   */
  take(upstream: string, dialler: Dialler, asked: Asked): PinResult | Promise<PinResult>;
  /** True where such a connection rests here, with whoever is logged on. */
  holds(upstream: string, dialler: Dialler, asked: Asked): boolean;
  /** Puts a connection back between two requests. Whatever the server does on it then ends it. */
  release(pin: Pin): void;
  /** Ends those that rest between two requests: what comes next is another client's. */
  forget(): void;
  /** Ends all of them, and a dial under way. */
  close(): void;
};

/** Between two requests. Bytes that answer none would be taken for the answer to the next one (RFC 9112 9.2 lets a client close). */
const RESTING: LegListener = {
  data: (_, leg) => leg.destroy(),
  end: (leg) => leg.destroy(),
  drain() {},
  close() {},
};

export function createPins(): Pins {
  return new ClientPins();
}

/** A class, as each client connection has two of them for its whole life. */
class ClientPins implements Pins {
  readonly #pins = new Map<string, Pin>();
  #dialling: AbortController | undefined;
  #closed = false;
  /** The question before, and its key: a client asks for one host all its life, and names and orders of servers are dear. */
  #before: { dialler: Dialler; host: string; belongsTo: string | undefined; key: string } | undefined;

  take(upstream: string, dialler: Dialler, asked: Asked): PinResult | Promise<PinResult> {
    if (this.#closed) return { kind: 'cancelled' };
    const key = this.#keyOf(upstream, dialler, asked);
    const kept = this.#pins.get(key);
    this.#pins.delete(key); // and set again, so that the map stands in the order of use
    if (kept?.dialler === dialler && isUsable(kept.leg)) {
      this.#pins.set(key, kept);
      kept.seat?.wake();
      return { kind: 'pin', pin: kept };
    }
    kept?.leg.destroy();
    this.#makeRoom(upstream);
    return this.#dial(key, upstream, dialler, asked);
  }

  holds(upstream: string, dialler: Dialler, asked: Asked): boolean {
    const kept = this.#pins.get(this.#keyOf(upstream, dialler, asked));
    return kept?.dialler === dialler && isUsable(kept.leg);
  }

  release({ leg, seat }: Pin): void {
    leg.listen(RESTING);
    seat?.rest(() => leg.destroy());
  }

  forget(): void {
    for (const { leg } of this.#pins.values()) leg.destroy();
    this.#pins.clear();
  }

  close(): void {
    this.#closed = true;
    // With a reason of our own, or node makes an error with a stack for each connection that ends.
    this.#dialling?.abort('the client is gone');
    this.forget();
  }

  async #dial(key: string, upstream: string, dialler: Dialler, asked: Asked): Promise<PinResult> {
    this.#dialling = new AbortController();
    const dialled = await dialler.dial(asked, this.#dialling.signal);
    this.#dialling = undefined;
    if (dialled.kind !== 'connected') return dialled;
    const leg = new Leg(dialled.socket);
    hearLastWords(dialled.socket, (error) => {
      leg.error = error;
    });
    const reader = responseHeadReader({ head: RESPONSE_HEAD });
    const { server, seat } = dialled;
    const pin = { leg, reader, upstream, dialler, server, seat, fresh: true };
    this.#pins.set(key, pin);
    return { kind: 'pin', pin };
  }

  #keyOf(upstream: string, dialler: Dialler, asked: Asked): string {
    const { host, belongsTo } = asked;
    const before = this.#before;
    if (before?.dialler === dialler && before.host === host && before.belongsTo === belongsTo) return before.key;
    const key = `${upstream} ${dialler.key(asked)}`;
    this.#before = { dialler, host, belongsTo, key };
    return key;
  }

  /** Ends the connection longest unused where there would be too many. None of them is in use: exchanges take turns. */
  #makeRoom(upstream: string): void {
    const others = [...this.#pins].filter(([, pin]) => pin.upstream === upstream);
    const [oldest] = others;
    if (others.length < PER_UPSTREAM || oldest === undefined) return;
    this.#pins.delete(oldest[0]);
    oldest[1].leg.destroy();
  }
}

function isUsable(leg: Leg): boolean {
  return !leg.gone && !leg.ended && leg.error === undefined && !leg.holding && !leg.stream.destroyed;
}
