// Room: which requests and which routes a difference from Apache is of, and how a report says so: by place, and only where it can be
// met. Pure.
import { type Condition, normalizedPath, type RuleSet, type Upstream } from '@outrigger/rules';
import { APACHE_DIFFERENCES, type ApacheDifference, partsOf, type Route, withoutParameters } from './differences.ts';

/** Whether a request that a rule takes is one of `on`, by the route that takes it. */
export function isConcerned(
  { on, where }: Pick<ApacheDifference, 'on' | 'where'>,
  request: { target: string },
  route: Route | undefined,
  upstream: Upstream | undefined,
): boolean {
  if (on === 'wholeUrl') return /^https?:\/\//i.test(request.target);
  if (!isOfRoute({ on, where }, route, upstream)) return false;
  if (on !== 'otherwiseSpelled' || route === undefined) return true;
  const path = normalizedPath(partsOf(request.target)[1]);
  return !prefixesOf(route).some((prefix) => isBelow(path, prefix));
}

/** Whether requests that a route takes may be among those of a difference. */
function isOfRoute(
  { on, where }: Pick<ApacheDifference, 'on' | 'where'>,
  route: Route | undefined,
  upstream: Upstream | undefined,
): boolean {
  if (on === 'all' || on === 'wholeUrl') return true;
  const isPast = route !== undefined && upstream !== undefined && !APACHE.test(route.to);
  if (on === 'stayed') return !isPast;
  if (!isPast || where?.(route, upstream) === false) return false;
  if (on === 'past') return true;
  if (!upstream.rpcOverHttp) return false;
  if (on === 'shared') return upstream.servers.length > 1 && upstream.host === undefined;
  if (on === 'added') return isAdded(route);
  return on === 'moved' || (!isAdded(route) && prefixesOf(route).length > 0);
}

/** Upstreams that an import makes of Apache itself. */
const APACHE = /^apache(?:-\d+)?$/;

/** Hosts named at one difference before the list says no more. */
const PLACES_MAX = 6;

/**
 * What is otherwise for the requests of these rules, as sentences: with the paths where it is, unless it is so for all that moved.
 * Nothing of what none of them is for.
 */
export function apacheDifferences({ routes, upstreams }: RuleSet): string[] {
  const past = routes.filter((route) => !APACHE.test(route.to));
  return APACHE_DIFFERENCES.flatMap(({ on, where, text }) => {
    if (on === 'all' || on === 'wholeUrl' || on === 'stayed') return [text];
    const found = past.filter((route) => isOfRoute({ on, where }, route, upstreams.get(route.to)));
    if (found.length === 0) return [];
    const isSaid = on === 'past' || on === 'moved' ? where === undefined : on === 'otherwiseSpelled';
    return [isSaid || found.length === past.length ? text : `${text} Here: ${placesOf(found)}.`];
  });
}

function placesOf(routes: readonly Route[]): string {
  const byHost = new Map<string, string[]>();
  for (const { when = {} } of routes) {
    const host = when.hosts?.find((name) => !name.startsWith('!')) ?? 'every Host';
    byHost.set(host, [...(byHost.get(host) ?? []), pathOf(when)]);
  }
  const places = [...byHost].map(([host, paths]) => `${host} ${[...new Set(paths)].join(', ')}`);
  const more = places.length - PLACES_MAX;
  return `${places.slice(0, PLACES_MAX).join('; ')}${more > 0 ? `; and on ${more} more hosts` : ''}`;
}

function pathOf({ path: [first] = [] }: Condition): string {
  if (first === undefined) return '/';
  return 'prefix' in first ? first.prefix : 'exact' in first ? first.exact : first.regex;
}

/**
 * The target of a request in the spelling of the line that the route which takes it came from; of an added route, under the path of the
 * line that it was added beside, without a slash at its end and with one, for either may stay with Apache. None where it has that
 * spelling.
 */
export function writtenTargets({ target }: { target: string }, route: Route, routes: RuleSet['routes']): string[] {
  const [origin, rest] = partsOf(target);
  const path = normalizedPath(rest);
  const prefix = prefixesOf(route).find((each) => isBelow(withoutParameters(path).toLowerCase(), each.toLowerCase()));
  if (prefix === undefined) return [];
  const line = route.from?.[0];
  const beside = routes.find(({ from }) => from?.[0]?.file === line?.file && from?.[0]?.line === line?.line);
  const written = isAdded(route) ? prefixesOf(beside ?? route)[0] : prefix;
  if (written === undefined || (written === prefix && isBelow(path, prefix))) return [];
  const query = /\?.*$/s.exec(rest)?.[0] ?? '';
  const asWritten = written + withoutParameters(path).slice(prefix.length);
  const spellings = isAdded(route) && asWritten === written ? [written, `${written.replace(/\/$/, '')}/`] : [asWritten];
  return spellings.map((spelling) => `${origin}${escapedPath(spelling)}${query}`);
}

function prefixesOf(route: Route): string[] {
  return (route.when?.path ?? []).flatMap((each) => ('prefix' in each ? [each.prefix] : []));
}

function isAdded({ from }: Route): boolean {
  return from?.some(({ directive }) => directive.startsWith('added ')) === true;
}

/** Apache compares whole segments, and knows no parameters of one (AP-52). */
function isBelow(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
}

/** A decoded path as it can stand in a target; latin1. */
function escapedPath(path: string): string {
  return path.replace(
    /[^!$&-:=@-Z_a-z~]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
