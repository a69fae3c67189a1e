// Room: what of an answer is changed back for the client: ProxyPassReverse and its two sisters for cookies, as maps of a route. Pure.
// Source: modules/proxy/proxy_util.c ap_proxy_location_reverse_map, ap_proxy_cookie_reverse_map (AP-111, AP-112). Apache asks all lines
// that hold for the path of the request, whatever path they are about: what /owa answers may lead to /ecp.
import type { Rewrite } from '@outrigger/rules';
import type { Backend } from './backend.ts';
import type { Server, Servers } from './servers.ts';
import { inherited } from './settings.ts';
import { parseTarget } from './target.ts';
import { directivesOf, type Section } from './tree.ts';

type PathMap = NonNullable<Rewrite['location']>[number];

/** The maps of a path to `backend` that the sections `covering` hold for, in the order in which Apache tries them; empty where no line says any. */
export function reversalsOf(
  covering: readonly Section[],
  servers: Servers,
  server: Server,
  { name, servers: members }: Pick<Backend, 'name' | 'servers'>,
): Rewrite {
  const maps = (key: string, hasPath: boolean): PathMap[] => {
    const outside = inherited(servers, server, key).map(({ words }) => words.map(({ text }) => text));
    // In a section the path is that of the section and is left out.
    const inside = covering.flatMap((section) =>
      directivesOf(section.children, key).map(({ words }) => {
        const own = words.map(({ text }) => text);
        return hasPath ? [section.words[0]?.text ?? '', ...own] : own;
      }),
    );
    return [...outside, ...inside].map(([first = '', second = '']) =>
      hasPath ? { from: second, to: first } : { from: first, to: second },
    );
  };
  const location = maps('proxypassreverse', true).flatMap(({ from, to }): PathMap[] => {
    const target = parseTarget(from);
    if (target.kind === 'http') return [{ from, to }];
    // A balancer stands for each of its servers.
    const isOwn = target.kind === 'balancer' && `balancer://${target.name}` === name;
    return isOwn ? members.map((member) => ({ from: `${member}${target.path}`, to })) : [];
  });
  const cookieDomain = maps('proxypassreversecookiedomain', false);
  const cookiePath = maps('proxypassreversecookiepath', false);
  return {
    ...(location.length > 0 && { location: distinct(location) }),
    ...(cookieDomain.length > 0 && { cookieDomain }),
    ...(cookiePath.length > 0 && { cookiePath }),
  };
}

function distinct(maps: readonly PathMap[]): PathMap[] {
  const byText = new Map(maps.map((map) => [`${map.from}\n${map.to}`, map]));
  return [...byText.values()];
}
