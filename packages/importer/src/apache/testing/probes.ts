// Requests around everything a configuration has a path for, and what the imported rules say of those that they send to Exchange.
import {
  type Condition,
  compileRules,
  type Listener,
  normalizedPath,
  type RuleSet,
  requestFacts,
  route,
} from '@outrigger/rules';
import { everyNode } from '../settings.ts';
import type { ConfigTree } from '../tree.ts';

export const CLIENTS = ['198.51.100.9', '10.1.2.3', '10.9.9.9', '192.0.2.7', '192.168.10.5', '10.9.1.1'];

export type Probe = { host: string; path: string; client: string; listener: Listener };
/** Paths around everything that the configuration has a path for. */
export function pathsOfTree({ nodes }: ConfigTree): string[] {
  const named = [...everyNode(nodes)]
    .flatMap(({ words }) => words.map(({ text }) => text))
    .filter((text) => /^\/[\w./-]*$/.test(text));
  const around = [...new Set(named)].flatMap((path) => {
    const bare = path.replace(/\/$/, '');
    const first = bare.charCodeAt(1).toString(16);
    return [
      path,
      `${bare}/`,
      `${bare}/x`,
      `${bare}x`,
      `/${path}`,
      `/a/..${path}`,
      `/%${first}${bare.slice(2)}/y`,
      `${bare}/x?a=/b`,
    ];
  });
  return [...new Set(['/', '/other', ...around])].filter(
    (path) => /^\/[\w./%?=-]*$/.test(path) && !path.includes('NaN'),
  );
}

/** What Apache must have done: refused it, or sent it to one of these under this path. */
export type Expected =
  | { kind: 'denied' }
  | { kind: 'proxied'; servers: readonly string[]; target: string; ignoreCase: boolean };

/** Requests that the rules send past Apache, or refuse there, with what Apache must then have done. */
export function movedProbes(tree: ConfigTree, rules: RuleSet): { probe: Probe; expected: Expected }[] {
  const compiled = compileRules(rules);
  const hosts = [
    ...new Set(rules.routes.flatMap(({ when }) => when?.hosts ?? [])),
    'x.mail.contoso.com',
    'unknown.test',
  ].filter((host) => !/^[!.]/.test(host));
  const all = rules.listen.flatMap((listener) =>
    CLIENTS.flatMap((client) =>
      hosts.flatMap((host) => pathsOfTree(tree).map((path): Probe => ({ host, path, client, listener }))),
    ),
  );
  return all.flatMap((probe) => {
    const read = requestFacts(
      { method: 'GET', target: probe.path, version: '1.1', fields: [['Host', probe.host]] },
      { listener: probe.listener, client: probe.client, time: { day: 'wed', minute: 720 } },
    );
    if (read.kind === 'bad') return [];
    const { upstream: to, route: taken, access, refusal } = route(compiled, read.facts);
    const upstream = rules.upstreams.get(to ?? '');
    const isAdded = taken?.from?.some(({ directive }) => directive.startsWith('added '));
    if (upstream === undefined || to?.startsWith('apache') || isAdded === true || refusal !== undefined) return [];
    // A path in another case than Apache's goes to Exchange on purpose.
    const path = normalizedPath(probe.path);
    const prefixes = pathsIn(taken?.when ?? {});
    if (prefixes.length > 0 && !prefixes.some((prefix) => path.startsWith(prefix))) return [];
    const expected: Expected =
      access === 'deny'
        ? { kind: 'denied' }
        : {
            kind: 'proxied',
            servers: upstream.servers,
            target: sentOn(taken?.rewrite?.path === undefined ? probe.path : mapped(probe.path, taken.rewrite.path)),
            ignoreCase: upstream.rpcOverHttp,
          };
    return [{ probe, expected }];
  });
}

/** Prefixes and whole paths that a condition names. */
function pathsIn({ path = [], all = [] }: Condition): string[] {
  const own = path.flatMap((each) => ('prefix' in each ? [each.prefix] : 'exact' in each ? [each.exact] : []));
  return [...own, ...all.flatMap(pathsIn)];
}

/** Whether Apache did so: `proxied SERVER TARGET …`, or `denied`. */
export function isAsExpected(answer: string, expected: Expected): boolean {
  if (expected.kind === 'denied') return answer === 'denied';
  const fold = (text: string): string => (expected.ignoreCase ? text.toLowerCase() : text);
  const [kind, server = '', target = ''] = answer.split(' ');
  return kind === 'proxied' && expected.servers.includes(server) && fold(sentOn(target)) === fold(expected.target);
}

/** A map of paths as the rewrite lane makes it, of paths as Apache reads them. */
function mapped(target: string, { from, to }: { from: string; to: string }): string {
  const [bare = '', query] = target.split('?');
  const path = `${to}${normalizedPath(bare).slice(from.length)}`.replace(/^\/\//, '/');
  return query === undefined ? path : `${path}?${query}`;
}

/** What Apache makes of a path on the way: decoded, without dot segments; the query as it came. */
function sentOn(path: string): string {
  const [bare = '', query] = path.split('?');
  return query === undefined ? normalizedPath(bare) : `${normalizedPath(bare)}?${query}`;
}

/** Up to `most` of all, evenly. */
export function spread<Item>(all: readonly Item[], most: number): Item[] {
  const step = Math.max(1, all.length / most);
  return Array.from({ length: Math.min(all.length, most) }, (_, index) => all[Math.floor(index * step)]).filter(
    (item): item is Item => item !== undefined,
  );
}
