// Room: what rewriting rules may ask of one request, and which rules a server has. Pure.
import type { Journey } from './journey.ts';
import type { RewriteRequest } from './rewrite.ts';
import type { Server, Servers } from './servers.ts';
import { inherited, isOn } from './settings.ts';
import type { ConfigNode, Directive } from './tree.ts';

/**
 * Lines that rewrite requests for a server, in the order in which Apache asks them. A virtual host inherits whether the engine is on,
 * and the rules of the main server only where RewriteOptions says so: behind its own, or before them (AP-82; mod_rewrite.c,
 * config_server_merge).
 */
export function rewriteLines(servers: Servers, server: Server): Directive[] {
  if (!isOn(servers, server, 'rewriteengine')) return [];
  const own = server.nodes.filter(isRewriting);
  if (server.kind === 'main') return own;
  const options = inherited(servers, server, 'rewriteoptions').flatMap(({ words }) =>
    words.map(({ text }) => text.toLowerCase()),
  );
  const base = servers.main.nodes.filter(isRewriting);
  if (options.includes('inherit') || options.includes('inheritdown')) return [...own, ...base];
  return options.includes('inheritbefore') || options.includes('inheritdownbefore') ? [...base, ...own] : own;
}

function isRewriting(node: ConfigNode): node is Directive {
  return node.key === 'rewriterule' || node.key === 'rewritecond';
}

/** The request as variables and fields. */
export function rewriteRequest({ request, path, query, server, servers }: Journey): RewriteRequest {
  const name = request.host.replace(/:\d*$/, '');
  const port = /:(\d+)$/.exec(request.host)?.[1] ?? (request.isTls ? '443' : '80');
  const field = (wanted: string): string =>
    wanted.toLowerCase() === 'host'
      ? request.host
      : (request.fields.find(([each]) => each.toLowerCase() === wanted.toLowerCase())?.[1] ?? '');
  return {
    path,
    query: query ?? '',
    field,
    variables: new Map([
      ['HTTPS', request.isTls ? 'on' : 'off'],
      ['REQUEST_SCHEME', request.isTls ? 'https' : 'http'],
      ['HTTP_HOST', request.host],
      ['SERVER_NAME', isOn(servers, server, 'usecanonicalname') ? (server.serverName ?? name) : name],
      ['SERVER_PORT', port],
      ['REQUEST_METHOD', request.method],
      ['REMOTE_ADDR', request.client],
      ['HTTP_USER_AGENT', field('User-Agent')],
      ['HTTP_REFERER', field('Referer')],
      ['HTTP_COOKIE', field('Cookie')],
    ]),
  };
}
