// Room: hosts and whole path segments in place of loose patterns (--tighten). A tightened route never takes a request that the
// pattern did not: the pattern stays in it, held at the start of the URL, and hosts and path are asked for besides. What cannot
// be read surely as host and path stays as it was, with the reason.
import {
  type CompiledRules,
  type Condition,
  compileRules,
  http2Offer,
  type Listener,
  type PathCondition,
  type Route,
  type RuleSet,
  type SourceRef,
} from '@outrigger/rules';
import type { Change, KeptPattern, Tightening } from '../judgement.ts';
import { conditionOf } from './conditions.ts';
import { ATTEMPTS, FOREIGN_HOST, namedHosts } from './letthrough.ts';
import { atom, or } from './logic.ts';
import { hostEntry, hostOf, type Meant, positiveUrlAcls, prefixOf, type Reading, readPattern } from './meant.ts';
import type { Model } from './model.ts';
import { createProbe, type Example, type Probe, urlOfExample } from './probe.ts';
import { translatePattern } from './regex.ts';
import type { Resolver } from './resolve.ts';
import type { PlannedRoute } from './routes.ts';

export type Tightened = { rules: RuleSet; compiled: CompiledRules; tightening: Tightening };

type Given = {
  rules: RuleSet;
  compiled: CompiledRules;
  routes: readonly PlannedRoute[];
  model: Model;
  resolver: Resolver;
  listener: Listener;
};

/** Tightened rules beside the exact ones; undefined where no route depends on a pattern over URLs. */
export function tighten(given: Given): Tightened | undefined {
  const { rules, compiled, routes, model, listener } = given;
  const drafts = routes.map((planned, index) => draft(planned, index, given));
  if (routes.every(({ when }) => positiveUrlAcls(when, model).length === 0)) return undefined;
  const exact = createProbe(compiled, listener);
  const kept = drafts.flatMap((each) => each.kept);
  let tightRules = withRoutes(
    rules,
    drafts.map((each) => each.when),
  );
  let probe = createProbe(compileRules(tightRules), listener);
  // A request that was surely meant must stay where it was; a route that loses one is left as it was.
  for (const [index, each] of drafts.entries()) {
    const lost = each.meants
      .flatMap(wantedExamples)
      .find((example) => exact.answers(example) !== probe.answers(example));
    if (each.when === undefined || lost === undefined) continue;
    each.when = undefined;
    kept.push(...keepAll(each, index, `${urlOfExample(listener, lost)} would go elsewhere`));
  }
  tightRules = withRoutes(
    rules,
    drafts.map((each) => each.when),
  );
  const tightCompiled = compileRules(tightRules);
  probe = createProbe(tightCompiled, listener);
  const changed = drafts.flatMap((each, index) => (each.when === undefined ? [] : [{ ...each, index }]));
  return {
    rules: tightRules,
    compiled: tightCompiled,
    tightening: {
      applied: false,
      routes: changed.map(({ index, upstream, meants }) => ({
        rule: `routes[${index}]`,
        upstream,
        hosts: [...new Set(meants.map(hostEntry))],
        paths: [...new Set(meants.map(prefixOf))],
      })),
      kept,
      changes: changed.flatMap(({ upstream, meants }) => changesOf(upstream, meants, exact, probe, listener)),
      http2: namesOffered(rules, tightRules, listener),
    },
  };
}

type Draft = {
  upstream: string;
  when: Condition | undefined;
  meants: Meant[];
  kept: KeptPattern[];
  readings: Reading[];
};

/** What a route would become; `when` is undefined where it stays. */
function draft({ choice, when }: PlannedRoute, index: number, { rules, routes, model, resolver }: Given): Draft {
  const acls = positiveUrlAcls(when, model);
  const readingsOf = (name: string): Reading[] =>
    resolver.patternsOf(name).map(({ pattern, at }) => readPattern(pattern, at));
  const readings = acls.flatMap(readingsOf);
  const meants = readings.flatMap((each) => (each.kind === 'meant' ? [each.meant] : []));
  const left: Draft = { upstream: choice.name, when: undefined, meants, kept: [], readings };
  if (readings.length === 0) return left;
  // What this route lets go falls to those behind it: an Exchange must not get more than it had.
  const heir = routes
    .slice(index + 1)
    .flatMap((later) => [later.choice, ...later.fallback.map((each) => each.choice)])
    .find((later) => later !== choice && rules.upstreams.get(later.name)?.rpcOverHttp === true);
  if (heir !== undefined) {
    const reason = `what it no longer takes could fall to ${heir.name}, which carries RPC`;
    return { ...left, meants: [], kept: keepAll(left, index, reason) };
  }
  const kept = readings.flatMap((each) =>
    each.kind === 'unclear' ? [keptPattern(each.pattern.text, each.at, index, each.reason)] : [],
  );
  if (meants.length === 0) return { ...left, kept };
  const tight = new Map(acls.map((name) => [name, tightCondition(readingsOf(name))]));
  const meaning = (name: string): Condition => structuredClone(tight.get(name) ?? resolver.condition(atom(name)));
  return { ...left, when: conditionOf(when, meaning), kept };
}

function keepAll({ readings }: Pick<Draft, 'readings'>, index: number, reason: string): KeptPattern[] {
  return readings.map((each) =>
    each.kind === 'unclear'
      ? keptPattern(each.pattern.text, each.at, index, reason)
      : keptPattern(each.meant.text, each.meant.at, index, reason),
  );
}

function keptPattern(pattern: string, at: SourceRef | undefined, index: number, reason: string): KeptPattern {
  return { rule: `routes[${index}]`, pattern, ...(at !== undefined && { at }), reason };
}

function withRoutes(rules: RuleSet, whens: readonly (Condition | undefined)[]): RuleSet {
  const routes: Route[] = rules.routes.map((route, index) => {
    const when = whens[index];
    return when === undefined ? route : { ...route, when };
  });
  return { ...rules, routes };
}

/** The patterns of one acl: those of one host are one condition, those that are not clear stay patterns. */
function tightCondition(readings: readonly Reading[]): Condition {
  const byHost = new Map<string, Meant[]>();
  const conditions: Condition[] = [];
  for (const each of readings) {
    if (each.kind === 'unclear') {
      const { text, ignoreCase } = each.pattern;
      const exact = translatePattern(text, ignoreCase, 'url');
      if (exact.kind === 'patterns') conditions.push({ url: exact.patterns });
      continue;
    }
    const key = [hostEntry(each.meant), guardOfHost(each.meant), each.meant.ignoreCase].join(' ');
    byHost.set(key, [...(byHost.get(key) ?? []), each.meant]);
  }
  conditions.unshift(...[...byHost.values()].map(hostCondition));
  return conditionOf(or(conditions.map((_, index) => atom(String(index)))), (index) => conditions[Number(index)] ?? {});
}

/** `meants` are of one host, one scheme and one way with case. */
function hostCondition(meants: readonly Meant[]): Condition {
  const [first] = meants;
  if (first === undefined) return {};
  const { ignoreCase } = first;
  const path: PathCondition[] = [...new Set(meants.map(prefixOf))].map((prefix) => ({ prefix, ignoreCase }));
  const paths = [...new Set(meants.map((each) => escaped(each.path.slice(1))))];
  const behindSlash = paths.length === 1 ? paths[0] : `(${paths.join('|')})`;
  const url = { regex: `${guardOfHost(first)}/${behindSlash}`, ...(ignoreCase && { ignoreCase }) };
  return { hosts: [hostEntry(first)], path, url: [url] };
}

/** Whatever matches this and a path behind it holds the pattern's own text: so much less than the pattern, never more. */
function guardOfHost({ scheme, isDomain, host }: Meant): string {
  return `^${scheme}://${isDomain ? '[^/:]*' : ''}${escaped(host)}`;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** Requests that a pattern was surely written for. */
function wantedExamples(meant: Meant): Example[] {
  const host = hostOf(meant);
  const below = `${prefixOf(meant)}/x`;
  return [meant.path, below].map((target) => ({ host, target }));
}

/** Climbs out of its folder: a pattern looks at what is sent, a server at where it leads. */
const DOT_SEGMENT = {
  because: 'the path leads elsewhere',
  example: (meant: Meant): Example => ({ host: hostOf(meant), target: `${prefixOf(meant)}/../site` }),
};

const BECAUSE: Readonly<Record<string, string>> = {
  LET_THROUGH_HOST_SUFFIX: 'another host that ends alike',
  LET_THROUGH_ANY_CHARACTER: 'a dot that stood for any character',
  LET_THROUGH_LONGER_WORD: 'a longer word',
  LET_THROUGH_QUERY: 'the words stand in the query',
};

/** For each way to slip, the first example that the route took and no longer takes. */
function changesOf(
  upstream: string,
  meants: readonly Meant[],
  exact: Probe,
  tight: Probe,
  listener: Listener,
): Change[] {
  const shortFirst = [...meants].sort((a, b) => a.path.length - b.path.length);
  const ways = [
    ...ATTEMPTS.flatMap(({ code, example }) => {
      const because = BECAUSE[code];
      return because === undefined ? [] : [{ because, example }];
    }),
    DOT_SEGMENT,
  ];
  return ways.flatMap(({ because, example }) => {
    for (const meant of shortFirst) {
      const asked = example(meant);
      if (asked === undefined || exact.reaches(asked) !== upstream || tight.reaches(asked) === upstream) continue;
      return [{ url: urlOfExample(listener, asked), because, before: upstream, after: tight.answers(asked) }];
    }
    return [];
  });
}

/** Names the rules know, as a `hosts` list has them, then any other: where HTTP/2 is offered before and after. */
function namesOffered(exact: RuleSet, tight: RuleSet, listener: Listener): Tightening['http2'] {
  // Without TLS nobody is offered anything.
  if (listener.tls === undefined) return [];
  const names = namedHosts(tight);
  const offered = (host: string) => {
    const name = host.replace(/^\./, '');
    return { before: http2Offer(exact, listener, name).offered, after: http2Offer(tight, listener, name).offered };
  };
  return [
    ...names.filter((host) => !names.includes(`.${host}`)).map((name) => ({ name, ...offered(name) })),
    offered(FOREIGN_HOST),
  ];
}
