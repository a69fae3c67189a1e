// Room: what the old file let through though nobody meant it. Everything claimed here is asked of route() first: a request is
// printed as an example only if the imported rules really send it there.
import type { Condition, Listener, RuleSet, SourceRef } from '@outrigger/rules';
import type { ImportCode } from '../codes.ts';
import type { LetThrough } from '../judgement.ts';
import { hostEntry, hostOf, type Meant, prefixOf } from './meant.ts';
import { type Example, type Probe, urlOfExample } from './probe.ts';

/** The patterns of one route, as they were meant. */
export type Case = { upstream: string; meants: readonly Meant[] };

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

/** A name no administrator owns (RFC 2606). */
export const FOREIGN_HOST = 'www.example.org';
const PROBE_PORT = 8443;

/** A way to slip: which request shows it, whether it shows it by going there or by not going there, and the words for it. */
type Attempt = {
  code: ImportCode;
  /** Undefined where the pattern gives no such request. */
  example: (meant: Meant) => Example | undefined;
  goesThere: boolean;
  message: (meant: Meant, url: string, upstream: string, reached: string) => string;
};

export const ATTEMPTS: readonly Attempt[] = [
  {
    code: 'LET_THROUGH_HOST_SUFFIX',
    example: (meant) =>
      meant.host.startsWith('.') ? undefined : { host: `not${meant.host}`, target: prefixOf(meant) },
    goesThere: true,
    message: ({ host }, url, upstream) =>
      `nothing holds ${host} at its start, so foreign hosts that end in it match: ${url} goes to ${upstream}`,
  },
  {
    code: 'LET_THROUGH_ANY_CHARACTER',
    example: (meant) =>
      meant.hasWildDot ? { host: hostOf(meant).replace('.', 'X'), target: prefixOf(meant) } : undefined,
    goesThere: true,
    message: ({ host }, url, upstream) => `a dot in ${host} stands for any character: ${url} goes to ${upstream}`,
  },
  {
    code: 'LET_THROUGH_LONGER_WORD',
    example: (meant) => ({ host: hostOf(meant), target: `${prefixOf(meant)}foo` }),
    goesThere: true,
    message: (meant, url, upstream) => `nothing ends the word ${prefixOf(meant)}: ${url} goes to ${upstream}`,
  },
  {
    code: 'LET_THROUGH_QUERY',
    example: (meant) => ({ host: hostOf(meant), target: `/?x=${hostOf(meant)}${meant.path}` }),
    goesThere: true,
    message: (_meant, url, upstream) => `the pattern is searched for in the query too: ${url} goes to ${upstream}`,
  },
  {
    code: 'LET_THROUGH_OTHER_PORT',
    example: (meant) => ({ host: `${hostOf(meant)}:${PROBE_PORT}`, target: prefixOf(meant) }),
    goesThere: false,
    message: (meant, url, upstream, reached) =>
      `a port in the Host stands between ${hostOf(meant)} and ${prefixOf(meant)}: ${url} does not go to ${upstream} but to ${reached}`,
  },
];

/** Findings about patterns, then about paths of Exchange, then about foreign hosts. `tight` asks tightened rules. */
export function letThrough(
  cases: readonly Case[],
  rules: RuleSet,
  listener: Listener,
  probe: Probe,
  tight: Probe,
): LetThrough[] {
  return [
    ...cases.flatMap((each) => patternFindings(each, listener, probe, tight)),
    ...cases.flatMap((each) => exchangeFinding(each, rules, listener, probe)),
    ...foreignHost(cases, rules, listener, probe),
  ];
}

/** For each way to slip, the first example that the rules confirm. Short paths make plain examples. */
function patternFindings({ upstream, meants }: Case, listener: Listener, probe: Probe, tight: Probe): LetThrough[] {
  const shortFirst = [...meants].sort((a, b) => a.path.length - b.path.length);
  return ATTEMPTS.flatMap(({ code, example, goesThere, message }) => {
    for (const meant of shortFirst) {
      const asked = example(meant);
      const reached = asked && probe.reaches(asked);
      if (asked === undefined || reached === undefined || (reached === upstream) !== goesThere) continue;
      const url = urlOfExample(listener, asked);
      const text = message(meant, url, upstream, reached);
      const isClosed = tight.reaches(asked) !== reached;
      const finding = { severity: 'warning' as const, code, at: meant.at, message: text, url, reached };
      return [{ ...finding, ...(isClosed && { tightened: tight.answers(asked) }) }];
    }
    return [];
  });
}

/** Exchange paths that, on the hosts of this list, go elsewhere. */
function exchangeFinding({ upstream, meants }: Case, rules: RuleSet, listener: Listener, probe: Probe): LetThrough[] {
  const [first] = meants;
  if (first === undefined || rules.upstreams.get(upstream)?.rpcOverHttp !== true) return [];
  const host = hostOf(first);
  const missing = EXCHANGE_PROBES.filter(([, target]) => probe.reaches({ host, target }) !== upstream);
  const example = { host, target: missing[0]?.[1] ?? '' };
  const reached = probe.reaches(example);
  if (missing.length === 0 || reached === undefined) return [];
  const prefixes = missing.map(([prefix]) => prefix);
  const url = urlOfExample(listener, example);
  const message = `${prefixes.join(', ')} ${missing.length === 1 ? 'is a path' : 'are paths'} of Exchange the list does not know: ${url} goes to ${reached}`;
  const hint = `If Exchange should answer there, add a route in front: - { when: { hosts: [${hostEntry(first)}], path: [${prefixes.map((prefix) => `{ prefix: ${prefix} }`).join(', ')}] }, to: ${upstream} }`;
  return [{ severity: 'warning', code: 'LET_THROUGH_EXCHANGE_PATH', at: first.at, message, hint, url, reached }];
}

function foreignHost(cases: readonly Case[], rules: RuleSet, listener: Listener, probe: Probe): LetThrough[] {
  const example = { host: FOREIGN_HOST, target: '/' };
  const reached = probe.reaches(example);
  const at: SourceRef | undefined = listener.from?.[0];
  if (reached === undefined || at === undefined) return [];
  const url = urlOfExample(listener, example);
  const message = `no line asks for the host: ${url} is answered by ${reached}`;
  const hosts = [...new Set([...cases.flatMap(({ meants }) => meants.map(hostEntry)), ...namedHosts(rules)])];
  const needed = hosts.filter((host) => host.startsWith('.') || !hosts.includes(`.${host}`));
  const hint =
    needed.length === 0
      ? undefined
      : `If these are all the names served here, put first under access: - { deny: { hosts: [${needed.map((host) => `'!${host}'`).join(', ')}] }, answer: misdirected }`;
  const finding = {
    severity: 'warning' as const,
    code: 'LET_THROUGH_FOREIGN_HOST' as const,
    at,
    message,
    url,
    reached,
  };
  return [{ ...finding, ...(hint !== undefined && { hint }) }];
}

/** Names that the rules ask for or give, as a `hosts` list has them. */
export function namedHosts({ listen, access, routes }: RuleSet): string[] {
  const defaults = listen.flatMap(({ defaultHost }) => defaultHost?.replace(/:\d+$/, '') ?? []);
  const asked = [...access, ...routes].flatMap(({ when }) => hostsOf(when ?? {}));
  return [...new Set([...asked, ...defaults])];
}

function hostsOf({ hosts = [], any = [], all = [], not = {} }: Condition): string[] {
  const names = hosts.map((host) => host.replace(/^!/, '')).filter((host) => host !== '*');
  const inside = [...any, ...all, ...(Object.keys(not).length > 0 ? [not] : [])];
  return [...names, ...inside.flatMap(hostsOf)];
}
