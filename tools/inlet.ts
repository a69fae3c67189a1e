// Room: the bytes of one socket, taken when they are asked for, each wait with a deadline. What nobody asks for stays in
// the kernel, so a witness that does not read pushes back as a real peer does.
import type { Duplex } from 'node:stream';

/**
 * What a wait brought. `bytes`: what was asked for. Anything else leaves what was held in place and shows it:
 * `ended` the peer's FIN, `failed` a reset or another end of the socket, `late` the deadline, `overlong` more than allowed.
 */
export type Taken =
  | { kind: 'bytes'; bytes: Buffer }
  | { kind: 'ended' | 'late'; bytes: Buffer }
  | { kind: 'overlong'; bytes: Buffer }
  | { kind: 'failed'; bytes: Buffer; code: string };

export type Inlet = {
  /** Takes as many bytes as `measure` names, once it names a number. One wait at a time. */
  take(measure: (held: Buffer) => number | undefined, milliseconds: number, limit?: number): Promise<Taken>;
  /** Exactly `count` bytes. */
  exactly(count: number, milliseconds: number): Promise<Taken>;
  /** Everything up to and with the first `mark`; `overlong` where it is not among the first `limit` bytes. */
  until(mark: string | Buffer, milliseconds: number, limit?: number): Promise<Taken>;
  /** One byte or more, at most `most`: whatever is there. */
  some(milliseconds: number, most?: number): Promise<Taken>;
  /** Everything up to the end of the stream. */
  rest(milliseconds: number, limit?: number): Promise<Taken>;
  /** True from when the peer has sent its last byte, whether or not all of it was taken. */
  readonly over: boolean;
  /** Resolves when `over` becomes true: to `FIN`, or to the code of what ended the connection instead. */
  whenOver(): Promise<string>;
};

/** Bytes held for someone who has not asked yet: one TLS record and more, so that an end behind them is noticed. */
const UNASKED_LIMIT = 64 * 1_024;
/** Bytes one wait may gather unless it says otherwise. No test needs more at once; a runaway peer would send more. */
const GATHER_LIMIT = 8 * 1_024 * 1_024;

/** The one reader of a socket. From here on nobody else may read it. */
export function openInlet(socket: Duplex): Inlet {
  let held: Buffer = Buffer.alloc(0);
  let end: { kind: 'ended' } | { kind: 'failed'; code: string } | undefined;
  let wake: (() => void) | undefined;
  let over = (_how: string) => {};
  const whenOver = new Promise<string>((resolve) => {
    over = resolve;
  });

  const finish = (how: NonNullable<typeof end>) => {
    end ??= how;
    over(how.kind === 'ended' ? 'FIN' : how.code);
    wake?.();
  };
  const pull = () => {
    const chunk: Buffer | null = socket.read();
    if (chunk !== null) held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    return chunk !== null;
  };
  socket.on('readable', () => {
    if (wake !== undefined) return wake();
    let more = true;
    while (more && held.length < UNASKED_LIMIT) more = pull();
  });
  socket.on('end', () => finish({ kind: 'ended' }));
  socket.on('error', (error: NodeJS.ErrnoException) => finish({ kind: 'failed', code: error.code ?? error.message }));
  socket.on('close', () => finish({ kind: 'failed', code: 'CLOSED' }));

  async function take(measure: (held: Buffer) => number | undefined, milliseconds: number, limit = GATHER_LIMIT) {
    if (wake !== undefined) throw new Error('an inlet is read by one wait at a time');
    const deadline = performance.now() + milliseconds;
    for (;;) {
      const count = measure(held);
      if (count !== undefined && count <= held.length) {
        const bytes = held.subarray(0, count);
        held = held.subarray(count);
        return { kind: 'bytes', bytes } as const;
      }
      if (held.length > limit) return { kind: 'overlong', bytes: held } as const;
      if (pull()) continue;
      if (end !== undefined) return { ...end, bytes: held };
      const left = deadline - performance.now();
      if (left <= 0) return { kind: 'late', bytes: held } as const;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      wake = undefined;
    }
  }

  return {
    take,
    exactly: (count, milliseconds) => take(() => count, milliseconds, count),
    until: (mark, milliseconds, limit) =>
      take(
        (bytes) => {
          const at = bytes.indexOf(mark);
          return at < 0 ? undefined : at + mark.length;
        },
        milliseconds,
        limit,
      ),
    some: (milliseconds, most = Number.POSITIVE_INFINITY) =>
      take((bytes) => (bytes.length > 0 ? Math.min(bytes.length, most) : undefined), milliseconds),
    async rest(milliseconds, limit) {
      const taken = await take(() => undefined, milliseconds, limit);
      if (taken.kind !== 'ended') return taken;
      held = Buffer.alloc(0);
      return { kind: 'bytes', bytes: taken.bytes };
    },
    get over() {
      return end !== undefined;
    },
    whenOver: () => whenOver,
  };
}
