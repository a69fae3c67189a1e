// Room: hearing a server out that answers early and closes. It has not read all we sent, so its kernel resets the connection; the
// answer is in our kernel by then, but the next write fails, and node ends a stream whose write failed before it is read to its end.
import type { Duplex } from 'node:stream';

type Written = (error?: Error | null) => void;

/** What writing to a connection says once the other side has reset it: send(2), ECONNRESET the first time, then EPIPE. */
const RESET: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE']);

/**
 * From a write that failed because the server broke off, writes to this stream are dropped, and reading goes on to what is left:
 * MS-RPCH answers an IN channel of 1 GiB with a 401 this way. `onReset` is told, because the kernel tells a reset once: what is
 * read after it ends like a FIN. Where all was read before, the write fails as ever.
 */
export function hearLastWords(stream: Duplex, onReset: (error: NodeJS.ErrnoException) => void): void {
  const write = stream._write.bind(stream);
  const writev = stream._writev?.bind(stream);
  let broken = false;
  const unlessReset =
    (written: Written): Written =>
    (error: NodeJS.ErrnoException | null | undefined) => {
      if (error && !broken && !stream.readableEnded && RESET.has(error.code)) {
        broken = true;
        onReset(error);
      }
      written(broken ? null : error);
    };
  stream._write = (chunk, encoding, written) => {
    if (broken) written();
    else write(chunk, encoding, unlessReset(written));
  };
  if (writev === undefined) return;
  stream._writev = (chunks, written) => {
    if (broken) written();
    else writev(chunks, unlessReset(written));
  };
}
