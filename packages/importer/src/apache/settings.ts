// Room: what a server or a path is set to, where a VirtualHost inherits from the main server and a section from what holds it. Pure.
import type { Server, Servers } from './servers.ts';
import { type ConfigNode, type Directive, directivesOf } from './tree.ts';

/** The directives of one name that hold for a server: those of the main server first, as Apache merges them. */
export function inherited({ main }: Servers, server: Server, key: string): Directive[] {
  const own = directivesOf(server.nodes, key);
  return server.kind === 'main' ? own : [...directivesOf(main.nodes, key), ...own];
}

/** First word of the last directive of one name that holds for a server; undefined where none does. */
export function setting(servers: Servers, server: Server, key: string): string | undefined {
  return inherited(servers, server, key).at(-1)?.words[0]?.text;
}

/** True where a switch is on: `On` in any case. */
export function isOn(servers: Servers, server: Server, key: string): boolean {
  return setting(servers, server, key)?.toLowerCase() === 'on';
}

/** All nodes at any depth, sections before what is in them. */
export function* everyNode(nodes: readonly ConfigNode[]): Generator<ConfigNode> {
  for (const node of nodes) {
    yield node;
    if (node.kind === 'section') yield* everyNode(node.children);
  }
}
