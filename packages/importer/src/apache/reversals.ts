// Room: what of an answer is changed back for the client: ProxyPassReverse and its two sisters for cookies, as maps of a route. Pure.
// Source: modules/proxy/proxy_util.c ap_proxy_location_reverse_map, ap_proxy_cookie_reverse_map (AP-111, AP-112). Apache asks all lines
// that hold for the path of the request, whatever path they are about: what /owa answers may lead to /ecp.
import type { Rewrite } from '@outrigger/rules';
import type { Backend } from './backend.ts';
import { pathsOf } from './proxypass.ts';
import type { Server, Servers } from './servers.ts';
import { inherited } from './settings.ts';
import { parseTarget } from './target.ts';
import { type Directive, directivesOf, type Section } from './tree.ts';

type PathMap = NonNullable<Rewrite['location']>[number];

type Asked = { servers: Servers; server: Server; backend: Pick<Backend, 'name' | 'servers'> };

/** The maps of a path that `sections` hold for, in the order in which Apache tries them; empty where no line says any. */
export function reversalsOf(sections: readonly Section[], { servers, server, backend }: Asked): Rewrite {
  const outside = (key: string): string[][] => inherited(servers, server, key).map(wordsOf);
  const inside = (key: string): string[][] =>
    sections.flatMap(({ children }) => directivesOf(children, key).map(wordsOf));
  const location = [
    ...outside('proxypassreverse'),
    ...sections.flatMap((section) => reverseLines(section).map((line) => [pathOf(section) ?? '', ...wordsOf(line)])),
  ].flatMap(([to = '', from = '']) => locationMaps(from, to, backend));
  const cookies = (key: string): PathMap[] =>
    [...outside(key), ...inside(key)].map(([from = '', to = '']) => ({ from, to }));
  const [cookieDomain, cookiePath] = ['proxypassreversecookiedomain', 'proxypassreversecookiepath'].map(cookies);
  return {
    ...(location.length > 0 && { location: distinct(location) }),
    ...(cookieDomain !== undefined && cookieDomain.length > 0 && { cookieDomain }),
    ...(cookiePath !== undefined && cookiePath.length > 0 && { cookiePath }),
  };
}

/** Whether a section changes back what those of `whole` leave: that `/owa/x` there is `/owa/x`, a line for `/owa` says as well. */
export function reversesMore(section: Section, whole: readonly Section[], asked: Asked): boolean {
  const before = reversalsOf(whole, asked);
  const after = reversalsOf([...whole, section], asked);
  const isSaid = ({ from, to }: PathMap): boolean =>
    before.location?.some((map) => from.startsWith(map.from) && to === map.to + from.slice(map.from.length)) === true;
  return (
    after.location?.every(isSaid) === false ||
    after.cookieDomain?.length !== before.cookieDomain?.length ||
    after.cookiePath?.length !== before.cookiePath?.length
  );
}

/**
 * ProxyPassReverse lines of a section for a prefix, without a path: that of the section counts. In a section for a pattern or a server
 * Apache takes the pattern for a path, and leads clients nowhere: such lines are left out.
 */
export function reverseLines(section: Section): Directive[] {
  return pathOf(section) === undefined ? [] : directivesOf(section.children, 'proxypassreverse');
}

function pathOf(section: Section): string | undefined {
  const paths = pathsOf(section);
  return section.key === 'location' && paths.kind === 'prefix' ? paths.prefix : undefined;
}

function locationMaps(from: string, to: string, { name, servers: members }: Asked['backend']): PathMap[] {
  const target = parseTarget(from);
  if (target.kind === 'http') return [{ from, to }];
  // A balancer stands for each of its servers.
  const isOwn = target.kind === 'balancer' && `balancer://${target.name}` === name;
  return isOwn ? members.map((member) => ({ from: `${member}${target.path}`, to })) : [];
}

function wordsOf({ words }: Directive): string[] {
  return words.map(({ text }) => text);
}

function distinct(maps: readonly PathMap[]): PathMap[] {
  const byText = new Map(maps.map((map) => [`${map.from}\n${map.to}`, map]));
  return [...byText.values()];
}
