// Room: whether somebody listens on an address, and waiting until somebody does, or nobody any more.
import { connect, isIPv6 } from 'node:net';

/** Milliseconds between two looks, and until one look counts as nobody. */
const LOOK_INTERVAL = 10;
const LOOK_PATIENCE = 1_000;

/** Host and port of HOST:PORT; `*` is asked for on loopback. */
export function reachable(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { host: host === '*' ? '127.0.0.1' : host, port: Number(address.slice(colon + 1)) };
}

/** A second address of loopback, so that a client's is told from Apache's neighbour; undefined where the system chooses. */
export function clientAddress(host: string): string | undefined {
  return host.startsWith('127.') && !isIPv6(host) ? '127.0.0.2' : undefined;
}

export function isListening(address: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(reachable(address));
    const end = (is: boolean): void => {
      clearTimeout(late);
      socket.destroy();
      done(is);
    };
    const late = setTimeout(() => end(false), LOOK_PATIENCE);
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}

/** Waits until all of them are listened on, or none is (`wanted`). False where `patience` milliseconds have passed, or `given` says so. */
export async function untilListening(
  addresses: readonly string[],
  wanted: boolean,
  patience: number,
  given: () => boolean = () => false,
): Promise<boolean> {
  const deadline = performance.now() + patience;
  for (;;) {
    const are = await Promise.all(addresses.map(isListening));
    if (are.every((is) => is === wanted)) return true;
    if (performance.now() > deadline || given()) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL));
  }
}
