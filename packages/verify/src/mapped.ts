// Room: rules as they run for the comparison: listeners and servers moved to loopback, everything that decides kept. Pure.
import {
  DEFAULTS,
  type Listener,
  listenerName,
  parseAddress,
  parseListenAddress,
  parseServer,
  type RuleSet,
  type Upstream,
} from '@outrigger/rules';
import type { Entrance } from './probe.ts';

/** A listener and the entrance of the old config that it stands for. */
export type Pair = { entrance: Entrance; listener: Listener };

/** Pairs by name, by address, and last by port: of each listener and each entrance one at most. */
export function pairEntrances(entrances: readonly Entrance[], rules: RuleSet): Pair[] {
  const tests: ((entrance: Entrance, listener: Listener) => boolean)[] = [
    (entrance, listener) => entrance.name === listenerName(listener),
    (entrance, listener) => entrance.address === listener.address,
    (entrance, { address }) => portOf(entrance.address) === portOf(address),
  ];
  const pairs: Pair[] = [];
  for (const test of tests) {
    for (const entrance of entrances) {
      if (pairs.some((pair) => pair.entrance === entrance)) continue;
      const listener = rules.listen.find(
        (each) =>
          (each.tls !== undefined) === entrance.tls &&
          !pairs.some((pair) => pair.listener === each) &&
          test(entrance, each),
      );
      if (listener !== undefined) pairs.push({ entrance, listener });
    }
  }
  return entrances.flatMap((entrance) => pairs.filter((pair) => pair.entrance === entrance));
}

function portOf(address: string): number | undefined {
  return parseListenAddress(address)?.port;
}

/** What the stand-in for a server of an upstream is called. */
export function standInName(upstream: string, server: string): string {
  return `${upstream} ${server}`;
}

/** Names under which the edge asks for the authority of stand-ins and for the throwaway certificate; no such files exist. */
export const AUTHORITY = 'verify:authority';
export const CERTIFICATE = { cert: 'verify:certificate', key: 'verify:key' } as const;

/** What is left as the rules have it. */
export type Mapping = { urlOf?(standIn: string): string | undefined; keepsTls?: boolean };

const isSecured = (server: string): boolean => server.startsWith('https:');

/** The names and the checks of the rules; a server that has a name is an address here, and is called by its name still. */
function mappedTls(tls: Upstream['tls'], servers: readonly string[]): NonNullable<Upstream['tls']> {
  const named = servers
    .map(parseServer)
    .flatMap((server) => (server?.scheme === 'https' && parseAddress(server.host) === undefined ? [server.host] : []));
  const serverName = tls?.serverName ?? (named[0] === undefined ? undefined : [named[0]]);
  const { verify = true } = tls ?? {};
  const sni = tls?.sni === undefined ? {} : { sni: tls.sni };
  return {
    verify,
    ...sni,
    ...(serverName !== undefined && { serverName }),
    ...(verify !== false && { ca: [AUTHORITY] }),
  };
}

/**
 * The rules for loopback. Listeners take the client from a PROXY header, servers are stand-ins, and what watches or limits the
 * machine's own traffic (health checks, heads a second, connections) is left out. `urlOf`: a server that is no stand-in but the daemon itself,
 * and is talked to as the rules say. `keepsTls`: servers of https are talked to over TLS, with the names of the rules; else plainly.
 */
export function mappedRules(
  rules: RuleSet,
  pairs: readonly Pair[],
  serverPortOf: (standIn: string) => number,
  { urlOf = () => undefined, keepsTls = false }: Mapping = {},
): RuleSet {
  // Connections go on unread to who ends TLS: the daemon itself. A stand-in would not know the probe's client.
  const endsTls = ({ to }: { to: string }): boolean =>
    rules.upstreams.get(to)?.servers.every((server) => urlOf(standInName(to, server))?.startsWith('https:')) === true;
  const { headsPerSecond: _none, ...rest } = rules.limits;
  const limits = { ...rest, connectionsPerClient: DEFAULTS.connectionsPerClient };
  return {
    ...rules,
    limits,
    listen: pairs.map(({ listener: { tls, passThrough = [], ...listener } }) => ({
      ...listener,
      address: '127.0.0.1:0',
      name: listenerName(listener),
      proxyProtocol: ['127.0.0.1'],
      ...(tls !== undefined && { tls: { certificates: [CERTIFICATE], http2: false } }),
      ...(passThrough.some(endsTls) && { passThrough: passThrough.filter(endsTls) }),
    })),
    upstreams: new Map(
      [...rules.upstreams].map(
        ([name, { tls, health: _health, proxyProtocol: _header, connectionsPerServer: _most, ...upstream }]) => [
          name,
          {
            ...upstream,
            ...(keepsTls && upstream.servers.some(isSecured) && { tls: mappedTls(tls, upstream.servers) }),
            ...(upstream.servers.some((server) => urlOf(standInName(name, server)) !== undefined) && {
              tls: { verify: false },
            }),
            servers: upstream.servers.map((server) => {
              const standIn = standInName(name, server);
              const scheme = keepsTls && isSecured(server) ? 'https' : 'http';
              return urlOf(standIn) ?? `${scheme}://127.0.0.1:${serverPortOf(standIn)}`;
            }),
          },
        ],
      ),
    ),
  };
}
