// Room: what the old file let through though nobody meant it, and the tighter rules that would not. Everything claimed here is
// asked of route() first: a request is printed as an example only if the imported rules really send it there.
import {
  type AccessLine,
  type CompiledRules,
  type Condition,
  type Diagnostic,
  dumpRules,
  type Listener,
  type PathCondition,
  type Route,
  type RuleSet,
  requestFacts,
  route,
  type SourceRef,
} from '@outrigger/rules';
import type { ImportCode } from '../codes.ts';
import type { Ere } from './ere.ts';
import type { Lowered } from './lower.ts';
import type { Pattern } from './meaning.ts';
import type { Model } from './model.ts';
import type { PlannedRoute } from './routes.ts';

/** `access` and `routes` of a rules file that say what the old file probably meant. */
export type Tightening = { yaml: string; added: string[] };

export type LetThrough = { diagnostics: Diagnostic<ImportCode>[]; tightening?: Tightening };

/** A pattern read as a person meant it: a host, a path. `isDomain`: nothing stands before the host, so names below it match too. */
type Meant = { host: string; path: string; isDomain: boolean; ignoreCase: boolean; hasWildDot: boolean; at: SourceRef };

/** Paths Exchange 2013 and later need from outside, with one request each. */
const EXCHANGE_PROBES: readonly (readonly [prefix: string, target: string])[] = [
  ['/autodiscover', '/autodiscover/autodiscover.xml'],
  ['/mapi', '/mapi/emsmdb'],
  ['/ews', '/EWS/Exchange.asmx'],
  ['/oab', '/OAB/oab.xml'],
  ['/owa', '/owa/'],
  ['/ecp', '/ecp/'],
  ['/rpc', '/rpc/rpcproxy.dll'],
  ['/microsoft-server-activesync', '/Microsoft-Server-ActiveSync'],
];

/** A name no administrator owns (RFC 2606), and an address no client has (RFC 5737). */
const FOREIGN_HOST = 'www.example.org';
const PROBE_CLIENT = '192.0.2.1';
const PROBE_PORT = 8443;

type Case = { planned: PlannedRoute; meants: Meant[] };
type Probe = (host: string, target: string) => string | undefined;

export function letThrough(
  model: Model,
  lowered: Extract<Lowered, { kind: 'rules' }>,
  compiled: CompiledRules,
): LetThrough {
  const { rules } = lowered;
  const listener = rules.listen.find(({ tls }) => tls !== undefined) ?? rules.listen[0];
  if (listener === undefined) return { diagnostics: [] };
  const probe: Probe = (host, target) => upstreamFor(compiled, listener, host, target);
  const cases = lowered.routes.flatMap((planned) => readCase(planned, model, lowered));
  const diagnostics = cases.flatMap((each) => findings(each, probe, listener));
  const added = cases.flatMap(({ planned, meants }) => missingExchangePaths(planned, meants, rules, probe));
  const foreign = foreignHost(probe, listener);
  const hasTighter = diagnostics.length > 0 && cases.length > 0;
  return {
    diagnostics: [
      ...diagnostics,
      ...cases.flatMap((each) => exchangeFinding(each, rules, probe, listener)),
      ...foreign,
    ],
    ...(hasTighter && { tightening: { yaml: tighter(rules, cases, probe, foreign.length > 0), added } }),
  };
}

/** The upstream an allowed request gets; undefined for one that is denied, refused or led nowhere. */
function upstreamFor(compiled: CompiledRules, listener: Listener, host: string, target: string): string | undefined {
  const head = { method: 'GET', target, version: '1.1' as const, fields: [['Host', host]] as const };
  const result = requestFacts(head, { listener, client: PROBE_CLIENT });
  if (result.kind === 'bad') return undefined;
  const decision = route(compiled, result.facts);
  return decision.access === 'allow' && decision.refusal === undefined ? decision.upstream : undefined;
}

/** A route whose condition is patterns alone, all of which can be read as host and path. */
function readCase(planned: PlannedRoute, model: Model, { resolver }: Extract<Lowered, { kind: 'rules' }>): Case[] {
  if (planned.when.kind !== 'atom') return [];
  if (model.acls.get(planned.when.name)?.type !== 'url_regex') return [];
  const meants = resolver
    .patternsOf(planned.when.name)
    .map(({ pattern, at }) => (at === undefined ? undefined : readPattern(pattern, at)));
  return meants.length > 0 && meants.every((meant) => meant !== undefined) ? [{ planned, meants }] : [];
}

function readPattern({ ere, ignoreCase }: Pattern, at: SourceRef): Meant | undefined {
  const parts = ere.kind === 'sequence' ? ere.parts : [ere];
  const isAnchored = parts[0]?.kind === 'assertion' && parts[0].assertion === 'start';
  const text = plainText(isAnchored ? parts.slice(1) : parts);
  const match = /^(https?:\/\/)?([A-Za-z0-9.*_-]*[A-Za-z0-9])(\/[^?*]*)$/.exec(
    text?.plain.replaceAll(WILD_DOT, '.') ?? '',
  );
  if (match === null) return undefined;
  const [, , host = '', path = ''] = match;
  if (path === '/' || host.includes('*')) return undefined;
  return {
    host: host.toLowerCase(),
    path: path.replace(/\/$/, ''),
    isDomain: !isAnchored,
    ignoreCase,
    hasWildDot: text?.plain.includes(WILD_DOT) ?? false,
    at,
  };
}

/** Stands for a `.` that is not escaped while a pattern is read. */
const WILD_DOT = '\u0000';

/** The bytes of a pattern without operators; an optional byte counts as there (`https?`). Undefined for any other operator. */
function plainText(parts: readonly Ere[]): { plain: string } | undefined {
  let plain = '';
  for (const part of parts) {
    const single = part.kind === 'repeat' && part.most === 1 ? part.of : part;
    if (single.kind === 'byte') plain += String.fromCharCode(single.byte);
    else if (single.kind === 'any') plain += WILD_DOT;
    else return undefined;
  }
  return { plain };
}

type Attempt = {
  code: ImportCode;
  at: SourceRef;
  host: string;
  target: string;
  goesThere: boolean;
  message: (url: string) => string;
};

/** For each way to slip, the first example that the rules confirm. Short paths make plain examples. */
function findings({ planned, meants }: Case, probe: Probe, listener: Listener): Diagnostic<ImportCode>[] {
  const name = planned.choice.name;
  const shortFirst = [...meants].sort((a, b) => a.path.length - b.path.length);
  const attempts: Attempt[] = shortFirst.flatMap(({ host, path, hasWildDot, at }) => [
    {
      code: 'LET_THROUGH_HOST_SUFFIX',
      at,
      host: `not${host}`,
      target: path,
      goesThere: true,
      message: (url) =>
        `nothing holds ${host} at its start, so foreign hosts that end in it match: ${url} goes to ${name}`,
    },
    ...(hasWildDot
      ? [
          {
            code: 'LET_THROUGH_ANY_CHARACTER' as const,
            at,
            host: host.replace('.', 'X'),
            target: path,
            goesThere: true,
            message: (url: string) => `a dot in ${host} stands for any character: ${url} goes to ${name}`,
          },
        ]
      : []),
    {
      code: 'LET_THROUGH_LONGER_WORD',
      at,
      host,
      target: `${path}foo`,
      goesThere: true,
      message: (url) => `nothing ends the word ${path}: ${url} goes to ${name}`,
    },
    {
      code: 'LET_THROUGH_QUERY',
      at,
      host,
      target: `/?x=${host}${path}`,
      goesThere: true,
      message: (url) => `the pattern is searched for in the query too: ${url} goes to ${name}`,
    },
    {
      code: 'LET_THROUGH_OTHER_PORT',
      at,
      host: `${host}:${PROBE_PORT}`,
      target: path,
      goesThere: false,
      message: (url) =>
        `a port in the Host stands between ${host} and ${path}: ${url} does not go to ${name} but to ${probe(`${host}:${PROBE_PORT}`, path)}`,
    },
  ]);
  const found = new Map<ImportCode, Diagnostic<ImportCode>>();
  for (const { code, at, host, target, goesThere, message } of attempts) {
    const reached = probe(host, target);
    if (found.has(code) || reached === undefined || (reached === name) !== goesThere) continue;
    found.set(code, { severity: 'warning', code, at, message: message(urlFor(listener, host, target)) });
  }
  return [...found.values()];
}

function urlFor(listener: Listener, host: string, target: string): string {
  return `${listener.tls === undefined ? 'http' : 'https'}://${host}${target}`;
}

/** Exchange paths that, on the hosts of this list, go elsewhere. */
function missingExchangePaths(
  { choice }: PlannedRoute,
  meants: readonly Meant[],
  rules: RuleSet,
  probe: Probe,
): string[] {
  const host = meants[0]?.host;
  if (host === undefined || rules.upstreams.get(choice.name)?.rpcOverHttp !== true) return [];
  return EXCHANGE_PROBES.filter(([, target]) => probe(host, target) !== choice.name).map(([prefix]) => prefix);
}

function exchangeFinding(
  { planned, meants }: Case,
  rules: RuleSet,
  probe: Probe,
  listener: Listener,
): Diagnostic<ImportCode>[] {
  const missing = missingExchangePaths(planned, meants, rules, probe);
  const host = meants[0]?.host ?? '';
  const example = EXCHANGE_PROBES.find(([prefix]) => prefix === missing[0])?.[1] ?? '';
  const reached = probe(host, example);
  const at = meants[0]?.at;
  if (missing.length === 0 || reached === undefined || at === undefined) return [];
  const message = `${missing.join(', ')} ${missing.length === 1 ? 'is a path' : 'are paths'} of Exchange the list does not know: ${urlFor(listener, host, example)} goes to ${reached}`;
  return [{ severity: 'warning', code: 'LET_THROUGH_EXCHANGE_PATH', at, message }];
}

function foreignHost(probe: Probe, listener: Listener): Diagnostic<ImportCode>[] {
  const reached = probe(FOREIGN_HOST, '/');
  const at = listener.from?.[0];
  if (reached === undefined || at === undefined) return [];
  const message = `no line asks for the host: ${urlFor(listener, FOREIGN_HOST, '/')} is answered by ${reached}`;
  return [{ severity: 'warning', code: 'LET_THROUGH_FOREIGN_HOST', at, message }];
}

/** `access` and `routes` with hosts and whole path segments in place of the patterns. */
function tighter(rules: RuleSet, cases: readonly Case[], probe: Probe, closeForeign: boolean): string {
  const routes: Route[] = rules.routes.flatMap(({ from: _from, ...rest }): Route[] => {
    const found = cases.find(({ planned }) => planned.choice.name === rest.to);
    if (found === undefined) return [rest];
    return routesOf(found, missingExchangePaths(found.planned, found.meants, rules, probe));
  });
  const hosts = [
    ...new Set([
      ...cases.flatMap(({ meants }) => meants.map(hostEntry)),
      ...rules.listen.flatMap(({ defaultHost }) => defaultHost?.replace(/:\d+$/, '') ?? []),
    ]),
  ];
  const needed = hosts.filter((host) => host.startsWith('.') || !hosts.includes(`.${host}`));
  const close: AccessLine[] = closeForeign
    ? [{ action: 'deny', when: { hosts: needed.map((host) => `!${host}`) }, answer: 'forbidden' }]
    : [];
  const access = [...close, ...rules.access.map(({ from: _from, ...rest }) => rest)];
  const text = dumpRules({ ...rules, access, routes });
  return text.slice(text.search(/^access:/m));
}

function routesOf({ planned, meants }: Case, missing: readonly string[]): Route[] {
  const byHost = new Map<string, PathCondition[]>();
  for (const meant of meants) {
    const paths = byHost.get(hostEntry(meant)) ?? [];
    paths.push({ prefix: meant.path, ...(meant.ignoreCase && { ignoreCase: true }) });
    byHost.set(hostEntry(meant), paths);
  }
  return [...byHost].map(([host, paths]) => {
    const path = [...paths, ...missing.map((prefix) => ({ prefix, ignoreCase: true }))];
    const when: Condition = { hosts: [host], path };
    return { when, to: planned.choice.name };
  });
}

/** A domain and all below it, where the pattern let names below match; else the host alone. */
function hostEntry({ host, isDomain }: Meant): string {
  return isDomain ? `.${host}` : host;
}
