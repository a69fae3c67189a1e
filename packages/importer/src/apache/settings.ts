// Room: what a server or a path is set to, where a VirtualHost inherits from the main server and a path from its sections. Pure.
import type { Server, Servers } from './servers.ts';
import { type ConfigNode, type Directive, directivesOf, type Section } from './tree.ts';

/**
 * The directives of one name that hold for a server: those of the main server first, as Apache merges them; behind them those of
 * `sections`, the ones that hold for a path in the order of pathsections.ts.
 */
export function inherited(
  { main }: Servers,
  server: Server,
  key: string,
  sections: readonly Section[] = [],
): Directive[] {
  const own = directivesOf(server.nodes, key);
  const inside = sections.flatMap(({ children }) => directivesOf(children, key));
  return [...(server.kind === 'main' ? [] : directivesOf(main.nodes, key)), ...own, ...inside];
}

/** First word of the last directive of one name that holds for a server, or for a path of it; undefined where none does. */
export function setting(
  servers: Servers,
  server: Server,
  key: string,
  sections: readonly Section[] = [],
): string | undefined {
  return inherited(servers, server, key, sections).at(-1)?.words[0]?.text;
}

/** True where a switch is on: `On` in any case. */
export function isOn(servers: Servers, server: Server, key: string, sections: readonly Section[] = []): boolean {
  return setting(servers, server, key, sections)?.toLowerCase() === 'on';
}

/** All nodes at any depth, sections before what is in them. */
export function* everyNode(nodes: readonly ConfigNode[]): Generator<ConfigNode> {
  for (const node of nodes) {
    yield node;
    if (node.kind === 'section') yield* everyNode(node.children);
  }
}

/** Those that hold for a server: of the main server, but for what other virtual hosts hold, then its own. */
export function* everyNodeFor({ main }: Servers, server: Server): Generator<ConfigNode> {
  yield* everyNode(main.nodes.filter(({ key }) => key !== 'virtualhost'));
  if (server.kind === 'virtual') yield* everyNode(server.nodes);
}
