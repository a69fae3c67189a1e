// Room: from a rule set to the text of a rules file: only what differs from the defaults, with the lines each rule came
// from as comments. `loadRules(dumpRules(x))` means x.
import { Document, isCollection, isMap, isNode, isScalar, isSeq, type Node, stringify, visit } from 'yaml';
import type { Condition, TimeCondition } from './condition.ts';
import { DEFAULTS, TUNNEL_METHODS } from './defaults.ts';
import type { SourceRef } from './diagnostic.ts';
import type { HeaderChange } from './headers.ts';
import type { Health } from './health.ts';
import type { AccessLog } from './logformat.ts';
import { PAGE_TYPE } from './page.ts';
import { printProvenance } from './positions.ts';
import {
  type AccessLine,
  type DenialPage,
  defaultLimits,
  type Fallback,
  type Limits,
  type Listener,
  type Provenance,
  type Route,
  type RuleSet,
  type Upstream,
} from './schema.ts';
import { formatDuration, formatSize } from './units.ts';

/** Columns a collection may take to stand on one line; what a terminal and a diff show without wrapping. */
const FLOW_WIDTH = 100;

/** The text of a rules file. `preamble` becomes comment lines at its top. */
export function dumpRules(rules: RuleSet, options: { preamble?: string } = {}): string {
  const content = {
    listen: rules.listen.map(listenerDocument),
    upstreams: Object.fromEntries([...rules.upstreams].map(([name, upstream]) => [name, upstreamDocument(upstream)])),
    ...(rules.pages && {
      pages: Object.fromEntries([...rules.pages].map(([name, given]) => [name, pageDocument(given)])),
    }),
    access: rules.access.map(accessDocument),
    routes: rules.routes.map(routeDocument),
    ...limitsDocument(rules.limits),
    ...(rules.tunnelMethods.join() !== TUNNEL_METHODS.join() && { tunnelMethods: rules.tunnelMethods }),
    ...(rules.accessLog && { accessLog: rules.accessLog.map(logDocument) }),
    ...(rules.trustedProxies && { trustedProxies: rules.trustedProxies }),
  };
  // Two rules that share a list are two lists to a person: no anchors.
  const document = new Document(content, { aliasDuplicateObjects: false });
  flowWhatFits(document);
  commentItems(document, 'listen', rules.listen);
  commentKeys(document, 'upstreams', rules.upstreams);
  if (rules.pages !== undefined) commentKeys(document, 'pages', rules.pages);
  commentItems(document, 'access', rules.access);
  commentItems(document, 'routes', rules.routes);
  if (options.preamble !== undefined) {
    document.commentBefore = options.preamble
      .split('\n')
      .map((line) => (line === '' ? '' : ` ${line}`))
      .join('\n');
  }
  return document.toString({ lineWidth: 0, singleQuote: true });
}

function listenerDocument(listener: Listener): object {
  const document = withoutProvenance(listener);
  const { tls } = listener;
  const asked = tls?.clientCertificates;
  return asked === undefined ? document : { ...document, tls: { ...tls, clientCertificates: withSingles(asked) } };
}

function upstreamTlsDocument(tls: NonNullable<Upstream['tls']>): object {
  const { verify, serverName } = tls;
  return {
    ...withSingles(tls),
    verify: typeof verify === 'boolean' ? verify : single(verify),
    ...(serverName && { serverName: single(serverName) }),
  };
}

/** Files of authorities and of revocation lists, one of a kind as that one; keys keep their order. */
function withSingles<Files extends { ca?: string[] | undefined; crl?: string[] | undefined }>(files: Files): object {
  const { ca, crl } = files;
  return { ...files, ...(ca && { ca: single(ca) }), ...(crl && { crl: single(crl) }) };
}

function upstreamDocument(upstream: Upstream): object {
  const { timeouts, rpcOverHttp, frontEndHttps, tls, health, requestHeaders, responseHeaders, ...rest } =
    withoutProvenance(upstream);
  const changed = Object.entries(timeouts).filter(([name, value]) => value !== DEFAULTS[name as keyof typeof timeouts]);
  return {
    ...rest,
    ...(rpcOverHttp && { rpcOverHttp }),
    ...(frontEndHttps && { frontEndHttps }),
    ...(tls !== undefined && { tls: upstreamTlsDocument(tls) }),
    ...(health !== undefined && { health: healthDocument(health) }),
    ...(changed.length > 0 && { timeouts: durations(changed) }),
    ...headersDocument(upstream),
  };
}

function pageDocument(given: DenialPage): object {
  const { file, type, ...others } = withoutProvenance(given);
  return { file, ...(type !== PAGE_TYPE && { type }), ...others };
}

function logDocument({ file, format, when }: AccessLog): object {
  return {
    file,
    ...(format !== 'text' && { format }),
    ...(when !== undefined && { when: conditionDocument(when) }),
  };
}

function headersDocument(rule: Pick<Upstream, 'requestHeaders' | 'responseHeaders'>): object {
  const document = ({ when, keep, remove, replace, set, add }: HeaderChange): object => ({
    ...(when !== undefined && { when: conditionDocument(when) }),
    ...(keep !== undefined && { keep }),
    ...(remove !== undefined && { remove }),
    ...(replace !== undefined && { replace }),
    ...(set !== undefined && { set }),
    ...(add !== undefined && {
      add: Object.fromEntries(Object.entries(add).map(([name, values]) => [name, single(values)])),
    }),
  });
  const { requestHeaders, responseHeaders } = rule;
  return {
    ...(requestHeaders && { requestHeaders: single(requestHeaders.map(document)) }),
    ...(responseHeaders && { responseHeaders: single(responseHeaders.map(document)) }),
  };
}

function healthDocument({ interval, timeout, ...rest }: Health): object {
  return {
    ...rest,
    ...(interval !== DEFAULTS.healthInterval && { interval: formatDuration(interval) }),
    ...(timeout !== DEFAULTS.healthTimeout && { timeout: formatDuration(timeout) }),
  };
}

function accessDocument({ action, when, answer }: AccessLine): object {
  return { [action]: conditionDocument(when), ...(action === 'deny' && answer !== 'forbidden' && { answer }) };
}

function routeDocument(route: Route): object {
  const { when, to, fallback, timeouts, rewrite } = route;
  return {
    ...(when !== undefined && { when: conditionDocument(when) }),
    to,
    ...(fallback !== undefined && { fallback: single(fallback.map(fallbackDocument)) }),
    ...(timeouts !== undefined && { timeouts: durations(Object.entries(timeouts)) }),
    ...(rewrite !== undefined && { rewrite }),
    ...headersDocument(route),
  };
}

function fallbackDocument({ when, to }: Fallback): object | string {
  return when === undefined ? to : { when: conditionDocument(when), to };
}

function durations(named: [name: string, milliseconds: number][]): object {
  return Object.fromEntries(named.map(([name, value]) => [name, formatDuration(value)]));
}

/** A list of one is written as that one, as people do. */
function single<Item>(items: Item[] | undefined): Item | Item[] | undefined {
  return items?.length === 1 ? items[0] : items;
}

/** Lists of one path, URL or time condition are written as that condition. */
function conditionDocument(condition: Condition): object {
  const { path, url, time, any, all, not, ...rest } = condition;
  return {
    ...rest,
    ...(path !== undefined && { path: single(path) }),
    ...(url !== undefined && { url: single(url) }),
    ...(time !== undefined && { time: single(time.map(timeDocument)) }),
    ...(any !== undefined && { any: any.map(conditionDocument) }),
    ...(all !== undefined && { all: all.map(conditionDocument) }),
    ...(not !== undefined && { not: conditionDocument(not) }),
  };
}

function timeDocument({ days, ...range }: TimeCondition): object {
  return { ...(days !== undefined && { days: single(days) }), ...range };
}

function limitsDocument(limits: Limits): object {
  const defaults: Partial<Limits> = defaultLimits();
  const changed = Object.entries(limits).filter(([name, value]) => value !== defaults[name as keyof Limits]);
  if (changed.length === 0) return {};
  return { limits: Object.fromEntries(changed.map(([name, value]) => [name, limitText(name, value)])) };
}

function limitText(name: string, value: number): string | number {
  if (['connectionsPerClient', 'waitingConnections', 'headsPerSecond'].includes(name)) return value;
  return ['requestLine', 'head'].includes(name) ? formatSize(value) : formatDuration(value);
}

function withoutProvenance<Item extends Provenance>(item: Item): Omit<Item, keyof Provenance> {
  const { at: _at, from: _from, ...rest } = item;
  return rest;
}

/** Small collections stand on one line, large ones one entry a line; the top two levels never fold. */
function flowWhatFits(document: Document): void {
  visit(document, {
    Collection: (_key, node, ancestors) => {
      // The document, its lists and their items stand open; what is in them folds where it is short.
      if (ancestors.filter(isCollection).length < 3) return undefined;
      if (stringify(node.toJSON(), { collectionStyle: 'flow', lineWidth: 0 }).length > FLOW_WIDTH) return undefined;
      node.flow = true;
      return visit.SKIP;
    },
  });
}

function commentItems(document: Document, key: string, items: readonly Provenance[]): void {
  const list = document.get(key);
  if (!isSeq(list)) return;
  items.forEach(({ from }, index) => {
    const node = list.items[index];
    if (from !== undefined && isNode(node)) node.commentBefore = commentOf(from);
  });
}

function commentKeys(document: Document, key: string, items: ReadonlyMap<string, Provenance>): void {
  const map = document.get(key);
  if (!isMap(map)) return;
  for (const pair of map.items) {
    const from = isScalar(pair.key) ? items.get(String(pair.key.value))?.from : undefined;
    if (from !== undefined && isNode(pair.key)) (pair.key as Node).commentBefore = commentOf(from);
  }
}

function commentOf(from: readonly SourceRef[]): string {
  return from.map(printProvenance).join('\n');
}
