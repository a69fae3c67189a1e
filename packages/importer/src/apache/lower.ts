// Room: from Apache's model to rules. The only place where Apache's meaning becomes ours: listeners for its TLS addresses, routes for
// the paths of Exchange that surely go there, and all else to Apache on loopback.
import {
  type AccessLine,
  type AccessLog,
  type Condition,
  defaultLimits,
  formatPlace,
  type Listener,
  listenerName,
  type Route,
  type RuleSet,
  type SourceRef,
  TUNNEL_METHODS,
  type Upstream,
  upstreamOf,
} from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { accessLines, allow, joined, needsAccess, pathed, traceLines } from './accesslines.ts';
import { accessLogsOf } from './accesslogs.ts';
import { addedRpc } from './addedrpc.ts';
import { upstreamFrom } from './backend.ts';
import { askingLines, type Passing, passingOf, remarkUnasked } from './clientcertificates.ts';
import { hostsOf } from './hosts.ts';
import { type Door, readDoors } from './listeners.ts';
import { movedRequests } from './movedrequests.ts';
import { remarkHost, remarkMove, remarkOthers, remarkStay } from './moveremarks.ts';
import { findMoves, type Lift, type Move, type Stay } from './moves.ts';
import type { HostFate } from './overview.ts';
import { withCommonStays } from './patternstays.ts';
import { type ApachePlace, placeSentence } from './place.ts';
import { proxyLines } from './proxypass.ts';
import type { Servers, VirtualHost } from './servers.ts';
import { tlsOf } from './tls.ts';
import type { Directive } from './tree.ts';
import { UNNAMED, type WholeStay, wholeStay } from './wholestays.ts';

/** Rules, what became of each virtual host, and where Apache is for them and whether it hears of clients by the PROXY protocol; or the sentence why there are none. */
export type Lowered =
  | { kind: 'rules'; rules: RuleSet; fates: HostFate[]; apacheAt: string[]; hearsProxy: boolean }
  | { kind: 'nothing'; message: string };

/** `root`: the folder that names of logs are in. */
export type Wishes = { place: ApachePlace; lift: Lift; root: string };

export function lower(servers: Servers, { place, lift, root }: Wishes): Lowered {
  const doors = readDoors(servers, place);
  if (doors.length === 0) return { kind: 'nothing', message: nothingToTake(servers) };
  const upstreams = new Map<string, Upstream>();
  const access: AccessLine[] = [];
  const routes: Route[] = [];
  const rest: Route[] = [];
  const logs: AccessLog[] = [];
  const fates: HostFate[] = [];
  const listen: Listener[] = [];
  for (const door of doors) {
    const apache = apacheName(door, doors);
    const here: Condition = doors.length === 1 ? {} : { listeners: [listenerName(door.listener)] };
    const passing = passingAt(door, servers, here, apache);
    access.push(...(passing?.access ?? []));
    listen.push({ ...door.listener, ...(passing && { passThrough: passing.passThrough }) });
    for (const host of door.hosts) {
      const lowered = lowerHost(host, door, here, { apache, upstreams, servers, lift });
      access.push(...lowered.access);
      routes.push(...lowered.routes);
      fates.push(lowered.fate);
      if (lowered.moved !== undefined) logs.push(...accessLogsOf(servers, host, lowered.moved, root));
    }
    for (const host of door.hosts) remarkOthers(servers, host, lift);
    upstreams.set(apache, apacheUpstream(door, passing));
    rest.push({ ...(doors.length > 1 && { when: here }), to: apache, from: [door.listen.directive.at] });
    remark(
      door.listen.directive.entry,
      'translated',
      'APACHE_CARRIED',
      `listener ${listenerName(door.listener)}; ${placeSentence(door.server)}`,
    );
  }
  return {
    kind: 'rules',
    fates,
    apacheAt: doors.map(({ server }) => server),
    hearsProxy: listen.every(({ passThrough }) => passThrough !== undefined),
    rules: {
      listen,
      upstreams,
      access: [
        ...access,
        allow(
          {},
          doors.map(({ listen }) => listen.directive.at),
        ),
      ],
      routes: [...routes, ...rest],
      limits: defaultLimits(),
      ...(logs.length > 0 && { accessLog: logs }),
      tunnelMethods: [...TUNNEL_METHODS],
    },
  };
}

function apacheName(door: Door, doors: readonly Door[]): string {
  const index = doors.indexOf(door);
  return index === 0 ? 'apache' : `apache-${index + 1}`;
}

/** Apache as it was, on loopback; with TLS it is asked for each site under its own name, so that nothing inside it changes (field case 95). */
function apacheUpstream({ server, listen }: Door, passing: Passing | undefined): Upstream {
  return upstreamOf({
    servers: [server],
    // What passes through unread has no field for the client, and Apache must believe in none that the client wrote.
    ...(passing !== undefined && { proxyProtocol: 'v1' as const }),
    // Nobody stands between a host and itself, and its certificates name sites, not 127.0.0.1.
    ...(server.startsWith('https:') && { tls: { verify: false } }),
    from: [listen.directive.at],
  });
}

/** Where Apache speaks TLS on loopback, virtual hosts that ask for certificates go on doing so. */
function passingAt(door: Door, servers: Servers, here: Condition, apache: string): Passing | undefined {
  if (door.server.startsWith('https:')) return passingOf(door.hosts, servers, here, apache);
  remarkUnasked([...new Set(door.hosts.flatMap((host) => askingLines(servers, host)))]);
  return undefined;
}

/** Why there is no listener to be made. */
function nothingToTake(servers: Servers): string {
  return tlsOf(servers, servers.main) === undefined
    ? 'no address speaks TLS, so there is nothing to take over from Apache'
    : 'the main server ends TLS itself, outside of any virtual host: put its site, from SSLEngine on, into <VirtualHost _default_:443> and import again';
}

/** What is the same for all virtual hosts of a listener. */
type Lowering = { apache: string; upstreams: Map<string, Upstream>; servers: Servers; lift: Lift };

/** Rules for the paths of a virtual host that moved, and what became of all that leads to Exchange. */
type LoweredHost = { access: AccessLine[]; routes: Route[]; moved?: Condition; fate: HostFate };

function lowerHost(host: VirtualHost, door: Door, here: Condition, lowering: Lowering): LoweredHost {
  const { apache, upstreams, servers, lift } = lowering;
  const { moves: found, stays, twins } = findMoves(servers, host, lift);
  for (const { line, of } of twins) {
    remark(
      line.entry,
      'translated',
      'APACHE_CARRIED',
      `the route of line ${of.at.line} takes it too, for it takes every case`,
    );
  }
  const hosts = hostsOf(host, door.hosts, servers);
  if (found.length > 0 && hosts.unsaid.length > 0) {
    const message = `requests for ${hosts.unsaid.join(', ')} stay with Apache: no rule can say which of them are for this virtual host`;
    remark(host.section.entry, 'approximated', 'APACHE_HOSTS_UNSAID', message);
  }
  for (const { name, by } of found.length > 0 ? hosts.taken : []) {
    const message = `requests for ${name} stay with Apache: ${formatPlace(by.section.at)} comes before it and has that name, so that Apache never asks this virtual host`;
    remark(host.section.entry, 'approximated', 'APACHE_HOSTS_UNSAID', message);
  }
  const why = wholeStay(host, door, servers) ?? UNNAMED;
  const isWhole = why !== UNNAMED || hosts.kind === 'none';
  const moves = isWhole ? [] : found;
  const kept = [...stays, ...(moves.length === 0 ? found.map((move) => stayOf(move, why)) : [])];
  for (const stay of kept) remarkStay(stay);
  const lines = new Set<Directive>([...moves, ...kept, ...twins].map(({ line }) => line));
  const others = proxyLines(servers, host).filter(
    ({ directive, target = '' }) => isHttp(target) && !lines.has(directive),
  );
  const fate = {
    host,
    moves,
    stays: kept,
    others: others.length,
    taken: hosts.taken,
    ...(isWhole && { unmoved: why.reason }),
  };
  if (moves.length === 0 || hosts.kind === 'none') return { access: [], routes: [], fate };
  const when: Condition = { ...(hosts.hosts !== undefined && { hosts: hosts.hosts }), ...here };
  remarkHost(host, hosts.hosts, lift);
  const rpc = addedRpc(moves, host, servers);
  const all = withCommonStays([...moves, ...(rpc.kind === 'added' ? [rpc.move] : [])]);
  return {
    access: [
      ...traceLines(servers, host, when),
      ...all.filter((move) => needsAccess(move, all)).flatMap((move) => accessLines(move, when)),
    ],
    routes: withoutRepeats(
      all.flatMap((move) => routesOf(move, when, apache, upstreamFor(move, moves, upstreams), servers, host)),
    ),
    moved: movedRequests(all, when),
    fate: {
      ...fate,
      ...(rpc.kind === 'notAdded' && { notAdded: rpc.reason }),
      ...(hosts.hosts !== undefined && { names: hosts.hosts }),
      moves: all,
    },
  };
}

function isHttp(url: string): boolean {
  return /^(?:https?|balancer):/i.test(url);
}

function stayOf({ prefix, line, sign }: Move, { reason, hint }: WholeStay): Stay {
  return { prefix, line, obstacle: { line, reason }, isExchange: sign !== undefined, hint };
}

/** Requests that stay for every path alike are said once. */
function withoutRepeats(routes: readonly Route[]): Route[] {
  const said = new Map(routes.map((route) => [JSON.stringify([route.when, route.to]), route] as const).reverse());
  return routes.filter((route) => said.get(JSON.stringify([route.when, route.to])) === route);
}

/** Name of the upstream of a move; paths of one server that are talked to alike share one. */
function upstreamFor(move: Move, moves: readonly Move[], upstreams: Map<string, Upstream>): string {
  const { backend } = move.read;
  const alike = moves.filter(({ read }) => JSON.stringify(read.backend) === JSON.stringify(backend));
  const front = alike.map(({ changes }) => changes.frontEndHttps).find((line) => line !== undefined);
  const made = upstreamFrom(
    backend,
    distinct(alike.map(({ line }) => line)),
    backend.kind === 'exchange' ? front : undefined,
  );
  for (const [name, upstream] of upstreams) if (sameUpstream(upstream, made)) return name;
  const wanted = backend.kind === 'exchange' ? 'exchange' : 'web';
  const count = [...upstreams.keys()].filter((each) => each.startsWith(wanted)).length;
  const name = upstreams.has(wanted) ? `${wanted}-${count + 1}` : wanted;
  upstreams.set(name, made);
  return name;
}

function distinct(lines: readonly Directive[]): Directive[] {
  return [...new Set(lines)];
}

function sameUpstream({ from: _a, ...a }: Upstream, { from: _b, ...b }: Upstream): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function routesOf(
  move: Move,
  when: Condition,
  apache: string,
  to: string,
  servers: Servers,
  host: VirtualHost,
): Route[] {
  const { line, staying, changes, rewrite, isAdded } = move;
  const at: SourceRef = isAdded ? { ...line.at, directive: `added beside ${line.at.directive}` } : line.at;
  const own = joined(when, move.when);
  const path = move.path?.map((each) => ({ ...each, ignoreCase: each.ignoreCase ?? move.sign !== undefined }));
  remarkMove(move, to, servers, host, pathed(own, path));
  return [
    ...staying.map((each): Route => ({ when: joined(own, each.where), to: apache, from: [each.line.at] })),
    {
      // Of all paths only what is one: OPTIONS * asks for Apache as a whole, and Apache answers it.
      ...conditionOf(pathed(own, move.path ?? [{ prefix: '/' }])),
      to,
      ...(rewrite !== undefined && { rewrite }),
      ...(changes.request.length > 0 && { requestHeaders: changes.request }),
      ...(changes.response.length > 0 && { responseHeaders: changes.response }),
      from: [at],
    },
  ];
}

function conditionOf(when: Condition): { when?: Condition } {
  return Object.keys(when).length === 0 ? {} : { when };
}
