// Room: how peers of one selection method share requests (SQ-141 to SQ-144, SQ-161), and what becomes of it: clients are shared, each stays
// with its server, in the proportions of `weight=`, up to `max-conn=`. Source: peer_sourcehash.cc, carp.cc, neighbors.cc getRoundRobinParent, peerHTTPOkay.
import type { Upstream } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import type { Peer, Selection } from './peers.ts';

type Share = {
  /** Whether Squid goes by `weight=`. */
  byWeight: boolean;
  /** What is the same, and what is not. */
  difference: string;
};

const SHARES: Readonly<Partial<Record<Selection, Share>>> = {
  sourcehash: {
    byWeight: true,
    difference:
      'Both bring a client back to its server by its address, in the same proportions; the hashes differ, so that a client may have another server than before. While one is down, Squid gave more of its clients to the lighter of the others',
  },
  carp: {
    byWeight: true,
    difference:
      'Squid went by the URL, so that caches would not overlap; here the address of the client decides, in the same proportions of clients instead of URLs. While one is down, Squid gave more of its share to the lighter of the others',
  },
  'round-robin': {
    byWeight: true,
    difference:
      'Squid took the next server for each request; here each client keeps the one its address leads to, in the same proportions of clients instead of requests',
  },
  'weighted-round-robin': {
    byWeight: false,
    difference:
      'Squid took the next server for each request (and went by weight only where ICP told it how far a peer is); here each client keeps the one its address leads to',
  },
};

/** Greatest weight of a rules file. */
const WEIGHT_MOST = 1_000;

/** Whether a peer shares requests with others of its selection method. */
export function isShared(peer: Peer | undefined): boolean {
  return peer !== undefined && SHARES[peer.selection] !== undefined;
}

/** Says of peers that others, who are another upstream for their settings or lists, get all that Squid had them share. */
export function remarkUnshared(peers: readonly Peer[], others: readonly string[]): void {
  for (const { selection, directive } of peers) {
    const message = `Squid shared requests between it and ${others.join(', ')} by ${selection}; their settings or lists differ, and rules share clients among servers of one upstream alone: what more than one of them may take goes to the first, and to the others while that cannot be reached`;
    const hint = 'Give these cache_peer lines the same options and the same lists, and import again.';
    remark(directive.entry, 'approximated', 'SQUID_PEER_BALANCE', message, { hint });
  }
}

/** Whether all of these peers share the requests that one of them may take. */
export function areSharing(peers: readonly Peer[]): boolean {
  const [first] = peers;
  if (first === undefined || peers.length === 1 || SHARES[first.selection] === undefined) return false;
  return peers.every(({ selection }) => selection === first.selection);
}

/** Settings of the upstream that these peers are, for their shares; remarks what became of selection methods and weights. */
export function sharesOf(peers: readonly Peer[]): Pick<Upstream, 'affinity' | 'weights'> {
  const [first] = peers;
  const share = first === undefined || !areSharing(peers) ? undefined : SHARES[first.selection];
  if (first === undefined || share === undefined) {
    const why =
      peers.length === 1
        ? 'the peer shares its requests with no other'
        : 'the first that can be reached takes everything';
    for (const peer of peers) remarkUnweighed(peer, why);
    return {};
  }
  if (!share.byWeight)
    for (const peer of peers) remarkUnweighed(peer, 'Squid goes by it only where ICP told it how far a peer is');
  const weights = share.byWeight ? weightsOf(peers) : undefined;
  const settings = weights === undefined ? 'affinity: client' : `affinity: client, weights ${weights.join(', ')}`;
  const hint = 'Where all clients come from one address, affinity: cookie spreads browsers.';
  for (const { directive } of peers.slice(1)) {
    const message = `${first.selection} becomes ${settings}. ${share.difference}`;
    remark(directive.entry, 'approximated', 'SQUID_PEER_BALANCE', message, { hint });
  }
  return { affinity: 'client', ...(weights !== undefined && { weights }) };
}

function remarkUnweighed({ weight, directive: { entry } }: Peer, why: string): void {
  if (weight === undefined) return;
  remark(entry, 'translated', 'SQUID_PEER_OPTION', `weight=${weight} is left out and changes nothing: ${why}`);
}

/** One for each server, in their order: peers at one address are one server. Undefined where all are equal. */
function weightsOf(peers: readonly Peer[]): number[] | undefined {
  const byServer = new Map<string, number>();
  for (const { upstream, weight = 1 } of peers) {
    const [server = ''] = upstream.servers;
    byServer.set(server, (byServer.get(server) ?? 0) + weight);
  }
  const weights = [...byServer.values()];
  const most = Math.max(...weights);
  const scaled =
    most <= WEIGHT_MOST ? weights : weights.map((each) => Math.max(1, Math.round((each / most) * WEIGHT_MOST)));
  return scaled.every((each) => each === scaled[0]) ? undefined : scaled;
}

/** What bounds the connections of each server of the upstream that these peers are; remarks what became of `max-conn=`. */
export function connectionsOf(peers: readonly Peer[]): Pick<Upstream, 'connectionsPerServer'> {
  if (peers.every(({ connections }) => connections === undefined)) return {};
  /** Peers at one address are one server; without a limit of one, it has none. */
  const byServer = new Map<string, number>();
  for (const { upstream, connections = 0 } of peers) {
    const [server = ''] = upstream.servers;
    const before = byServer.get(server);
    byServer.set(
      server,
      before === undefined ? connections : before === 0 || connections === 0 ? 0 : before + connections,
    );
  }
  const limits = [...byServer.values()];
  const [first = 0] = limits;
  const connectionsPerServer = limits.every((limit) => limit === first) ? first : limits;
  if (connectionsPerServer === 0) return {};
  const shown = Array.isArray(connectionsPerServer) ? `[${connectionsPerServer.join(', ')}]` : connectionsPerServer;
  for (const { connections, directive } of peers) {
    if (connections === undefined) continue;
    const message = `max-conn=${connections} becomes connectionsPerServer: ${shown}. At the limit the next server is asked, and where all are full a client gets 503 where Squid said 502; a connection that rests for its client makes room`;
    remark(directive.entry, 'approximated', 'SQUID_PEER_CONNECTIONS', message, { severity: 'note' });
  }
  return { connectionsPerServer };
}
