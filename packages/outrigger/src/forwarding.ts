// Room: how the proxy would reach the server of a request, as `explain` tells it: which servers in which order, under which name.
import { type Affinity, affinityOf, rendezvousOrder } from '@outrigger/proxy';
import { parseServer, type RequestFacts, type RuleSet, serverNames } from '@outrigger/rules';

export type ExplainedServer = {
  /** As the rules write it. */
  url: string;
  /** Name sent in the TLS handshake; null where none is, or no TLS is spoken. */
  sni: string | null;
};

/** Where a request would go. */
export type ExplainedServers = {
  /** What brings a client back to its server. */
  affinity: Affinity['by'];
  /** In the order in which they are tried; with a cookie that is not sent yet, in the order of the rules. */
  servers: ExplainedServer[];
};

/** Of a request that goes nowhere. */
export const NO_SERVERS: ExplainedServers = { affinity: 'none', servers: [] };

export function explainServers(rules: RuleSet, upstream: string | undefined, facts: RequestFacts): ExplainedServers {
  const settings = rules.upstreams.get(upstream ?? '');
  if (settings === undefined) return NO_SERVERS;
  const affinity = affinityOf(settings, facts, rules.tunnelMethods.includes(facts.method));
  const written = settings.servers.map((url) => {
    const server = parseServer(url);
    const sni = server?.scheme === 'https' ? serverNames(server, settings, facts.host).sni : undefined;
    return { url, sni: sni ?? null };
  });
  const key = affinity.by === 'none' ? undefined : affinity.key;
  return { affinity: affinity.by, servers: key === undefined ? written : rendezvousOrder(written, key) };
}

/** Rows for a person: the first server, those that are tried where it cannot be reached, and why in this order. */
export function printedServers({ affinity, servers }: ExplainedServers): [string, string][] {
  const rows = servers.map(({ url, sni }, index): [string, string] => {
    const name = url.startsWith('https:') ? ` (SNI ${sni ?? 'none'})` : '';
    return [index === 0 ? 'server' : '  then', `${url}${name}`];
  });
  return servers.length < 2 ? rows : [...rows, ['affinity', AFFINITY[affinity]]];
}

const AFFINITY: Record<Affinity['by'], string> = {
  none: 'none: the first that can be reached',
  client: 'by the address of the client',
  cookie: 'by the cookie; a client that has not sent it gets one, and a server by chance',
};
