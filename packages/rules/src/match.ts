// Room: what a condition means. A condition is compiled once into a predicate over a request; predicates are pure.
import { addressSet, parseAddress, parseAddressRange } from './address.ts';
import type { Condition, HeaderCondition, PathCondition, TimeCondition, UrlCondition } from './condition.ts';
import { type RequestFacts, urlOf } from './facts.ts';
import { canonicalHost } from './hostname.ts';
import { minuteOf } from './localtime.ts';
import { compileAny } from './regex.ts';
import { asciiLowerCase, asWireBytes, normalizedPath, squidUnescape } from './target.ts';

/** A request as predicates see it: derived readings are made on first use and kept, for rules share them. */
export type Subject = {
  readonly facts: RequestFacts;
  readonly path: string;
  readonly url: string;
  readonly client: bigint | undefined;
  readonly connectsFrom: bigint | undefined;
};

export type Predicate = (subject: Subject) => boolean;

export function subjectOf(facts: RequestFacts): Subject {
  return new Readings(facts);
}

/** A class, since there is one for each request: an object with accessors of its own costs microseconds to make. */
class Readings implements Subject {
  readonly facts: RequestFacts;
  #path: string | undefined;
  #url: string | undefined;
  #client: bigint | undefined;

  constructor(facts: RequestFacts) {
    this.facts = facts;
  }

  get path(): string {
    this.#path ??= normalizedPath(this.facts.target);
    return this.#path;
  }

  get url(): string {
    this.#url ??= squidUnescape(urlOf(this.facts));
    return this.#url;
  }

  get client(): bigint | undefined {
    this.#client ??= parseAddress(this.facts.client);
    return this.#client;
  }

  /** Asked rarely, so it is not kept; nearly always it is the client. */
  get connectsFrom(): bigint | undefined {
    const { client, connectsFrom } = this.facts;
    return connectsFrom === client ? this.client : parseAddress(connectsFrom);
  }
}

/** A condition by itself as a test of requests; a path that does not say is compared by case. */
export function conditionTest(condition: Condition): (facts: RequestFacts) => boolean {
  const holds = compileCondition(condition, false);
  return (facts) => holds(subjectOf(facts));
}

/**
 * Compiles a condition: AND over its keys, OR inside each list. `ignoreCase` holds for path conditions that do not say:
 * it is what the server behind does with its paths. The condition must have passed the loader: a pattern or an address
 * that does not parse is a bug here and throws.
 */
export function compileCondition(condition: Condition, ignoreCase: boolean): Predicate {
  const parts: Predicate[] = [];
  const { hosts, path, url, methods, headers, clients, connectsFrom, connectionsOver, listeners, ports, time } =
    condition;
  const { any, all, not } = condition;
  // Cheap look-ups first: the order changes no verdict, for predicates are pure.
  if (methods !== undefined) parts.push(negatable(methods, textSet, (subject: Subject) => subject.facts.method));
  if (listeners !== undefined) parts.push(negatable(listeners, textSet, (subject: Subject) => subject.facts.listener));
  if (ports !== undefined) parts.push(portPredicate(ports));
  if (connectionsOver !== undefined) parts.push(({ facts }) => facts.connections > connectionsOver);
  if (time !== undefined) parts.push(anyOf(time.map(timePredicate)));
  if (hosts !== undefined) parts.push(negatable(hosts, hostSet, (subject: Subject) => subject.facts.host));
  if (clients !== undefined) parts.push(negatable(clients, addressesOf, (subject: Subject) => subject.client));
  if (connectsFrom !== undefined)
    parts.push(negatable(connectsFrom, addressesOf, (subject: Subject) => subject.connectsFrom));
  if (path !== undefined) parts.push(anyOf(pathPredicates(path, ignoreCase)));
  if (headers !== undefined) parts.push(anyOf(headers.map(headerPredicate)));
  if (url !== undefined) parts.push(urlPredicate(url));
  for (const each of all ?? []) parts.push(compileCondition(each, ignoreCase));
  if (any !== undefined) parts.push(anyOf(any.map((each) => compileCondition(each, ignoreCase))));
  if (not !== undefined) {
    const inner = compileCondition(not, ignoreCase);
    parts.push((subject) => !inner(subject));
  }
  return allOf(parts);
}

function allOf(parts: readonly Predicate[]): Predicate {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  return (subject) => parts.every((part) => part(subject));
}

function anyOf(parts: readonly Predicate[]): Predicate {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  return (subject) => parts.some((part) => part(subject));
}

/** True for hosts (lower case, no trailing dot) that a `hosts` list holds for. */
export function hostTest(entries: readonly string[]): (host: string) => boolean {
  return negatable(entries, hostSet, (host: string) => host);
}

/** `a` and `!b` in one list: no negated entry may match, and one of the others must, if there are others. */
function negatable<Value, Read>(
  entries: readonly string[],
  setOf: (entries: readonly string[]) => (value: Value) => boolean,
  read: (subject: Read) => Value,
): (subject: Read) => boolean {
  const wanted = entries.filter((entry) => !entry.startsWith('!'));
  const unwanted = entries.filter((entry) => entry.startsWith('!')).map((entry) => entry.slice(1));
  const isWanted = setOf(wanted);
  const isUnwanted = setOf(unwanted);
  return (subject) => {
    const value = read(subject);
    if (unwanted.length > 0 && isUnwanted(value)) return false;
    return wanted.length === 0 || isWanted(value);
  };
}

function textSet(entries: readonly string[]): (value: string) => boolean {
  const set = new Set(entries);
  return (value) => set.has(value);
}

function portPredicate(entries: readonly (number | string)[]): Predicate {
  const exact = new Set(entries.filter((entry) => typeof entry === 'number'));
  const ranges = entries.filter((entry) => typeof entry === 'string').map((entry) => entry.split('-').map(Number));
  return ({ facts: { port } }) =>
    exact.has(port) || ranges.some(([first = 0, last = 0]) => first <= port && port <= last);
}

/** Both ends belong to it, each as a whole minute, as in Squid (SQ-69). */
function timePredicate({ days, from = '00:00', to = '24:00' }: TimeCondition): Predicate {
  const [first, last] = [minuteOf(from), minuteOf(to)];
  const wanted = days === undefined ? undefined : new Set(days);
  return ({ facts: { time } }) =>
    first <= time.minute && time.minute <= last && (wanted === undefined || wanted.has(time.day));
}

type HostNames = {
  /** `*` is among them. */
  any: boolean;
  exact: ReadonlySet<string>;
  /** Domains that hold with all below them, without their leading dot. */
  domains: ReadonlySet<string>;
};

/** Entries of a `hosts` list, none of them negated, as they are compared. */
function hostNames(entries: readonly string[]): HostNames {
  const names = entries.map((entry) => (entry === '.' ? entry : canonicalHost(entry)));
  return {
    any: names.includes('*'),
    exact: new Set(names.filter((name) => !name.startsWith('.'))),
    domains: new Set(names.filter((name) => name.startsWith('.')).map((name) => name.slice(1))),
  };
}

/** Hosts one of which a request must be for, or the condition cannot hold; undefined where it may hold for any. */
export function hostsNamed({ hosts = [] }: Condition): HostNames | undefined {
  const wanted = hosts.filter((entry) => !entry.startsWith('!'));
  if (wanted.length === 0) return undefined;
  const names = hostNames(wanted);
  return names.any ? undefined : names;
}

/** Exact names, `.suffix` (the domain and all below it, as Squid's dstdomain: SQ-50), and `*`. */
function hostSet(entries: readonly string[]): (host: string) => boolean {
  const { any, exact, domains: suffixes } = hostNames(entries);
  if (any) return () => true;
  return (host) => {
    if (exact.has(host) || suffixes.has(host)) return true;
    if (suffixes.size === 0) return false;
    for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      if (suffixes.has(host.slice(dot + 1))) return true;
    }
    return false;
  };
}

function addressesOf(entries: readonly string[]): (address: bigint | undefined) => boolean {
  const inside = addressSet(
    entries.map((entry) => {
      const range = parseAddressRange(entry);
      if (range === undefined) throw new Error(`an address passed the loader and does not parse: ${entry}`);
      return range;
    }),
  );
  return (address) => address !== undefined && inside(address);
}

function pathPredicates(conditions: readonly PathCondition[], ignoreCaseByDefault: boolean): Predicate[] {
  return conditions.map((condition) => {
    const ignoreCase = condition.ignoreCase ?? ignoreCaseByDefault;
    if ('regex' in condition) {
      const regex = compileAny([{ regex: condition.regex, ignoreCase }]);
      return (subject) => regex.test(subject.path);
    }
    const fold = ignoreCase ? asciiLowerCase : (text: string) => text;
    if ('exact' in condition) {
      const exact = fold(asWireBytes(condition.exact));
      return (subject) => fold(subject.path) === exact;
    }
    const prefix = fold(asWireBytes(condition.prefix));
    return (subject) => hasPathPrefix(fold(subject.path), prefix);
  });
}

/** Whole segments: `/rpc` holds for `/rpc`, `/rpc/x` and `/rpc;v=1`, not for `/rpcfoo`. */
function hasPathPrefix(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false;
  if (path.length === prefix.length || prefix.endsWith('/')) return true;
  const next = path[prefix.length];
  return next === '/' || next === ';';
}

function urlPredicate(conditions: readonly UrlCondition[]): Predicate {
  const regex = compileAny(conditions);
  return (subject) => regex.test(subject.url);
}

/** Repeated field lines are one value joined by a comma (RFC 9110 5.3); a request without the field never matches. */
function headerPredicate({ name, regex, ignoreCase }: HeaderCondition): Predicate {
  const wanted = name.toLowerCase();
  const compiled = compileAny([{ regex, ignoreCase }]);
  return (subject) => {
    const values = subject.facts.fields.filter(([field]) => field.toLowerCase() === wanted).map(([, value]) => value);
    return values.length > 0 && compiled.test(values.join(', '));
  };
}
