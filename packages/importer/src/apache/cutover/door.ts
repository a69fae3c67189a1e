// Room: from rules to what must move: which Listen lines of Apache hold an address that Outrigger takes, and where Apache goes
// on listening for it. Rules are the word here, for they may have been changed since they were imported. Pure.
import {
  type Listener,
  listenerName,
  parseListenAddress,
  parseServer,
  type RuleSet,
  type Upstream,
} from '@outrigger/rules';
import type { Listen, Servers } from '../servers.ts';
import { addressSet, type Member } from '../vhosts.ts';

/** An address that changes hands. `set`: the virtual hosts that answer there, in Apache's order. */
export type MovedDoor = {
  listener: Listener;
  /** Address (`*` for any) and port that Outrigger takes. */
  address: string;
  port: number;
  listens: Listen[];
  set: Member[];
  upstream: Upstream;
  /** Where Apache listens then; `host` without brackets. */
  place: { host: string; port: number; isPlain: boolean };
};

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/i;

/** The doors of all listeners that Apache holds today, or the sentence why that cannot be told. */
export function movedDoors(
  rules: RuleSet,
  servers: Servers,
): { kind: 'doors'; doors: MovedDoor[] } | { kind: 'failed'; message: string } {
  const doors: MovedDoor[] = [];
  for (const listener of rules.listen) {
    const at = parseListenAddress(listener.address);
    if (at === undefined) continue;
    const { port } = at;
    const address = at.host ?? '*';
    const listens = servers.listens.filter((each) => each.port === port && holds(each, address));
    if (listens.length === 0) continue;
    const name = listenerName(listener);
    const upstream = restOf(rules, name);
    const server = upstream?.servers.length === 1 ? parseServer(upstream.servers[0] ?? '') : undefined;
    if (upstream === undefined || server === undefined || server.scheme === 'unix' || !LOOPBACK.test(server.host)) {
      const message = `listener ${name}: its last route sends what no other takes to no single server on loopback, so that Apache has no place to go`;
      return { kind: 'failed', message };
    }
    const own = servers.virtualHosts.flatMap(({ addresses }) =>
      addresses.filter(({ host, port: each }) => host.kind === 'address' && (each === undefined || each === port)),
    );
    if (address === '*' && own[0] !== undefined) {
      const message = `listener ${name} is for every address, and Apache has virtual hosts of one address, ${own[0].written}: write a listener and a server on loopback for each`;
      return { kind: 'failed', message };
    }
    const host = server.host.toLowerCase() === 'localhost' ? '127.0.0.1' : server.host;
    const place = { host, port: server.port, isPlain: server.scheme === 'http' };
    doors.push({ listener, address, port, listens, set: addressSet(servers, { address, port }), upstream, place });
  }
  return { kind: 'doors', doors };
}

/** An address as a Listen or VirtualHost line writes it. */
export function written({ host, port }: { host: string; port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function holds({ host, written: address }: Listen, taken: string): boolean {
  if (LOOPBACK.test(address.replace(/^\[(.*)\]$/, '$1')) && !LOOPBACK.test(taken)) return taken === '*';
  return taken === '*' || host.kind === 'any' || address.replace(/^\[(.*)\]$/, '$1') === taken;
}

/** The upstream of the last route that takes everything a listener has. */
function restOf({ routes, upstreams }: RuleSet, listener: string): Upstream | undefined {
  const rest = routes.findLast(({ when = {} }) => {
    const { listeners, ...others } = when;
    return Object.keys(others).length === 0 && (listeners === undefined || listeners.includes(listener));
  });
  return rest === undefined ? undefined : upstreams.get(rest.to);
}
