// Room: what a connection brings before TLS or HTTP, read under a deadline and put back where it is not ours.
import type { Socket } from 'node:net';

/** `read` is given all bytes so far and says what they are, or `more`. `late`: the deadline · `gone`: closed before · `bytes`: how many had come. */
export type Preface<Read> = { kind: 'read'; read: Read } | { kind: 'late' | 'gone'; bytes: number };

/**
 * Reads from the start of a connection until `read` has its answer, within `milliseconds`. The socket is then paused, and has
 * handed out what it was asked for: `rest` of the answer stands before all that is still to come.
 */
export function readPreface<Read extends { rest: Buffer }>(
  socket: Socket,
  read: (bytes: Buffer) => Read | { kind: 'more' },
  milliseconds: number,
): Promise<Preface<Read>> {
  return new Promise((resolve) => {
    let bytes: Buffer = Buffer.alloc(0);
    const take = (chunk: Buffer): void => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const result = read(bytes);
      if (!('rest' in result)) return;
      socket.pause();
      if (result.rest.length > 0) socket.unshift(result.rest);
      finish({ kind: 'read', read: result });
    };
    const gone = (): void => finish({ kind: 'gone', bytes: bytes.length });
    const timer = setTimeout(() => finish({ kind: 'late', bytes: bytes.length }), milliseconds);
    const finish = (preface: Preface<Read>): void => {
      clearTimeout(timer);
      socket.off('data', take).off('end', gone).off('close', gone).off('error', ignore);
      resolve(preface);
    };
    socket.on('data', take).on('end', gone).on('close', gone).on('error', ignore);
    socket.resume(); // paused by a preface before this one
  });
}

/** `close` follows, and tells all there is to know. */
function ignore(): void {}
