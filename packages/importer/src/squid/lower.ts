// Room: from Squid's model to rules. The only place where Squid's meaning becomes ours.
import {
  type HeaderChange,
  listenerName,
  parseAddress,
  parseServer,
  type RuleSet,
  type SourceRef,
  TUNNEL_METHODS,
  type Upstream,
} from '@outrigger/rules';
import type { ImportCode } from '../codes.ts';
import { remark } from '../ledger.ts';
import { remarkPeers, remarkReplyAccess, remarkRoutes } from './accounts.ts';
import { behindBalancers } from './balancers.ts';
import { lowerFields, trustedByAcls } from './clientfields.ts';
import { withConnectionAcls } from './connectionacls.ts';
import { exchangeSign } from './exchange.ts';
import { limitsOf, limitUpstream, remarkWaits } from './limits.ts';
import { allowedBy, and, type Expr, isNever, most, NEVER, or } from './logic.ts';
import { lowerLogs } from './logs.ts';
import type { MeaningContext } from './meaning.ts';
import type { Model } from './model.ts';
import type { Peer } from './peers.ts';
import { writeAccess } from './permissions.ts';
import type { Port } from './ports.ts';
import { createResolver, type Resolver } from './resolve.ts';
import { type Choice, type PlannedRoute, planRoutes } from './routes.ts';

/** Rules, or the sentence why there are none. `resolver` goes on to the search for what the old file let through. */
export type Lowered = { resolver: Resolver; routes: PlannedRoute[] } & (
  | { kind: 'rules'; rules: RuleSet }
  | { kind: 'nothing'; code: ImportCode; message: string }
);

export function lower(given: Model): Lowered {
  const model = withConnectionAcls(given);
  const { ports: served, site } = portsToServe(model);
  const context = contextOf(served, site);
  const ports = behindBalancers(served, model, createResolver(model.acls, context));
  const trusted = trustedByAcls(model, createResolver(model.acls, context));
  const resolver = createResolver(model.acls, { ...context, ...trusted.clients });
  const direct = directRequests(model, resolver);
  const routes = planRoutes(model.peers, resolver, direct);
  const { lines: access, pages, narrowed } = writeAccess(model, resolver);
  const upstreams = new Map<string, Upstream>();
  const fields = lowerFields(model, resolver);
  const logs = lowerLogs(model.logs, resolver);
  // Those that routes lead to first, as a person would look for them.
  const standingIn = routes.flatMap(({ fallback }) => fallback.map(({ choice }) => choice));
  const choices = new Set([...routes.map(({ choice }) => choice), ...standingIn]);
  for (const choice of choices) {
    const changed = [...withoutLogins(choice, routes, resolver), ...(fields.requestHeaders ?? [])];
    upstreams.set(choice.name, {
      ...finishUpstream(choice, model, ports, site),
      ...structuredClone(fields),
      ...(changed.length > 0 && { requestHeaders: structuredClone(changed) }),
    });
  }
  remarkPeers(model, routes, resolver);
  remarkWaits(model.limits);
  remarkRoutes(model, routes, resolver);
  remarkReplyAccess(model, resolver);
  resolver.remarkAcls(aclsThatDecide(given));

  const rules: RuleSet = {
    listen: ports.map(({ listener }) => listener),
    upstreams,
    ...(pages.size > 0 && { pages }),
    access,
    routes: routes.map(({ choice, fallback, when, from }) => ({
      ...(when.kind !== 'always' && { when: resolver.condition(when) }),
      to: choice.name,
      ...(fallback.length > 0 && {
        fallback: fallback.map((each) => ({
          to: each.choice.name,
          ...(each.when.kind !== 'always' && { when: resolver.condition(each.when) }),
        })),
      }),
      from,
    })),
    limits: limitsOf(model.limits),
    tunnelMethods: [...TUNNEL_METHODS],
    ...(logs.length > 0 && { accessLog: logs }),
    ...(trusted.ranges.length > 0 && { trustedProxies: trusted.ranges }),
  };
  const missing = missingPart(rules, narrowed);
  if (missing !== undefined)
    return { kind: 'nothing', code: 'SQUID_NOTHING_TO_RUN', message: missing, resolver, routes };
  return { kind: 'rules', rules, resolver, routes };
}

/**
 * A peer without `login=PASS` never saw what clients log in with, and is not to see it because another is down. Requests of its own
 * routes are left as they are (SQUID_PEER_LOGIN).
 */
function withoutLogins(choice: Choice, routes: readonly PlannedRoute[], resolver: Resolver): HeaderChange[] {
  if (choice.peers.every(({ passesLogins }) => passesLogins)) return [];
  const standingIn = or(
    routes.flatMap(({ fallback, whole }) =>
      fallback.filter((each) => each.choice === choice).map(({ when }) => and([whole, when])),
    ),
  );
  if (standingIn.kind === 'never') return [];
  const hasOwn = routes.some((route) => route.choice === choice);
  const remove = ['Authorization'];
  return [hasOwn && standingIn.kind !== 'always' ? { when: resolver.condition(standingIn), remove } : { remove }];
}

function missingPart(rules: RuleSet, narrowed: boolean): string | undefined {
  if (rules.listen.length === 0) return 'no port line became a listener';
  if (rules.routes.length === 0) return 'no peer could be given a route';
  return narrowed && !rules.access.some(({ action }) => action === 'allow')
    ? 'no access line is left that allows anything'
    : undefined;
}

/** Ports that become listeners. A site that replaces every Host can be said only where all ports agree on it. */
function portsToServe(model: Model): { ports: Port[]; site?: string } {
  const alwaysGuarded = model.lists.neverDirect[0];
  const neverDirect =
    alwaysGuarded?.action === 'allow' && alwaysGuarded.terms.every(({ acl, negated }) => acl === 'all' && !negated);
  const safe = model.ports.filter((port) => {
    if (!port.allowDirect || neverDirect) return true;
    const message =
      'allow-direct lets Squid go to whatever host the client names, which Outrigger never does; no listener is made';
    remark(port.directive.entry, 'untranslated', 'SQUID_PORT_DIRECT', message, {
      hint: 'Remove allow-direct: an accelerator that has it is an open door to your network.',
    });
    return false;
  });
  const sites = new Set(safe.map(({ site }) => site));
  const [site] = sites;
  if (sites.size <= 1) {
    for (const port of safe)
      if (site !== undefined)
        remark(
          port.directive.entry,
          'translated',
          'SQUID_PORT_SITE',
          `every request goes on with Host: ${site}, whatever the client sent`,
        );
    remarkListeners(safe);
    return { ports: safe, ...(site !== undefined && { site }) };
  }
  const ports = safe.filter((port) => {
    if (port.site === undefined) return true;
    const message = `replaces every Host by ${port.site} while other ports do not; no listener is made`;
    remark(port.directive.entry, 'untranslated', 'SQUID_PORT_SITE', message, {
      hint: 'Add vhost to the line if clients send the right Host, and import again.',
    });
    return false;
  });
  remarkListeners(ports);
  return { ports };
}

function remarkListeners(ports: readonly Port[]): void {
  for (const { directive, listener, replacesPort } of ports) {
    const tls =
      listener.tls === undefined
        ? 'plain HTTP'
        : `TLS with ${listener.tls.certificates.map((files) => ('cert' in files ? files.cert : files.pkcs12)).join(', ')}`;
    const site = listener.defaultHost === undefined ? '' : `; a request without Host is for ${listener.defaultHost}`;
    remark(directive.entry, 'translated', 'SQUID_CARRIED', `listener ${listenerName(listener)}, ${tls}${site}`);
    if (replacesPort === undefined) continue;
    remark(
      directive.entry,
      'approximated',
      'SQUID_PORT_SITE',
      'vport put its own port into every URL, and its address where a request names no host; here the port of the Host stays, for rules and for servers',
    );
  }
}

function contextOf(ports: readonly Port[], site: string | undefined): MeaningContext {
  const replacing = ports.find(({ replacesPort }) => replacesPort !== undefined);
  const numbers = new Set(ports.map(({ replacesPort }) => replacesPort));
  return {
    ports: ports.map(({ listener, word, port, host }) => ({
      listener: listenerName(listener),
      word,
      port,
      tls: listener.tls !== undefined,
      ...(host !== undefined && { host }),
    })),
    ...(site !== undefined && { site }),
    ...(replacing !== undefined && {
      replacedPort: {
        by: `line ${replacing.directive.at.line}`,
        ...(numbers.size === 1 && replacing.replacesPort !== undefined && { number: replacing.replacesPort }),
      },
    }),
  };
}

/** Requests that always_direct sends past all peers, at the widest (SQ-151). No list, or one that allows none: never. */
function directRequests(model: Model, resolver: Resolver): Expr {
  const lines = model.lists.alwaysDirect;
  if (lines.length === 0) return NEVER;
  const direct = most(
    allowedBy(lines.map((line) => ({ action: line.action, when: resolver.lineOf(line) }))),
    resolver.isKnown,
  );
  for (const { directive } of lines) {
    if (isNever(direct)) {
      remark(directive.entry, 'irrelevant', 'SQUID_ALWAYS_DIRECT', 'sends nothing direct, and Outrigger never does');
    } else {
      const message = 'sends requests to whatever host the client names; they get no route here';
      remark(directive.entry, 'untranslated', 'SQUID_ALWAYS_DIRECT', message, {
        hint: 'Name the servers that were meant in a cache_peer line, and import again.',
        concerns: resolver.condition(direct),
      });
    }
  }
  return direct;
}

/** `auto` sends the field where the client spoke TLS; an upstream sends it always or never. */
function finishAutoField(upstream: Upstream, { directive: { entry } }: Peer, ports: readonly Port[]): void {
  const overTls = ports.filter(({ listener }) => listener.tls !== undefined).length;
  upstream.frontEndHttps = overTls === ports.length;
  if (overTls === 0 || upstream.frontEndHttps) {
    const message =
      overTls === 0
        ? 'no listener speaks TLS, so the field is never sent; Squid went by the scheme of a target that names one'
        : 'all listeners speak TLS, so the field is always sent; Squid went by the scheme of a target that names one';
    remark(entry, 'approximated', 'SQUID_FRONT_END_HTTPS', `front-end-https=auto: ${message}`, { severity: 'note' });
  } else {
    const message =
      'front-end-https=auto is left out: some listeners speak TLS and some do not, and the field is sent always or never';
    remark(entry, 'approximated', 'SQUID_FRONT_END_HTTPS', message, {
      hint: 'Set frontEndHttps if plain HTTP is not used.',
    });
  }
}

/** What depends on more than one line: the Host of a site, Front-End-Https, and whether the upstream is an Exchange. */
function finishUpstream(choice: Choice, model: Model, ports: readonly Port[], site: string | undefined): Upstream {
  const [peer] = choice.peers;
  const upstream: Upstream = { ...choice.upstream };
  if (peer === undefined) return upstream;
  const { entry } = peer.directive;
  limitUpstream(upstream, model.limits, peer.limitsConnect);
  if (site !== undefined && upstream.host === undefined) upstream.host = site;
  // Squid sent no name to an address (SQ-195). Of a client's own Host a server may want one; of a Host that is made up it never got one.
  if (upstream.host !== undefined && namesNoServer(upstream))
    upstream.tls = { verify: true, ...upstream.tls, sni: 'none' };
  if (peer.frontEndHttps === 'on') upstream.frontEndHttps = true;
  if (peer.frontEndHttps === 'auto') finishAutoField(upstream, peer, ports);
  const sign = exchangeSign(choice, model);
  if (sign !== undefined) {
    upstream.rpcOverHttp = true;
    remark(
      entry,
      'translated',
      'SQUID_EXCHANGE',
      `${sign} says it is Exchange: RPC_* and RDG_* may be tunnelled to it`,
    );
  } else if (peer.frontEndHttps === 'auto') {
    const message =
      'front-end-https=auto alone does not say that it is Exchange: RPC_* and RDG_* are not tunnelled to it';
    remark(entry, 'translated', 'SQUID_EXCHANGE', message, { hint: 'Set rpcOverHttp: true if it is one.' });
  }
  return upstream;
}

/** TLS, to servers that are addresses, without a name of their own. */
function namesNoServer({ tls, servers }: Upstream): boolean {
  if (tls?.serverName !== undefined) return false;
  return servers
    .map(parseServer)
    .every((server) => server?.scheme === 'https' && parseAddress(server.host) !== undefined);
}

/** Acls of all lists that decide over requests. never_direct does not: an accelerator obeys it unasked. */
function aclsThatDecide(model: Model): string[] {
  const { http, adapted, miss, reply, alwaysDirect } = model.lists;
  const lines = [
    ...model.followForwarded,
    ...model.proxyProtocol,
    ...model.logs.lines,
    ...Object.values(model.headers).flatMap(({ access, additions }) => [
      ...access.map(({ line }) => line),
      ...additions,
    ]),
    ...http,
    ...adapted,
    ...miss,
    ...reply,
    ...alwaysDirect,
    ...model.peers.flatMap(({ access, domains }) => [...access, ...domains]),
  ];
  return lines.flatMap(({ terms }) => terms.map(({ acl }) => acl));
}

/** Place for findings about a file as a whole. */
export function wholeFile(file: string): SourceRef {
  return { file, line: 1, directive: '' };
}
