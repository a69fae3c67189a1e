// Room: from Apache's model to rules. The only place where Apache's meaning becomes ours: listeners for its TLS addresses, routes for
// the paths of Exchange that surely go there, and all else to Apache on loopback.
import {
  type AccessLine,
  type AccessLog,
  type Condition,
  defaultLimits,
  listenerName,
  type Route,
  type RuleSet,
  type SourceRef,
  TUNNEL_METHODS,
  type Upstream,
  upstreamOf,
} from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { accessLines, allow, needsAccess, remarkOnce } from './accesslines.ts';
import { accessLogsOf } from './accesslogs.ts';
import { type Backend, exchangeUpstream, remarkBackend } from './backend.ts';
import { exchangePath } from './exchange.ts';
import { hostsOf } from './hosts.ts';
import { type Door, readDoors } from './listeners.ts';
import { findMoves, type Move } from './moves.ts';
import { obstacleTo } from './obstacles.ts';
import { isUnder } from './overlap.ts';
import { type ApachePlace, placeSentence } from './place.ts';
import type { Servers, VirtualHost } from './servers.ts';
import { everyNode, inherited } from './settings.ts';
import { tlsOf } from './tls.ts';
import type { ConfigNode } from './tree.ts';

/** Rules, or the sentence why there are none. */
export type Lowered = { kind: 'rules'; rules: RuleSet } | { kind: 'nothing'; message: string };

/** `root`: the folder that names of logs are in. */
export function lower(servers: Servers, place: ApachePlace, root: string): Lowered {
  const doors = readDoors(servers, place);
  if (doors.length === 0)
    return { kind: 'nothing', message: 'no address speaks TLS, so there is nothing to take over from Apache' };
  const upstreams = new Map<string, Upstream>();
  const access: AccessLine[] = [];
  const routes: Route[] = [];
  const rest: Route[] = [];
  const logs: AccessLog[] = [];
  for (const door of doors) {
    const apache = apacheName(door, doors);
    const here: Condition = doors.length === 1 ? {} : { listeners: [listenerName(door.listener)] };
    for (const host of door.hosts) {
      const lowered = lowerHost(host, door, here, apache, upstreams, servers);
      access.push(...lowered.access);
      routes.push(...lowered.routes);
      if (lowered.moved !== undefined) logs.push(...accessLogsOf(servers, host, lowered.moved, root));
    }
    upstreams.set(apache, apacheUpstream(door));
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
    rules: {
      listen: doors.map(({ listener }) => listener),
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
function apacheUpstream({ server, listen }: Door): Upstream {
  return upstreamOf({
    servers: [server],
    // Nobody stands between a host and itself, and its certificates name sites, not 127.0.0.1.
    ...(server.startsWith('https:') && { tls: { verify: false } }),
    from: [listen.directive.at],
  });
}

function lowerHost(
  host: VirtualHost,
  door: Door,
  here: Condition,
  apache: string,
  upstreams: Map<string, Upstream>,
  servers: Servers,
): { access: AccessLine[]; routes: Route[]; moved?: Condition } {
  const { moves, stays, twins } = findMoves(servers, host);
  for (const { line, of } of twins) {
    remark(
      line.entry,
      'translated',
      'APACHE_CARRIED',
      `the route of line ${of.at.line} takes it too, for it takes every case`,
    );
  }
  for (const { prefix, line, obstacle } of stays) {
    const because = obstacle.line === line ? '' : ` (line ${obstacle.line.at.line})`;
    const message = `${prefix} stays with Apache: ${obstacle.reason}${because}. RPC over HTTP does not pass there`;
    remark(line.entry, 'untranslated', 'APACHE_NOT_MOVED', message, {
      hint: 'Write the route by hand if it may move.',
    });
  }
  if (moves.length === 0) return { access: [], routes: [] };
  if (asksOtherCertificates(host, door, servers)) {
    for (const { line, prefix } of moves) {
      const message = `${prefix} stays with Apache: its virtual host asks for other client certificates than the first of its address, and a listener asks all alike`;
      remark(line.entry, 'untranslated', 'APACHE_NOT_MOVED', message, { hint: 'Give it an address of its own.' });
    }
    return { access: [], routes: [] };
  }
  const hosts = hostsOf(host, door.hosts, servers);
  if (hosts.unsaid.length > 0) {
    const message = `requests for ${hosts.unsaid.join(', ')} stay with Apache: no rule can say which of them are for this virtual host`;
    remark(host.section.entry, 'approximated', 'APACHE_HOSTS_UNSAID', message);
  }
  if (hosts.kind === 'none') {
    for (const { line, prefix } of moves) {
      const message = `${prefix} stays with Apache: no rule can say which requests are for this virtual host`;
      remark(line.entry, 'untranslated', 'APACHE_NOT_MOVED', message, { hint: 'Give it a ServerName.' });
    }
    return { access: [], routes: [] };
  }
  const when: Condition = { ...(hosts.hosts !== undefined && { hosts: hosts.hosts }), ...here };
  remarkHost(host, hosts.hosts);
  const all = [...moves, ...addedRpc(moves, host, servers)];
  return {
    access: all.filter((move) => needsAccess(move, all)).flatMap((move) => accessLines(move, when)),
    routes: all.flatMap((move) => routesOf(move, when, apache, upstreamFor(move, moves, upstreams), servers, host)),
    moved: movedOf(all, when),
  };
}

/** Whether a virtual host asks for client certificates that the listener, which is that of the first, does not ask for (AP-43). */
function asksOtherCertificates(host: VirtualHost, { hosts: [first] }: Door, servers: Servers): boolean {
  const [own, listeners] = [host, first].map((each) => each && tlsOf(servers, each)?.clients);
  return own !== undefined && (own.mode !== listeners?.mode || own.ca !== listeners.ca);
}

/** The requests that moved: those of the paths, but for what below them stays. */
function movedOf(moves: readonly Move[], when: Condition): Condition {
  const paths = (prefixes: readonly string[]): Condition =>
    prefixes.includes('/') ? {} : { path: [...new Set(prefixes)].map((prefix) => ({ prefix, ignoreCase: true })) };
  const staying = moves.flatMap((move) => move.staying.map(({ prefix }) => prefix));
  const moved = { ...when, ...paths(moves.map(({ prefix }) => prefix)) };
  return staying.length === 0 ? moved : { all: [moved, { not: paths(staying) }] };
}

function remarkHost({ section, serverName }: VirtualHost, hosts: string[] | undefined): void {
  const whom = hosts === undefined ? 'every Host' : hosts.join(', ');
  remark(
    section.entry,
    'translated',
    'APACHE_CARRIED',
    `its paths of Exchange are routed for ${whom}; the rest of ${serverName ?? 'it'} stays with Apache`,
  );
}

const RPC = '/rpc';

/** `/rpc` beside `/owa` of the same Exchange, for which there was no use as long as Apache stood before it; where nothing is said of it. */
function addedRpc(moves: readonly Move[], host: VirtualHost, servers: Servers): Move[] {
  const owa = moves.find(({ prefix }) => exchangePath(prefix) === '/owa');
  if (owa === undefined || moves.some(({ prefix }) => isUnder(RPC, prefix))) return [];
  const said = [...everyNode(servers.main.nodes), ...everyNode(host.nodes)].some(({ words }) =>
    words.some(({ text }) => /^[\^"]*\/rpc(?![a-z])/i.test(text)),
  );
  const isRestricted = owa.access.some(({ access }) => access.kind !== 'open');
  if (said || isRestricted || obstacleTo(servers, host, RPC) !== undefined) {
    const message =
      'no route for /rpc goes to this server: Outlook from outside needs one, and who may ask is for you to say';
    remark(owa.line.entry, 'approximated', 'APACHE_ADDED', message, {
      hint: 'Add a route for /rpc, and its access lines.',
    });
    return [];
  }
  const message =
    'a route for /rpc to the same server is added, which no line says: Outlook from outside needs it, and Apache could not carry it';
  const hint = 'Take the route out if Outlook shall not connect from outside.';
  remark(owa.line.entry, 'approximated', 'APACHE_ADDED', message, { hint });
  return [{ ...owa, prefix: RPC, staying: [], isAdded: true }];
}

/** Name of the upstream of a move; paths of one server that are talked to alike share one. */
function upstreamFor(move: Move, moves: readonly Move[], upstreams: Map<string, Upstream>): string {
  const alike = moves.filter(({ backend }) => sameBackend(backend, move.backend));
  const front = alike.map(({ changes }) => changes.frontEndHttps).find((line) => line !== undefined);
  const made = exchangeUpstream(
    move.backend,
    alike.map(({ line }) => line),
    front,
  );
  for (const [name, upstream] of upstreams) if (sameUpstream(upstream, made)) return name;
  const name = upstreams.has('exchange')
    ? `exchange-${[...upstreams.keys()].filter((each) => each.startsWith('exchange')).length + 1}`
    : 'exchange';
  upstreams.set(name, made);
  return name;
}

function sameBackend(a: Backend, b: Backend): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
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
  const { prefix, line, staying, changes, reversals, backend, sign, isAdded } = move;
  const at: SourceRef = isAdded ? { ...line.at, directive: `added beside ${line.at.directive}` } : line.at;
  if (!isAdded) {
    const what = prefix === '/' ? 'every path' : `${prefix} in any case`;
    remark(line.entry, 'translated', 'APACHE_CARRIED', `route to upstream ${to} for ${what}`);
    remark(
      line.entry,
      'translated',
      'APACHE_EXCHANGE',
      `${backend.origin} is taken for Exchange because of ${sign}: RPC may be tunnelled to it`,
    );
  }
  remarkBackend(servers, host, backend, line);
  for (const made of changes.made) remarkOnce(made, 'made by the routes of paths that moved', 'APACHE_HEADER');
  for (const almost of changes.almost) remarkAlmost(almost);
  for (const node of [...everyNode(servers.main.nodes), ...everyNode(host.nodes)]) {
    if (/^proxypassreverse(?:cookiepath)?$/.test(node.key)) remarkOnce(node, REVERSED, 'APACHE_CARRIED');
    if (node.key === 'proxypassreversecookiedomain') remarkAlmost({ line: node, message: DOTS });
  }
  for (const directive of inherited(servers, host, 'proxyaddheaders'))
    remarkAlmost({ line: directive, message: OWN_FORWARDED });
  for (const ours of changes.ours)
    remarkOnce(ours, 'on paths that moved Outrigger writes this field itself', 'APACHE_HEADER');
  if (changes.frontEndHttps !== undefined)
    remarkOnce(changes.frontEndHttps, 'frontEndHttps of the upstream', 'APACHE_CARRIED');
  const path = (each: string): Condition => (each === '/' ? {} : { path: [{ prefix: each }] });
  return [
    ...staying.map(
      (each): Route => ({
        when: { ...when, path: [{ prefix: each.prefix, ignoreCase: true }] },
        to: apache,
        from: [each.line.at],
      }),
    ),
    {
      ...conditionOf({ ...when, ...path(prefix) }),
      to,
      ...(Object.keys(reversals).length > 0 && { rewrite: reversals }),
      ...(changes.request.length > 0 && { requestHeaders: changes.request }),
      ...(changes.response.length > 0 && { responseHeaders: changes.response }),
      from: [at],
    },
  ];
}

const REVERSED = 'in rewrite of the routes of paths that moved';
const DOTS =
  'in rewrite of the routes of paths that moved; a Domain with a dot in front is changed too, as browsers read it';
const OWN_FORWARDED = 'on paths that moved Outrigger writes X-Forwarded-For, -Host and -Proto itself';

function remarkAlmost({ line, message }: { line: ConfigNode; message: string }): void {
  if (!line.entry.remarks.some((each) => each.message === message))
    remark(line.entry, 'approximated', 'APACHE_HEADER', message);
}

function conditionOf(when: Condition): { when?: Condition } {
  return Object.keys(when).length === 0 ? {} : { when };
}
