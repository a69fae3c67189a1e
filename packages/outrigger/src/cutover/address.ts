// Room: whether somebody listens on an address, and waiting until somebody does, or nobody any more.
import { isIPv6 } from 'node:net';
import { takesConnections, until } from '@outrigger/verify';

/** Milliseconds between two looks. */
const LOOK_INTERVAL = 10;

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

/** Waits until all of them are listened on, or none is (`wanted`). False where `patience` milliseconds have passed, or `given` says so. */
export function untilListening(
  addresses: readonly string[],
  wanted: boolean,
  patience: number,
  given: () => boolean = () => false,
): Promise<boolean> {
  const areSo = async (): Promise<boolean> => {
    const are = await Promise.all(
      addresses.map((address) => {
        const { host, port } = reachable(address);
        return takesConnections(port, host);
      }),
    );
    return are.every((is) => is === wanted);
  };
  return until(areSo, { deadline: performance.now() + patience, step: LOOK_INTERVAL, givesUp: given });
}
