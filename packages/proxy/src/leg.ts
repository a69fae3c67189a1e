// Room: one leg of an exchange: a stream, whoever listens to it now, and bytes that were read before anybody wanted them.
// A leg outlives the exchanges on it, so its stream gets one set of handlers for life and the listener behind them changes.
import type { Duplex } from 'node:stream';

/** What a leg tells whoever holds it, which may hold another as well. All are called from I/O callbacks, `close` last and once. */
export type LegListener = {
  data(chunk: Buffer, leg: Leg): void;
  /** The peer's FIN: no more data, but it may still read. */
  end(leg: Leg): void;
  /** Everything written has left the process, after `write` said to wait. */
  drain(leg: Leg): void;
  /** Gone both ways; `leg.error` says why where it did not end by itself. */
  close(leg: Leg): void;
};

/**
 * Bytes written to a leg and not yet taken by the kernel, from which on the other leg is no longer read. Four reads of 64 KiB:
 * enough to keep a fast pair busy, little enough that a thousand stalled readers cost a quarter of a GiB at most.
 */
export const UNSENT_LIMIT = 256 * 1024;

/** Milliseconds for a peer to read the end of what we wrote and close as well. Longer than a round trip, shorter than an attack. */
export const LINGER = 5_000;

/**
 * Milliseconds for a peer to make room for our last bytes before its connection is given up. They are at most UNSENT_LIMIT,
 * which the slowest modem took in less.
 */
export const FLUSH = 60_000;

/**
 * Milliseconds between two looks at a peer that is not being read: the kernel tells nobody of its reset until somebody reads or
 * writes. Short beside the idle limits, which would hold both legs for an hour, and seldom enough to cost nothing.
 */
export const LOOK = 2_000;

const NOTHING = Buffer.alloc(0);

export class Leg {
  readonly stream: Duplex;
  /** True once the peer's FIN was read. */
  ended = false;
  /** True once the stream is closed both ways. */
  gone = false;
  /** Why it ended, or is about to, where it did not end by itself. */
  error: NodeJS.ErrnoException | undefined;
  #listener: LegListener | undefined;
  #held: Buffer | undefined;
  readonly #reset: () => void;
  readonly #beneath: Duplex;
  #look: NodeJS.Timeout | undefined;

  /**
   * `reset` breaks the connection off so that the peer sees an error (TCP RST); the default destroys the stream.
   * `beneath`: the TCP connection under TLS, else the stream itself.
   */
  constructor(stream: Duplex, reset: () => void = () => stream.destroy(), beneath = stream) {
    this.stream = stream;
    this.#reset = reset;
    this.#beneath = beneath;
    if (beneath !== stream) {
      beneath.on('error', (error) => {
        this.error ??= error;
      });
    }
    stream.on('data', (chunk: Buffer) => {
      if (this.#listener === undefined) this.hold(chunk);
      else this.#listener.data(chunk, this);
    });
    stream.on('end', () => {
      this.ended = true;
      this.#listener?.end(this);
    });
    stream.on('drain', () => this.#listener?.drain(this));
    stream.on('error', (error) => {
      this.error ??= error;
    });
    stream.on('close', () => {
      this.gone = true;
      clearInterval(this.#look);
      this.#listener?.close(this);
    });
  }

  /** Whoever listens from now on; with nobody, bytes that arrive are held. */
  listen(listener: LegListener | undefined): void {
    this.#listener = listener;
  }

  /** Keeps bytes for the next who asks, and stops reading: the peer is slowed down instead of buffered. */
  hold(chunk: Buffer): void {
    // One chunk at most in practice: a paused stream emits no more data. Losing a byte would be worse than a copy.
    this.#held = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    this.pause();
  }

  /** The bytes held, once. Reading goes on only with `resume`. */
  takeHeld(): Buffer | undefined {
    const held = this.#held;
    this.#held = undefined;
    return held;
  }

  get holding(): boolean {
    return this.#held !== undefined;
  }

  pause(): void {
    this.stream.pause();
    if (!this.gone) this.#look ??= setInterval(() => this.#lookForPeer(), LOOK);
  }

  resume(): void {
    clearInterval(this.#look);
    this.#look = undefined;
    if (this.stream.isPaused()) this.stream.resume();
  }

  /** A write of no bytes sends nothing, and fails where the peer has reset; TLS would keep it to itself. With bytes unsent the kernel says so anyway. */
  #lookForPeer(): void {
    if (this.stream.writableLength === 0 && this.#beneath.writable) this.#beneath.write(NOTHING);
  }

  /** False asks the caller to read no more from the other leg until `drain`. Bytes for a closed stream are dropped. */
  write(chunk: Buffer): boolean {
    if (!this.stream.writable) return true;
    this.stream.write(chunk);
    return this.stream.writableLength < UNSENT_LIMIT;
  }

  /** Two pieces as one write of the kernel, so that they leave in one segment and one TLS record. */
  writeTogether(first: Buffer, second: Buffer): boolean {
    if (second.length === 0) return this.write(first);
    this.stream.cork();
    this.write(first);
    const keepsUp = this.write(second);
    this.stream.uncork();
    return keepsUp;
  }

  /** FIN after what is still to be sent; reading goes on. */
  finish(): void {
    if (this.stream.writable) this.stream.end();
  }

  /** Ends the leg at once, unsent bytes included. */
  destroy(): void {
    this.stream.destroy();
  }

  reset(): void {
    if (!this.gone) this.#reset();
  }

  /**
   * Ends a leg that owes us nothing more: unsent bytes, FIN, then gone. What the peer still says is not read.
   * For the upstream side, where nobody is hurt by an early end.
   */
  retire(): void {
    this.listen(undefined);
    if (this.gone) return;
    if (!this.stream.writable) {
      this.destroy();
      return;
    }
    const timer = setTimeout(() => this.destroy(), LINGER);
    this.stream.once('close', () => clearTimeout(timer));
    this.stream.end(() => this.destroy());
  }

  /**
   * Ends a leg so that its peer can read our last bytes: FIN after them, then what the peer still sends is read and dropped
   * until it closes too, at most LINGER milliseconds. Closing with bytes unread would be a RST, and a RST may reach the peer
   * before it has read the answer (RFC 9112 9.6). Resolves when the leg is gone.
   */
  linger(): Promise<void> {
    return new Promise((resolve) => {
      if (this.gone) {
        resolve();
        return;
      }
      let timer = setTimeout(() => this.destroy(), FLUSH);
      const destroyWhenBothAreDone = () => {
        if (this.ended && this.stream.writableFinished) this.destroy();
      };
      this.listen({
        data() {},
        drain() {},
        end: destroyWhenBothAreDone,
        close() {
          clearTimeout(timer);
          resolve();
        },
      });
      const flushed = () => {
        clearTimeout(timer);
        timer = setTimeout(() => this.destroy(), LINGER);
        destroyWhenBothAreDone();
      };
      this.takeHeld();
      if (this.stream.writableFinished) flushed();
      else this.stream.once('finish', flushed);
      this.finish();
      this.resume();
    });
  }
}
