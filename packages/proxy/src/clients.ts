// Room: what one client may take: connections open at once and request heads a second, so that one of them cannot have it all.
// Counts are of this process; what is kept of a client is gone with its last connection, its second, and its minute.
import { type Limits, parseAddress } from '@outrigger/rules';
import type { LogRecord } from './accesslog.ts';

/** Closed; each has its line in the README. */
export type ClientCode = 'TOO_MANY_CONNECTIONS' | 'TOO_MANY_HEADS';

/** Milliseconds in which one client is spoken of once: who floods a server must not flood its log as well. */
const NOTICE_INTERVAL = 60_000;

/** Clients remembered as spoken of. A flood from more addresses than these is told of by these. */
const NOTICED = 1_000;

/** Bits of an IPv6 address that name a client: one customer has a /64 at least, and 2^64 addresses in it (RFC 6177). */
const IPV6_CLIENT_BITS = 64n;

/** What the rules say of clients. */
export type ClientLimits = Pick<Limits, 'connectionsPerClient' | 'headsPerSecond'> & {
  /** True for addresses of trusted proxies, which bring the clients of many and are not limited. */
  isProxy?: ((address: string) => boolean) | undefined;
};

export type Clients = {
  /** Goes by these from now on. Connections that are open stay counted, and open where they are too many. */
  heed(limits: ClientLimits): void;
  /** Counts one more connection of a client; what to call when it is closed, or undefined where it is one too many. */
  enter(address: string): (() => void) | undefined;
  /** Connections that a client has open now; none where others bring its requests. */
  connectionsOf(address: string): number;
  /** Counts one more head of a client; false where it is one too many in this second. */
  mayAsk(address: string): boolean;
};

/** Counts anew for one edge. `now`: milliseconds since 1970. */
export function createClients(first: ClientLimits, report: (record: LogRecord) => void, now: () => number): Clients {
  let limits = first;
  const connections = new Map<string, number>();
  const heads = new Map<string, number>();
  let second = 0;
  /** When each client was spoken of last, the longest ago first. */
  const noticed = new Map<string, number>();

  function tell(client: string, code: ClientCode, message: string): void {
    const at = now();
    for (const [other, when] of noticed) {
      if (at - when < NOTICE_INTERVAL) break;
      noticed.delete(other);
    }
    if (noticed.has(client) || noticed.size >= NOTICED) return;
    noticed.set(client, at);
    report({ kind: 'notice', at, severity: 'warning', client, code, message });
  }

  return {
    heed(next) {
      limits = next;
    },
    enter(address) {
      const { connectionsPerClient, isProxy } = limits;
      const client = clientOf(address);
      const open = connections.get(client) ?? 0;
      if (open >= connectionsPerClient && isProxy?.(address) !== true) {
        tell(
          client,
          'TOO_MANY_CONNECTIONS',
          `this client has ${open} connections open, and more are closed unread. An office behind one address may need ` +
            'more: limits.connectionsPerClient is the limit.',
        );
        return undefined;
      }
      connections.set(client, open + 1);
      return () => {
        const left = (connections.get(client) ?? 1) - 1;
        if (left === 0) connections.delete(client);
        else connections.set(client, left);
      };
    },
    connectionsOf: (address) => connections.get(clientOf(address)) ?? 0,
    mayAsk(address) {
      const { headsPerSecond, isProxy } = limits;
      if (headsPerSecond === undefined || isProxy?.(address) === true) return true;
      const client = clientOf(address);
      const current = Math.floor(now() / 1_000);
      if (current !== second) {
        second = current;
        heads.clear();
      }
      const asked = (heads.get(client) ?? 0) + 1;
      heads.set(client, asked);
      if (asked <= headsPerSecond) return true;
      tell(
        client,
        'TOO_MANY_HEADS',
        `this client sent more than ${headsPerSecond} requests in a second, and more are answered 429. An office behind ` +
          'one address may need more: limits.headsPerSecond is the limit.',
      );
      return false;
    },
  };
}

/** Who counts as one client: an IPv4 address, or the network of an IPv6 address. */
export function clientOf(address: string): string {
  if (!address.includes(':')) return address;
  const network = (parseAddress(address) ?? 0n) >> (128n - IPV6_CLIENT_BITS);
  const groups = network.toString(16).padStart(16, '0').match(/.{4}/g) ?? [];
  return `${groups.map((group) => group.replace(/^0{1,3}/, '')).join(':')}::/64`;
}
