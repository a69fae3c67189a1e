// Room: how a report tells what is otherwise than with Apache: only what the rules can meet, and by host and path where it is not so for
// all that moved. Pure.
import type { Condition, RuleSet } from '@outrigger/rules';
import { APACHE_DIFFERENCES, isConcerned } from './differences.ts';

type Route = RuleSet['routes'][number];

/** Hosts named at one difference before the list says no more. */
const PLACES_MAX = 6;

/** Upstreams that an import makes of Apache itself. */
const APACHE = /^apache(?:-\d+)?$/;

/** What is otherwise for requests that these rules take, as sentences. */
export function apacheDifferences({ routes, upstreams }: RuleSet): string[] {
  const past = routes.filter(({ to }) => !APACHE.test(to));
  return APACHE_DIFFERENCES.flatMap(({ on, text }) => {
    if (on === 'all' || on === 'wholeUrl' || on === 'stayed') return [text];
    // Any path but its own may be another spelling of a route's: that one is asked of routes as they are.
    const asked = on === 'otherwiseSpelled' ? 'moved' : on;
    const found = past.filter((route) => isConcerned(asked, { target: '/' }, route, upstreams.get(route.to)));
    if (found.length === 0) return [];
    return [found.length === past.length || asked === 'moved' ? text : `${text} Here: ${placesOf(found)}.`];
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
