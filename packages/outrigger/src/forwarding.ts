// Room: how the proxy would reach the server of a request, as `explain` tells it: which servers in which order, under which name.
import { parseServer, type RequestFacts, type RuleSet, serverNames } from '@outrigger/rules';

export type ExplainedServer = {
  /** As the rules write it. */
  url: string;
  /** Name sent in the TLS handshake; null where none is, or no TLS is spoken. */
  sni: string | null;
};

/** Where a request to `upstream` would go, in the order in which servers are tried. */
export function explainServers(rules: RuleSet, upstream: string | undefined, facts: RequestFacts): ExplainedServer[] {
  const settings = rules.upstreams.get(upstream ?? '');
  if (settings === undefined) return [];
  return settings.servers.map((url) => {
    const server = parseServer(url);
    const sni = server?.scheme === 'https' ? serverNames(server, settings, facts.host).sni : undefined;
    return { url, sni: sni ?? null };
  });
}

/** Rows for a person: the first server, then those that are tried where it cannot be reached. */
export function printedServers(servers: readonly ExplainedServer[]): [string, string][] {
  return servers.map(({ url, sni }, index) => {
    const name = url.startsWith('https:') ? ` (SNI ${sni ?? 'none'})` : '';
    return [index === 0 ? 'server' : '  then', `${url}${name}`];
  });
}
