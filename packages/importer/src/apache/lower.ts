// Room: from Apache's model to rules. The only place where Apache's meaning becomes ours: listeners for its TLS addresses, routes for
// the paths of Exchange that surely go there, and all else to Apache on loopback.
import {
  type AccessLine,
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
import { accessLines, allow, joined, needsAccess, pathed, remarkOnce } from './accesslines.ts';
import { remarkBackend, upstreamFrom } from './backend.ts';
import { exchangePath } from './exchange.ts';
import { hostsOf } from './hosts.ts';
import { type Door, readDoors } from './listeners.ts';
import { findMoves, type Lift, type Move, type Stay } from './moves.ts';
import { hindranceOf } from './obstacles.ts';
import { isUnder } from './overlap.ts';
import { type ApachePlace, placeSentence } from './place.ts';
import { proxyLines } from './proxypass.ts';
import { serverRules } from './rewriterules.ts';
import type { Servers, VirtualHost } from './servers.ts';
import { everyNode, inherited } from './settings.ts';
import type { ConfigNode, Directive } from './tree.ts';

/** Rules, or the sentence why there are none. */
export type Lowered = { kind: 'rules'; rules: RuleSet } | { kind: 'nothing'; message: string };

export function lower(servers: Servers, place: ApachePlace, lift: Lift): Lowered {
  const doors = readDoors(servers, place);
  if (doors.length === 0)
    return { kind: 'nothing', message: 'no address speaks TLS, so there is nothing to take over from Apache' };
  const upstreams = new Map<string, Upstream>();
  const access: AccessLine[] = [];
  const routes: Route[] = [];
  const rest: Route[] = [];
  for (const door of doors) {
    const apache = apacheName(door, doors);
    const here: Condition = doors.length === 1 ? {} : { listeners: [listenerName(door.listener)] };
    for (const host of door.hosts) {
      const lowered = lowerHost(host, door, here, { apache, upstreams, servers, lift });
      access.push(...lowered.access);
      routes.push(...lowered.routes);
    }
    for (const host of door.hosts) remarkOthers(servers, host, lift);
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

/** What is the same for all virtual hosts of a listener. */
type Lowering = { apache: string; upstreams: Map<string, Upstream>; servers: Servers; lift: Lift };

function lowerHost(
  host: VirtualHost,
  door: Door,
  here: Condition,
  lowering: Lowering,
): { access: AccessLine[]; routes: Route[] } {
  const { apache, upstreams, servers, lift } = lowering;
  const { moves, stays, twins } = findMoves(servers, host, lift);
  for (const { line, of } of twins) {
    remark(
      line.entry,
      'translated',
      'APACHE_CARRIED',
      `the route of line ${of.at.line} takes it too, for it takes every case`,
    );
  }
  for (const stay of stays) remarkStay(stay);
  if (moves.length === 0) return { access: [], routes: [] };
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
  remarkHost(host, hosts.hosts, lift);
  const all = [...moves, ...addedRpc(moves, host, servers)];
  return {
    access: all.filter((move) => needsAccess(move, all)).flatMap((move) => accessLines(move, when)),
    routes: all.flatMap((move) => routesOf(move, when, apache, upstreamFor(move, moves, upstreams), servers, host)),
  };
}

function remarkStay({ prefix, line, obstacle, isExchange }: Stay): void {
  const because = obstacle.line === line ? '' : ` (line ${obstacle.line.at.line})`;
  const why = `${prefix ?? 'it'} stays with Apache: ${obstacle.reason}${because}`;
  if (!isExchange) {
    remarkOnce(line, why, 'APACHE_STAYS', 'irrelevant');
    return;
  }
  remark(line.entry, 'untranslated', 'APACHE_NOT_MOVED', `${why}. RPC over HTTP does not pass there`, {
    hint: 'Write the route by hand if it may move.',
  });
}

/** Lines of proxying that are no matter of ours: why they stay is said, too. */
function remarkOthers(servers: Servers, host: VirtualHost, lift: Lift): void {
  for (const { directive, target } of proxyLines(servers, host)) {
    if (directive.entry.remarks.length > 0 || target === undefined) continue;
    const isHttp = /^(?:https?|balancer):/i.test(target);
    const why = isHttp
      ? lift === 'all'
        ? 'it takes no path of its own'
        : 'nothing says that it leads to Exchange; with --lift all it moves where a rule can do the same'
      : 'only Apache speaks the protocol behind it';
    remarkOnce(directive, `stays with Apache: ${why}`, 'APACHE_STAYS', 'irrelevant');
  }
}

function remarkHost({ section, serverName }: VirtualHost, hosts: string[] | undefined, lift: Lift): void {
  const whom = hosts === undefined ? 'every Host' : hosts.join(', ');
  const what = lift === 'all' ? 'its proxied paths' : 'its paths of Exchange';
  remark(
    section.entry,
    'translated',
    'APACHE_CARRIED',
    `${what} are routed for ${whom}; the rest of ${serverName ?? 'it'} stays with Apache`,
  );
}

const RPC = '/rpc';

/** `/rpc` beside `/owa` of the same Exchange, for which there was no use as long as Apache stood before it; where nothing is said of it. */
function addedRpc(moves: readonly Move[], host: VirtualHost, servers: Servers): Move[] {
  const owa = moves.find(
    ({ prefix, sign, rewrite, when }) =>
      sign !== undefined &&
      exchangePath(prefix) === '/owa' &&
      rewrite?.path === undefined &&
      Object.keys(when).length === 0,
  );
  if (owa === undefined || moves.some(({ prefix }) => isUnder(RPC, prefix))) return [];
  const said = [...everyNode(servers.main.nodes), ...everyNode(host.nodes)].some(({ words }) =>
    words.some(({ text }) => /^[\^"]*\/rpc(?![a-z])/i.test(text)),
  );
  const isRestricted = owa.access.some(({ access }) => access.kind !== 'open');
  const hindrance = hindranceOf(servers, host, RPC, serverRules(servers, host));
  const isHindered = hindrance.kind === 'obstacle' || hindrance.staying.length > 0;
  if (said || isRestricted || isHindered) {
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
  return [{ ...owa, prefix: RPC, path: [{ prefix: RPC }], staying: [], isAdded: true }];
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
  const { line, staying, changes, rewrite, read, isAdded } = move;
  const { backend } = read;
  const at: SourceRef = isAdded ? { ...line.at, directive: `added beside ${line.at.directive}` } : line.at;
  if (!isAdded) remarkRoute(move, to);
  remarkBackend(servers, host, read, line);
  for (const each of staying) {
    const who = `requests that ${each.line.at.directive} (line ${each.line.at.line}) is for stay with Apache`;
    if (!/^proxypass$/.test(each.line.key)) remarkOnce(line, who, 'APACHE_STAYS');
  }
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
  if (changes.frontEndHttps !== undefined && backend.kind === 'exchange')
    remarkOnce(changes.frontEndHttps, 'frontEndHttps of the upstream', 'APACHE_CARRIED');
  const own = joined(when, move.when);
  return [
    ...staying.map((each): Route => ({ when: joined(own, each.where), to: apache, from: [each.line.at] })),
    {
      ...conditionOf(pathed(own, move.path)),
      to,
      ...(rewrite !== undefined && { rewrite }),
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

function remarkRoute({ prefix, line, sign, path, rewrite, read }: Move, to: string): void {
  const isAnyCase = sign !== undefined && rewrite?.path === undefined;
  const what = path === undefined ? 'every path' : isAnyCase ? `${prefix} in any case` : prefix;
  const mapped = rewrite?.path === undefined ? '' : `, as ${rewrite.path.to}`;
  remark(line.entry, 'translated', 'APACHE_CARRIED', `route to upstream ${to} for ${what}${mapped}`);
  if (sign !== undefined) {
    remarkOnce(
      line,
      `${read.backend.name} is taken for Exchange because of ${sign}: RPC may be tunnelled to it`,
      'APACHE_EXCHANGE',
    );
  }
}

function conditionOf(when: Condition): { when?: Condition } {
  return Object.keys(when).length === 0 ? {} : { when };
}
