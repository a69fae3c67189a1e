// Room: the upstream for a server, or a balancer of several, that Apache proxied to: TLS, the Host it is told, whether anybody checks who
// answers, how long is waited. Pure. Source: AP-110, AP-113, AP-117, AP-130 to AP-134.
import { certificateChecks, DEFAULTS, type Upstream, upstreamOf } from '@outrigger/rules';
import type { ImportCode } from '../codes.ts';
import { type Disposition, remark } from '../ledger.ts';
import { type Balancer, balancerOf } from './balancer.ts';
import { nameOf, type ServerTarget } from './leads.ts';
import type { Server, Servers } from './servers.ts';
import { PROXY_TLS, readServerTls, remarkServerTls } from './servertls.ts';
import { inherited, isOn, setting } from './settings.ts';
import { type ConfigNode, type Directive, directivesOf, type Section } from './tree.ts';

/** What stands behind a path. An Exchange may be tunnelled to; of all others a rule does no more than Apache. */
export type BackendKind = 'exchange' | 'plain';

/** `host` absent: the servers are told the Host of the request. Times in seconds. */
export type Backend = {
  kind: BackendKind;
  /** What lines call it: its origin, or balancer://NAME. */
  name: string;
  servers: [string, ...string[]];
  host?: string;
  tls?: NonNullable<Upstream['tls']>;
  affinity?: 'client' | 'cookie';
  health?: { path: string; seconds?: number };
  timeouts?: { connect?: number; answer?: number };
};

export type BackendRead =
  | { kind: 'backend'; backend: Backend; balancer?: Extract<Balancer, { kind: 'balancer' }> }
  | { kind: 'dead'; reason: string };

/** How Apache talks to a target for requests that `sections` are for; `dead`: it cannot, or no rule could. */
export function backendOf(
  servers: Servers,
  server: Server,
  sections: readonly Section[],
  target: ServerTarget,
  kind: BackendKind,
  parameters: ReadonlyMap<string, string>,
): BackendRead {
  const balancer = target.kind === 'balancer' ? balancerOf(servers, server, target.name, parameters) : undefined;
  if (balancer?.kind === 'unsayable') return { kind: 'dead', reason: balancer.reason };
  const targets = target.kind === 'http' ? [target] : (balancer?.servers ?? []);
  const [first] = targets;
  if (first === undefined) return { kind: 'dead', reason: 'its balancer has no servers' };
  const isPreserved = isOn(servers, server, 'proxypreservehost', sections);
  const origins = targets.map(({ origin }) => origin);
  const secured =
    first.scheme === 'http' ? undefined : readServerTls(servers, server, { urls: origins, isPreserved, sections });
  if (secured?.kind === 'unsayable') return { kind: 'dead', reason: secured.reason };
  const tls = secured?.tls;
  if (!isPreserved && targets.length > 1 && kind === 'plain') {
    return { kind: 'dead', reason: 'each server of its balancer is told a Host of its own' };
  }
  const backend: Backend = {
    kind,
    name: nameOf(target),
    servers: origins as [string, ...string[]],
    ...(!isPreserved && targets.length === 1 && { host: authorityOf(first) }),
    ...(tls !== undefined && { tls }),
    ...(balancer !== undefined && balancer.affinity !== 'none' && { affinity: balancer.affinity }),
    ...(balancer?.health !== undefined && { health: balancer.health }),
    ...timeoutsOf(servers, server, parameters, kind),
  };
  return { kind: 'backend', backend, ...(balancer !== undefined && { balancer }) };
}

function authorityOf({ scheme, host, port }: Extract<ServerTarget, { kind: 'http' }>): string {
  return port === (scheme === 'https' ? 443 : 80) ? host : `${host}:${port}`;
}

/** Waits that lines say: those of the line itself, else of the server. Exchange holds requests for an hour: to it a shorter wait is none. */
function timeoutsOf(
  servers: Servers,
  server: Server,
  parameters: ReadonlyMap<string, string>,
  kind: BackendKind,
): Pick<Backend, 'timeouts'> {
  const answer =
    seconds(parameters.get('timeout')) ??
    seconds(setting(servers, server, 'proxytimeout')) ??
    seconds(setting(servers, server, 'timeout'));
  const connect = seconds(parameters.get('connectiontimeout'));
  const isCarried = answer !== undefined && (kind === 'plain' || answer * 1000 > DEFAULTS.answer);
  const timeouts = { ...(connect !== undefined && { connect }), ...(isCarried && { answer }) };
  return Object.keys(timeouts).length === 0 ? {} : { timeouts };
}

function seconds(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,7}$/.test(text) ? Number(text) : undefined;
}

/** The upstream. `lines`: what sends requests to it. */
export function upstreamFrom(
  backend: Backend,
  lines: readonly ConfigNode[],
  frontEndHttps: Directive | undefined,
): Upstream {
  const { kind, servers, host, tls, affinity, health, timeouts } = backend;
  return upstreamOf({
    servers,
    ...(kind === 'exchange' && { rpcOverHttp: true }),
    // Apache answers 404 to what reads in two ways; a rule that let it pass would be wider.
    ...(kind === 'plain' && { ambiguousPaths: 'refuse' as const }),
    ...(frontEndHttps !== undefined && { frontEndHttps: true }),
    ...(affinity !== undefined && { affinity }),
    ...(health !== undefined && {
      health: { path: health.path, ...(health.seconds !== undefined && { interval: `${health.seconds}s` }) },
    }),
    ...(host !== undefined && { host }),
    ...(tls !== undefined && { tls }),
    ...(timeouts !== undefined && {
      timeouts: {
        ...(timeouts.connect !== undefined && { connect: `${timeouts.connect}s` }),
        ...(timeouts.answer !== undefined && { answer: `${timeouts.answer}s`, idle: `${timeouts.answer}s` }),
      },
    }),
    from: [...lines, ...(frontEndHttps === undefined ? [] : [frontEndHttps])].map(({ at }) => at),
  });
}

const OWN_LIMITS = 'on paths that moved Outrigger has limits of its own, made for channels that are silent for hours';

const OWN_CONNECTIONS =
  'on paths that moved Outrigger keeps connections with the server in its own way, and waits as long as its own limits say';

/** What became of the lines that say how Apache talks to a server whose paths moved. */
export function remarkBackend(
  servers: Servers,
  server: Server,
  sections: readonly Section[],
  read: Extract<BackendRead, { kind: 'backend' }>,
  line: Directive,
): void {
  const { backend, balancer } = read;
  const { tls, host, timeouts, kind } = backend;
  // The last alone: what it replaces may hold for another path, and is told there.
  for (const directive of inherited(servers, server, 'proxypreservehost', sections).slice(-1)) {
    const told = host === undefined ? 'the Host of the request' : `Host: ${host}`;
    const isInside = sections.some(({ children }) => children.includes(directive));
    const where = isInside ? 'servers of its paths' : 'servers whose paths moved';
    once(directive, 'translated', 'APACHE_CARRIED', `${where} are told ${told}`);
  }
  for (const directive of ['proxytimeout', 'timeout'].flatMap((key) => inherited(servers, server, key))) {
    const isCarried = timeouts?.answer !== undefined;
    const message = isCarried
      ? 'timeouts of upstreams whose paths moved; Apache answers 502 when it ends, Outrigger 504'
      : OWN_LIMITS;
    once(directive, isCarried ? 'translated' : 'approximated', 'APACHE_TIMEOUT', message);
  }
  if (/\s(?:timeout|retry)=/i.test(line.rest) && (timeouts?.answer === undefined || /\sretry=/i.test(line.rest)))
    once(line, 'approximated', 'APACHE_TIMEOUT', OWN_LIMITS);
  const isPreserved = isOn(servers, server, 'proxypreservehost', sections);
  if (balancer !== undefined) remarkBalancer(balancer, backend, line, isPreserved);
  else {
    const named = sections.filter(({ key, words }) => key === 'proxy' && words.length > 1);
    const sets = sections.flatMap(({ children }) => directivesOf(children, 'proxyset'));
    for (const node of [...named, ...sets]) once(node, 'approximated', 'APACHE_TIMEOUT', OWN_CONNECTIONS);
  }
  if (tls === undefined) return;
  remarkServerTls(servers, server, { tls, urls: backend.servers, isPreserved, sections }, line);
  // Of all but lists of ciphers, which are said for each version, the last alone counts.
  const isLast = ({ key }: Directive, index: number, all: readonly Directive[]): boolean =>
    key === 'sslproxyciphersuite' || index === all.length - 1;
  for (const directive of PROXY_TLS.flatMap((key) => inherited(servers, server, key, sections).filter(isLast))) {
    once(directive, 'translated', 'APACHE_CARRIED', 'in tls of the upstream');
  }
  if (certificateChecks(tls).authority) return;
  const message =
    kind === 'exchange'
      ? 'as with Apache, nobody checks the certificate of the server: whoever can take its address reads logins'
      : 'as with Apache, nobody checks who signed the certificate of the server';
  once(line, 'approximated', 'APACHE_TLS_UNVERIFIED', message, {
    hint: 'Set ca to the file of the authority that signed its certificate, and verify to true.',
  });
}

function remarkBalancer(
  { lines, sections, otherwise }: Extract<Balancer, { kind: 'balancer' }>,
  { name, servers }: Backend,
  line: Directive,
  isPreserved: boolean,
): void {
  for (const node of [...sections, ...lines])
    once(node, 'translated', 'APACHE_CARRIED', `servers of the upstream for ${name}`);
  const told = 'the servers are told the Host of the request, where Apache told each its own name';
  for (const text of [...otherwise, ...(isPreserved || servers.length === 1 ? [] : [told])]) {
    once(sections[0] ?? line, 'approximated', 'APACHE_BALANCER', text);
  }
}

/** Remarks it once, however many paths it holds for. */
function once(
  { entry }: ConfigNode,
  disposition: Disposition,
  code: ImportCode,
  message: string,
  more: { hint?: string } = {},
): void {
  if (!entry.remarks.some((each) => each.message === message)) remark(entry, disposition, code, message, more);
}
