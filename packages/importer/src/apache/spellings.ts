// Room: the spellings of one path: that of the client, of the line of Apache behind its route, of a whole URL; and which of them mean the
// same. Pure.
import { normalizedPath, type RuleSet } from '@outrigger/rules';
import type { AskedRequest } from '../squid/differences.ts';

/** The prefix of the line behind the route that takes a target, as the line has it; undefined where no path decides. */
export function takenPrefix({ target }: { target: string }, route: RuleSet['routes'][number]): string | undefined {
  const path = withoutParameters(normalizedPath(partsOf(target)[1])).toLowerCase();
  return prefixesOf(route).find((each) => isBelow(path, each.toLowerCase()));
}

/**
 * The target of a request in the spelling of the line that the route which takes it came from; of an added route, under the path of the
 * line that it was added beside, without a slash at its end and with one, for either may stay with Apache. None where it has that
 * spelling.
 */
export function writtenTargets(
  { target }: { target: string },
  route: RuleSet['routes'][number],
  routes: RuleSet['routes'],
): string[] {
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

/** The prefixes of paths that a route is for. */
export function prefixesOf(route: RuleSet['routes'][number]): string[] {
  return (route.when?.path ?? []).flatMap((each) => ('prefix' in each ? [each.prefix] : []));
}

/** Whether no line of Apache says what a route does. */
export function isAdded({ from }: RuleSet['routes'][number]): boolean {
  return from?.some(({ directive }) => directive.startsWith('added ')) === true;
}

/** Apache compares whole segments, and knows no parameters of one (AP-52). */
export function isBelow(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
}

function withoutParameters(path: string): string {
  return path.replace(/;[^/]*/g, '');
}

/** A decoded path as it can stand in a target; latin1. */
function escapedPath(path: string): string {
  return path.replace(
    /[^!$&-:=@-Z_a-z~]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** Scheme and host of a target that is a whole URL, else nothing; and the path with its query. */
export function partsOf(target: string): [origin: string, path: string] {
  const origin = /^https?:\/\/[^/?#]*/i.exec(target)?.[0] ?? '';
  return [origin, target.slice(origin.length)];
}

/** A whole URL as Outrigger sends it on: its path as the target, its host as the Host. */
export function withHostOfUrl({
  target,
  written = target,
}: AskedRequest): { target: string; host: string } | undefined {
  const [origin, path] = partsOf(written);
  if (origin === '') return undefined;
  return { host: origin.replace(/^.*:\/\//, ''), target: path.startsWith('/') ? path : `/${path}` };
}

/** Whether two URLs of https are the same but for how their host is spelled. */
export function isSameUrl(theirs: string, ours: string): boolean {
  const [one, two] = [theirs, ours].map((url) =>
    url.replace(
      /^https:\/\/([^/?#]*)/i,
      (_, host: string) => `//${host.toLowerCase().replace(/\.?(?::(?:443)?)?$/, '')}`,
    ),
  );
  return one === two;
}

/** Whether two URLs are the same but for scheme, host and port. */
export function isSameUrlElsewhere(theirs: string, ours: string): boolean {
  const [one, two] = [theirs, ours].map((url) => url.replace(/^https?:\/\/[^/?#]*/i, ''));
  return one === two;
}

/**
 * Whether two servers got one path: Apache decodes it and writes it anew, and puts its own prefix, which may be in another case, in place of
 * the client's. A request that was put to it in the spelling of its line has lost its parameters and the case of the client besides.
 */
export function isSamePath(theirs: string, ours: string, { written, prefix = '' }: AskedRequest): boolean {
  if (written !== undefined) return sameReading(theirs) === sameReading(ours);
  const [one, two] = [theirs, ours].map((target) => {
    const [path = '', query] = target.split(/\?(.*)/s);
    const read = normalizedPath(path);
    const start = read.slice(0, prefix.length).toLowerCase();
    return JSON.stringify([start + read.slice(prefix.length), query]);
  });
  return one === two;
}

/** Of a route that was added only the first segment is another; the line it was added beside may be for what lies below its own alone. */
export function isSameBelowFirst(theirs: string, ours: string): boolean {
  const [one, two] = [theirs, ours].map((target) => sameReading(target).replace(/^\/[^/?]*\/?/, ''));
  return one === two;
}

/** The path without its spelling, as IIS compares it; the query letter for letter. */
function sameReading(target: string): string {
  const [path = '', query] = target.split(/\?(.*)/s);
  const read = withoutParameters(normalizedPath(path)).toLowerCase();
  return query === undefined ? read : `${read}?${query}`;
}
