// Room: which lines of a virtual host send requests to a server of HTTP, as prefixes of paths and what stands in their place: ProxyPass,
// ProxyPassMatch, and RewriteRule with [P]. In the order in which Apache asks them. Pure.
import type { Condition } from '@outrigger/rules';
import { type PrefixSplice, prefixSplices } from './patternprefixes.ts';
import { type ProxyLine, proxyLines } from './proxypass.ts';
import { conditionsSaid } from './rewriteconditions.ts';
import { flagsOf, type Rule, serverRules } from './rewriterules.ts';
import type { Server, Servers } from './servers.ts';
import { parseTarget, type Target } from './target.ts';
import type { Directive } from './tree.ts';
import type { About } from './variablesaid.ts';

/** A server, or a balancer of several. */
export type ServerTarget = Exclude<Target, { kind: 'other' }>;

/** Requests of one prefix that a line sends to a server. */
export type Lead = {
  line: Directive;
  prefix: string;
  /** `path`: what stands in place of the prefix. */
  target: ServerTarget;
  /** The same as the line writes it. */
  url: string;
  parameters: ReadonlyMap<string, string>;
  /** What must hold besides. */
  when: Condition;
  /** Where it stands: behind all rewriting rules and this many lines; or in the place of this rule. */
  place: { lines: number } | { rule: Rule };
};

/** A line that sends requests to a server, and of which nobody can say which. */
export type UnreadLine = { line: Directive; origin: string; reason: string };

export type Leads = { leads: Lead[]; unread: UnreadLine[]; lines: ProxyLine[]; rules: Rule[] };

/** All leads of a server, and the lines that are none. */
export function leadsOf(servers: Servers, server: Server): Leads {
  const rules = serverRules(servers, server);
  const lines = proxyLines(servers, server);
  const result: Leads = { leads: [], unread: [], lines, rules };
  const enter = (line: Directive, url: string | undefined, found: Lead[] | string): void => {
    if (typeof found !== 'string') result.leads.push(...found);
    else {
      const origin = url === undefined ? undefined : originOf(url);
      if (origin !== undefined) result.unread.push({ line, origin, reason: found });
    }
  };
  for (const rule of rules)
    enter(rule.line, rule.line.words[1]?.text, leadsOfRule(rule, { servers, server, isWide: false }));
  for (const [index, line] of lines.entries()) enter(line.directive, line.target, leadsOfLine(line, index));
  return result;
}

/** The leads of a line, or why nobody can say which they are. */
function leadsOfLine(
  { directive: line, paths, target: url, parameters, isDead }: ProxyLine,
  index: number,
): Lead[] | string {
  if (url === undefined || isDead || originOf(url) === undefined) return [];
  if (paths.kind === 'unclear') return 'its section has wildcards';
  const splices =
    paths.kind === 'prefix'
      ? [{ prefix: paths.prefix, url }]
      : prefixSplices(paths.pattern, false, (groups, path) => filledTarget(url, groups, path));
  if (splices === undefined) return 'its pattern is more than letters, choices and anything behind them';
  return spliced(splices, { line, parameters, when: {}, place: { lines: index } });
}

/** A target without $ has the whole path put behind it (AP-66, AP-67). */
function filledTarget(url: string, groups: readonly (string | undefined)[], path: string): string {
  const filled = url.replace(/\$(\d)/g, (_, digit: string) => groups[Number(digit)] ?? '');
  return filled === url ? url + path : filled;
}

/** Flags with which a rule does no more than send on. */
const PLAIN_FLAGS = new Set(['p', 'proxy', 'l', 'last', 'end', 'nc', 'nocase', 'ne', 'noescape', 'unsafeallow3f']);

function leadsOfRule(rule: Rule, about: About): Lead[] | string {
  const { line, conditions } = rule;
  const [pattern = '', substitution = ''] = line.words.map(({ text }) => text);
  const flags = flagsOf(line);
  if (!flags.has('p') && !flags.has('proxy')) return [];
  const odd = [...flags.keys()].find((flag) => !PLAIN_FLAGS.has(flag));
  if (odd !== undefined) return `what its flag ${odd} does, no route can say`;
  const said = conditionsSaid(conditions, about);
  if (said === undefined) return [];
  if (!said.isExact) return 'its conditions ask for more than a rule can see';
  const ignoreCase = flags.has('nc') || flags.has('nocase');
  const splices = pattern.startsWith('!')
    ? undefined
    : prefixSplices(pattern, ignoreCase, (groups) => filledSubstitution(substitution, groups));
  return splices === undefined
    ? 'its pattern and substitution are more than letters, choices and anything behind them'
    : spliced(splices, { line, parameters: new Map(), when: said.when, place: { rule } });
}

/** `$1` and `\` before a letter taken as it is (AP-85); undefined for variables, maps, groups of conditions and a query. */
function filledSubstitution(text: string, groups: readonly (string | undefined)[]): string | undefined {
  if (/[%?]|\$\{/.test(text)) return undefined;
  return text.replace(
    /\\(.)|\$(\d)/gs,
    (_, escaped?: string, digit?: string) => escaped ?? groups[Number(digit)] ?? '',
  );
}

function spliced(splices: readonly PrefixSplice[], lead: Omit<Lead, 'prefix' | 'target' | 'url'>): Lead[] | string {
  const leads: Lead[] = [];
  for (const { prefix, url } of splices) {
    const target = parseTarget(url);
    if (target.kind === 'other') return 'where it goes depends on the request';
    leads.push({ ...lead, prefix, target, url });
  }
  return leads;
}

/** What a lead's server is called: its origin, or balancer://NAME. */
export function nameOf(target: ServerTarget): string {
  return target.kind === 'http' ? target.origin : `balancer://${target.name}`;
}

/** The server of a URL that may hold `$1` in its path. */
function originOf(url: string): string | undefined {
  const start = /^[a-z]+:\/\/[^/$?\\]+/i.exec(url)?.[0];
  const target = start === undefined ? undefined : parseTarget(start);
  return target === undefined || target.kind === 'other' ? undefined : nameOf(target);
}
