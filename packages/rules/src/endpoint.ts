// Room: RPC endpoints, the SERVER:PORT that a request of MS-RPCH names in its query, and lists of those that may be reached.

/** Ports of one server, or of any where `host` is absent. Both ends belong to it. */
type EndpointRange = { host?: string; first: number; last: number };

const PORT_RANGE = /^(\d{1,5})(?:-(\d{1,5}))?$/;
/** NetBIOS and DNS names, and the mailbox identifiers (GUID@domain) of Exchange 2013 and later. */
const SERVER = /^[a-z0-9._@-]{1,255}$/;

/** `mbx1:6001`, `mbx1:6001-6004`, `*:6001`: in lower case, as names compare without case; undefined for anything else. */
export function parseEndpoint(text: string): EndpointRange | undefined {
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, Math.max(0, colon)).toLowerCase();
  const ports = PORT_RANGE.exec(text.slice(colon + 1));
  if (ports === null || (host !== '*' && !SERVER.test(host))) return undefined;
  const first = Number(ports[1]);
  const last = Number(ports[2] ?? ports[1]);
  if (first < 1 || first > last || last > 65_535) return undefined;
  return { ...(host !== '*' && { host }), first, last };
}

/**
 * True where the query of a request target (MS-RPCH 2.2.2) names an endpoint of the list, or names none: the first login round
 * of some clients has no query. The query must be an endpoint to its last byte, for nobody can say what else a server reads in it.
 */
export function endpointList(entries: readonly string[]): (target: string) => boolean {
  const ranges = entries.map((entry) => {
    const range = parseEndpoint(entry);
    if (range === undefined) throw new Error(`an endpoint passed the loader and does not parse: ${entry}`);
    return range;
  });
  return (target) => {
    const mark = target.indexOf('?');
    const query = mark === -1 ? '' : target.slice(mark + 1);
    if (query === '') return true;
    const asked = parseEndpoint(query);
    if (asked?.host === undefined || asked.first !== asked.last) return false;
    return ranges.some(({ host, first, last }) => {
      return (host === undefined || host === asked.host) && first <= asked.first && asked.first <= last;
    });
  };
}
