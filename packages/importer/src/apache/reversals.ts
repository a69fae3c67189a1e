// Room: ProxyPassReverse and its kin, as what a route makes of answers. Pure. Source: modules/proxy/proxy_util.c (AP-111, AP-112).
import type { Rewrite } from '@outrigger/rules';
import { isUnder } from './overlap.ts';
import type { Servers, VirtualHost } from './servers.ts';
import { inherited } from './settings.ts';
import { parseTarget } from './target.ts';
import { type Directive, directivesOf, type Section } from './tree.ts';

type Maps = NonNullable<Rewrite['location']>;

/**
 * Maps of Location and of cookies for the paths under `prefix`. `names`: servers that may name themselves in Location; undefined where
 * they are told the Host of the client, and its path, and have nobody else to name.
 */
export function answerMaps(
  prefix: string,
  covering: readonly Section[],
  servers: Servers,
  server: VirtualHost,
  names: readonly string[] | undefined,
): Pick<Rewrite, 'location' | 'cookieDomain' | 'cookiePath'> {
  const pairs = (key: string): { from: string; to: string }[] =>
    [...inherited(servers, server, key), ...covering.flatMap(({ children }) => directivesOf(children, key))].flatMap(
      pairOf,
    );
  const location = names === undefined ? [] : locations(prefix, covering, servers, server, names);
  const [cookieDomain, cookiePath] = [pairs('proxypassreversecookiedomain'), pairs('proxypassreversecookiepath')];
  return {
    ...(location.length > 0 && { location }),
    ...(cookieDomain.length > 0 && { cookieDomain }),
    ...(cookiePath.length > 0 && { cookiePath }),
  };
}

function pairOf({ words }: Directive): Maps {
  const [from = '', to = ''] = words.map(({ text }) => text);
  return from === '' || to === '' ? [] : [{ from, to }];
}

function locations(
  prefix: string,
  covering: readonly Section[],
  servers: Servers,
  server: VirtualHost,
  names: readonly string[],
): Maps {
  const key = 'proxypassreverse';
  const outside = inherited(servers, server, key).map(({ words }) => [words[0]?.text ?? '', words[1]?.text ?? '']);
  const inside = covering.flatMap((section) =>
    directivesOf(section.children, key).map(({ words }) => [section.words[0]?.text ?? '', words[0]?.text ?? '']),
  );
  return [...outside, ...inside]
    .filter(([to = '']) => isUnder(to, prefix) || isUnder(prefix, to))
    .flatMap(([to = '', from = '']) => {
      const target = parseTarget(from);
      if (target.kind === 'http') return [{ from, to }];
      // A balancer stands for each of its servers.
      return target.kind === 'balancer' ? names.map((name) => ({ from: `${name}${target.path}`, to })) : [];
    });
}
