// Room: from the records of an export to rules. A rule that cannot be said without letting more in is not carried, and its entry says so.
import {
  type AccessLine,
  type Condition,
  type Denial,
  defaultLimits,
  type Listener,
  listenerName,
  type Route,
  type RuleSet,
  redirectError,
  TUNNEL_METHODS,
  type Upstream,
} from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { pathsOfExchange } from './exchange.ts';
import { deniedByFirewall } from './firewall.ts';
import { HOST_NAME, hostCondition } from './hosts.ts';
import { type Door, readDoors } from './listeners.ts';
import { type Mapping, pathCondition, pathsCondition, prefixOf } from './paths.ts';
import { type Reading, readRule } from './reading.ts';
import { type Export, isPublished, isWebPublishing, ownText, property, type TmgRecord, textOf } from './records.ts';
import { listenersUsed } from './servers.ts';
import { type Way, waysOf } from './ways.ts';
import type { WebFilters } from './webfilters.ts';

export function lower(found: Export): RuleSet | undefined {
  const used = new Set(found.rules.filter(({ element }) => isPublished(element)).flatMap(listenersUsed));
  const doors = readDoors(found, used);
  const served = [...doors.values()]
    .flatMap(({ listeners }) => listeners)
    .filter(({ redirect }) => redirect === undefined);
  const work: Work = { found, doors, served, upstreams: new Map(), access: [], routes: [] };
  const last = found.rules.findLastIndex(({ element }) => isPublished(element));
  for (const [index, rule] of found.rules.entries()) {
    if (isPublished(rule.element)) lowerRule(rule, work);
    else lowerOther(rule, index < last, work);
  }
  const listen = [...doors.values()].flatMap(({ listeners }) => listeners);
  const { upstreams, access, routes } = work;
  if (listen.length === 0 || routes.length === 0) return undefined;
  return { listen, upstreams, access, routes, limits: defaultLimits(), tunnelMethods: [...TUNNEL_METHODS] };
}

/** A rule that publishes no web site, or is disabled. `isInFront`: rules that do stand behind it. */
function lowerOther(rule: TmgRecord, isInFront: boolean, { found, access }: Work): void {
  if (isWebPublishing(rule.element)) remark(rule.entry, 'irrelevant', 'TMG_NOT_USED', 'it is disabled');
  else if (ownText(rule, 'Type') === '1')
    remark(rule.entry, 'untranslated', 'TMG_SERVER_PUBLISHING', 'it publishes a server that is no web server', {
      hint: 'Forward its port on the firewall.',
    });
  else if (!isInFront) remark(rule.entry, 'irrelevant', 'TMG_OPERATION', 'a rule of the firewall, no publishing');
  else {
    const denied = deniedByFirewall(rule, found);
    if (denied === undefined) return;
    const when: Condition = denied.clients === undefined ? {} : { clients: denied.clients };
    access.push({ action: 'deny', when, answer: 'forbidden', from: [rule.at] });
  }
}

type Work = {
  found: Export;
  doors: ReadonlyMap<string, Door>;
  /** All listeners that take requests: a rule for all of them needs no word about it. */
  served: readonly Listener[];
  upstreams: Map<string, Upstream>;
  access: AccessLine[];
  routes: Route[];
};

function lowerRule(rule: TmgRecord, work: Work): void {
  const reading = readRule(rule, work.found, work.doors);
  const { isDenied, hosts, mappings, bars } = reading;
  const deny = (when: Condition): void => {
    work.access.push({ action: 'deny', when, answer: answerOf(rule, isDenied), from: [rule.at] });
  };
  if (isDenied && reading.clients?.length === 0) return;
  const ways = waysOf(rule, reading, work.found);
  if (ways.kind === 'refused') {
    // Whom the rule kept out, a later rule must not let in: what it took is denied, as widely as it can be said.
    const hint = 'What it took is denied. Write it by hand if it is needed.';
    remark(rule.entry, 'untranslated', 'TMG_NOT_CARRIED', `the rule is not carried: ${ways.message}`, { hint });
    const isNamed = hosts.every((host) => HOST_NAME.test(host));
    deny({ ...(isNamed && hostCondition(hosts)), ...pathsCondition(mappings ?? []) });
    return;
  }
  const when = whenOf(reading);
  const whole: Condition = { ...when, ...pathsCondition(ways.mappings) };
  const { refusals, serverHeader } = reading.filters;
  const at = (some: readonly Listener[]): Condition =>
    some.length === work.served.length ? {} : { listeners: some.map(listenerName) };
  if (isDenied) {
    deny({ ...whole, ...at(reading.listeners) });
    // A denial that cannot be said exactly is widened to whom it does not name: it may deny more, never less.
    if (bars.length > 0)
      remark(rule.entry, 'approximated', 'TMG_RESTRICTION', 'it denies everybody, not only whom it named');
    remark(rule.entry, 'translated', 'TMG_CARRIED', 'an access line that denies');
    return;
  }
  const open = ways.ways.flatMap(({ listeners }) => listeners);
  const closed = reading.listeners.filter((listener) => !open.includes(listener));
  if (closed.length > 0) deny({ ...whole, ...at(closed) });
  // What the filter refused was refused for good: no later rule took it.
  for (const refusal of refusals)
    work.access.push({
      action: 'deny',
      when: both({ ...whole, ...at(open) }, refusal.when),
      answer: 'forbidden',
      from: [rule.at, refusal.property.at],
    });
  work.access.push({ action: 'allow', when: { ...whole, ...at(open) }, answer: 'forbidden', from: [rule.at] });
  const to = ways.ways.map((way) => {
    const name = nameFor(way.upstream, way.name, work.upstreams);
    tellServer(rule, way, !upstreamIsShared(work.upstreams.get(name)));
    for (const mapping of ways.mappings)
      work.routes.push(
        routeOf(rule, mapping, {
          when: { ...when, ...at(way.listeners) },
          to: name,
          origins: way.origins,
          serverHeader,
        }),
      );
    return name;
  });
  tellCarried(rule, to, hosts.length === 0);
}

/** The requests of a rule, apart from paths and listeners. */
function whenOf({ hosts, clients, bars }: Reading): Condition {
  return { ...hostCondition(hosts), ...(clients !== undefined && bars.length === 0 && { clients }) };
}

/** Requests for which both hold. */
function both(one: Condition, other: Condition): Condition {
  const isApart = Object.keys(one).every((key) => !(key in other));
  return isApart ? { ...one, ...other } : { ...one, all: [other] };
}

function routeOf(
  rule: TmgRecord,
  { external, internal }: Mapping,
  {
    when,
    to,
    origins,
    serverHeader,
  }: Pick<WebFilters, 'serverHeader'> & { when: Condition; to: string; origins: readonly string[] },
): Route {
  const condition: Condition = { ...when, ...(external !== '/*' && { path: [pathCondition(external)] }) };
  const [from, target] = [prefixOf(external), prefixOf(internal)];
  const location = origins.map((origin) => ({ from: `${withoutUsualPort(origin)}${target}`, to: from }));
  return {
    ...(Object.keys(condition).length > 0 && { when: condition }),
    to,
    ...(from !== target && { rewrite: { path: { from, to: target }, location } }),
    ...(serverHeader !== undefined && {
      responseHeaders: [serverHeader === 'remove' ? { remove: ['Server'] } : { set: { Server: serverHeader.set } }],
    }),
    from: [rule.at],
  };
}

function tellCarried(rule: TmgRecord, upstreams: readonly string[], isForEveryHost: boolean): void {
  const shown = upstreams.join(' and ');
  remark(rule.entry, 'translated', 'TMG_CARRIED', `routes to upstream ${shown}`);
  if (pathsOfExchange(rule).isAny)
    remark(
      rule.entry,
      'translated',
      'TMG_EXCHANGE',
      `its paths are those of Exchange or RD Gateway: RPC may be tunnelled to ${shown}`,
    );
  if (isForEveryHost)
    remark(rule.entry, 'approximated', 'TMG_HOSTS', 'it is for every public name: it takes every Host', {
      hint: 'Name the hosts.',
    });
}

/** Says what becomes of trust in the server and of its redirects. `isFirst`: no rule before it goes there alike. */
function tellServer(rule: TmgRecord, { upstream, name }: Way, isFirst: boolean): void {
  const site = property(rule, 'WebSite')?.entry ?? rule.entry;
  if (isFirst && upstream.servers.some((server) => server.startsWith('https:')))
    remark(
      site,
      'approximated',
      'TMG_CERTIFICATE',
      `TMG trusted the authorities in the store of Windows; now the certificate of ${name} must be one that this system trusts`,
      { hint: 'Write tls.ca of the upstream where an authority of your own signed it.' },
    );
  if (upstream.host !== undefined)
    remark(
      property(rule, 'SendOriginalHostHeader')?.entry ?? site,
      'approximated',
      'TMG_LINK_TRANSLATION',
      `the server is asked for ${name} and may redirect there: TMG translated that, a rule does where it maps paths`,
      {
        hint: 'Leave the Host of the request (take host out of the upstream) where the server knows the public name, or write rewrite.location.',
      },
    );
}

function upstreamIsShared(upstream: Upstream | undefined): boolean {
  return (upstream?.from?.length ?? 0) > 1;
}

/** Where a denial of TMG sent people on (SDK, RedirectURL), it still does. */
function answerOf(rule: TmgRecord, isDenied: boolean): Denial {
  const redirect = textOf(rule, 'RedirectURL');
  return isDenied && /^https?:[^{}]+$/i.test(redirect) && redirectError(redirect) === undefined
    ? { redirect }
    : 'forbidden';
}

function withoutUsualPort(origin: string): string {
  return origin.replace(/^(https:.*):443$|^(http:.*):80$/, '$1$2');
}

/** Rules that go to one server alike share an upstream. */
function nameFor(made: Upstream, name: string, upstreams: Map<string, Upstream>): string {
  const alike = ({ from: _, ...rest }: Upstream): string => JSON.stringify(rest);
  for (const [each, upstream] of upstreams) {
    if (alike(upstream) !== alike(made)) continue;
    upstream.from?.push(...(made.from ?? []));
    return each;
  }
  // Keys that are numbers lose their place among others.
  const first = /^\d+$/.test(name) ? `server-${name}` : name;
  let free = first;
  for (let number = 2; upstreams.has(free); number += 1) free = `${first}-${number}`;
  upstreams.set(free, made);
  return free;
}
