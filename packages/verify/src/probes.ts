// Room: the questions. From what a config and its rules name, requests that hit each pattern, just miss it, and spell it in
// every way that a careful attacker or a careless client would. Pure and seeded: one seed, one list.
import type { Model } from '@outrigger/importer';
import { compileRules, type RuleSet, requestFacts, route } from '@outrigger/rules';
import type { Entrance, Fields, Probe } from './probe.ts';
import {
  caseSpellings,
  distinct,
  FOREIGN,
  fieldSpellings,
  formsOf,
  forwardedSpellings,
  hostSpellings,
  OUTSIDE,
  portSpellings,
  targetSpellings,
} from './spellings.ts';
import { PROBE_ADDRESSES, type Subjects, subjectsOf } from './subjects.ts';

/** What of an old config probes are made of; `followForwarded` are proxies whose X-Forwarded-For is believed. */
export type OldWords = Pick<Model, 'acls'> & Partial<Pick<Model, 'followForwarded' | 'headers'>>;

export type ProbeOptions = {
  rules: RuleSet;
  entrances: readonly Entrance[];
  /** What the old config says; without it probes are made of the rules alone. */
  model?: OldWords;
  /** What else to make probes of. */
  more?: Partial<Subjects>;
  /** Any whole number; the same number gives the same probes. */
  seed: number;
  /** Probes at most. */
  most: number;
};

/** When probes are thought to be put: it changes which are chosen, never what is asked. */
const NOON = { day: 'wed', minute: 12 * 60 } as const;

/** Methods every proxy has an opinion on: plain ones, WebDAV, those of Exchange, in the wrong case, unknown, and its own. */
const METHODS = [
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND', 'post', 'FROBNICATE', 'TRACE', 'PURGE', 'CONNECT'],
  ...['RPC_IN_DATA', 'RPC_OUT_DATA', 'rpc_in_data', 'RDG_OUT_DATA'],
];

/** Probes for each entrance both sides have; what the rules and the config name comes first, chance fills the rest. */
export function probesFor(options: ProbeOptions): Probe[] {
  const { rules, entrances, seed, most } = options;
  const subjects = subjectsOf(options.model, rules, options.more);
  const hosts = distinct([
    ...subjects.hosts.flatMap(hostSpellings),
    FOREIGN,
    ...PROBE_ADDRESSES.map((address) => (address.includes(':') ? `[${address}]` : address)),
  ]);
  const home = subjects.hosts[0] ?? FOREIGN;
  const [entrance] = entrances;
  if (entrance === undefined) return [];
  const get = (host: string | undefined, target: string): Probe => ({
    entrance: entrance.name,
    client: OUTSIDE,
    method: 'GET',
    target,
    ...(host !== undefined && { host }),
    fields: [],
  });
  const urls = distinct(
    [{ target: '/' }, ...subjects.urls].flatMap(({ host = home, target }) =>
      [target, ...targetSpellings(target, host)].map((spelling) => get(host, spelling)),
    ),
  );
  const elsewhere = hosts.flatMap((host) =>
    ['/', ...subjects.urls.slice(0, 3).map(({ target }) => target)].map((target) => get(host, target)),
  );
  const typical = representatives([...urls, ...elsewhere], rules, entrances);
  const vary = (change: (probe: Probe) => Probe[]): Probe[] => typical.flatMap(change);
  const dimensions: Probe[][] = [
    typical,
    vary((probe) =>
      distinct([...subjects.methods.flatMap(caseSpellings), ...METHODS]).map((method) => ({ ...probe, method })),
    ),
    vary((probe) =>
      distinct([...subjects.clients, '127.0.0.1', '10.0.0.1', '::1']).map((client) => ({ ...probe, client })),
    ),
    vary((probe) => entrances.map(({ name }) => ({ ...probe, entrance: name }))),
    vary((probe) => fieldSpellings(subjects.fields).map((fields) => ({ ...probe, fields }))),
    vary((probe) => portSpellings(probe, subjects)),
    vary((probe) => formsOf(probe, hosts)),
    ...((options.model?.followForwarded ?? []).length > 0
      ? [vary((probe) => forwardedSpellings(probe, subjects.clients))]
      : []),
  ];
  const chosen = distinct([...dimensions.flat(), ...interleaved(urls, elsewhere)]);
  const random = mulberry32(seed);
  const kept = chosen.length <= most ? chosen : sample(chosen, most, random);
  const mixed = Array.from({ length: Math.max(0, Math.min(most - kept.length, kept.length)) }, () =>
    mix(chosen, random),
  );
  return distinct([...kept, ...mixed]);
}

/** One probe for each pair of access line and route that some probe meets: what else varies is varied on these. */
function representatives(probes: readonly Probe[], rules: RuleSet, entrances: readonly Entrance[]): Probe[] {
  const compiled = compileRules(rules);
  const byDecision = new Map<string, Probe>();
  for (const probe of probes) {
    const listener = rules.listen[entrances.findIndex(({ name }) => name === probe.entrance)] ?? rules.listen[0];
    if (listener === undefined) continue;
    const fields: Fields = probe.host === undefined ? [] : [['Host', probe.host]];
    const facts = requestFacts({ ...probe, version: '1.1', fields }, { listener, client: probe.client, time: NOON });
    if (facts.kind !== 'facts') continue;
    const { accessLine, route: chosen } = route(compiled, facts.facts);
    const key = `${accessLine === undefined ? -1 : rules.access.indexOf(accessLine)} ${chosen === undefined ? -1 : rules.routes.indexOf(chosen)}`;
    if (!byDecision.has(key)) byDecision.set(key, probe);
  }
  return [...byDecision.values()];
}

/** Each part of the new probe from one that was chosen for it. */
function mix(probes: readonly Probe[], random: () => number): Probe {
  const pick = (): Probe => probes[Math.floor(random() * probes.length)] as Probe;
  const [url, host] = [pick(), pick().host];
  return {
    entrance: pick().entrance,
    client: pick().client,
    method: pick().method,
    target: url.target,
    ...(host !== undefined && { host: random() < 0.5 ? (url.host ?? host) : host }),
    fields: pick().fields,
  };
}

function interleaved<Item>(first: readonly Item[], second: readonly Item[]): Item[] {
  const length = Math.max(first.length, second.length);
  return Array.from({ length }, (_, index) => [first[index], second[index]])
    .flat()
    .filter((item): item is Item => item !== undefined);
}

/** `most` of them in their order, evenly by chance: no part of the list goes unasked. */
function sample<Item>(items: readonly Item[], most: number, random: () => number): Item[] {
  const ranked = items.map((item, index) => ({ item, index, rank: random() }));
  const kept = ranked.sort((a, b) => a.rank - b.rank).slice(0, most);
  return kept.sort((a, b) => a.index - b.index).map(({ item }) => item);
}

/** A small generator with 32 bits of state (Tommy Ettinger, public domain): good enough to shuffle questions. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
