// Room: what rewriting rules may ask of one request, and which rules a server has. Pure.
import type { Journey } from './journey.ts';
import type { RewriteRequest } from './rewrite.ts';
import type { Server, Servers } from './servers.ts';
import { isOn } from './settings.ts';
import type { Directive } from './tree.ts';

/** Lines of the server itself where its engine is on; those of the main server only for the main server (AP-82). */
export function rewriteLines(servers: Servers, server: Server): Directive[] {
  const isEngineOn = isOn({ ...servers, main: { ...servers.main, nodes: [] } }, server, 'rewriteengine');
  if (!isEngineOn) return [];
  return server.nodes.filter((node): node is Directive => node.key === 'rewriterule' || node.key === 'rewritecond');
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
