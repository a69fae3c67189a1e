// Room: which server of an upstream a client belongs to. Rendezvous hashing: every Outrigger with the same rules comes to the same
// order without telling the others, and a server that is added or taken away moves only the clients that are its own.
import { createHash, randomBytes } from 'node:crypto';
import { type Fields, parseAddress, type RequestFacts, type Upstream } from '@outrigger/rules';

/** What decides the order of servers: nothing, so that it is the one of the rules; the client's address; a cookie of ours. */
export type Affinity =
  | { by: 'none' }
  | { by: 'client'; key: string }
  /** `key` is absent where the client has not sent the cookie: give it a new visit. */
  | { by: 'cookie'; cookie: string; key?: string };

/** Name of the cookie where the rules give none. */
export const AFFINITY_COOKIE = 'outrigger';

/** Bytes of a visit: enough that two of them never meet. It is no secret: all it chooses among is servers of one kind. */
const VISIT_BYTES = 16;
const VISIT = /^[A-Za-z0-9_-]{22}$/;

const HASH_BYTES = 6;

/** Bits of an IPv6 address that stay: a client changes the others daily, while its channel lives (RFC 8981 3.1). */
const IPV6_INTERFACE_BITS = 64n;

/**
 * What decides for this request. `tunnel`: a method of MS-RPCH or MS-TSGU. Channels have no cookies, and both of a virtual
 * connection, like one that replaces OUT hours later, must meet at one server (MS-RPCH 3.2.4.5.6.1): for them it is the address.
 */
export function affinityOf(
  { affinity, affinityCookie }: Upstream,
  { client, fields }: Pick<RequestFacts, 'client' | 'fields'>,
  tunnel: boolean,
): Affinity {
  if (affinity === undefined || affinity === 'none') return { by: 'none' };
  if (affinity === 'client' || tunnel) return { by: 'client', key: clientKey(client) };
  const cookie = affinityCookie?.name ?? AFFINITY_COOKIE;
  const key = visitIn(fields, cookie);
  return { by: 'cookie', cookie, ...(key !== undefined && { key }) };
}

/**
 * The server with the highest score first, -weight / ln(h) of a hash h between 0 and 1 (Thaler and Ravishankar, 1996; with weights,
 * Schindelhauer and Schomaker, 2005): each is first for its share of keys, and a server that comes or goes, or whose weight changes,
 * moves no key between the others. Servers are known by their URL as the rules write it. `weight` is 1 where it is absent.
 */
export function rendezvousOrder<Item extends { url: string; weight?: number | undefined }>(
  servers: readonly Item[],
  key: string,
): Item[] {
  return servers
    .map((server) => ({ server, score: -(server.weight ?? 1) / Math.log(fraction(`${key} ${server.url}`)) }))
    .sort((a, b) => b.score - a.score)
    .map(({ server }) => server);
}

/** A hash of `text` between 0 and 1, neither of them included: 48 bits of it, which a double holds exactly. */
function fraction(text: string): number {
  return (createHash('sha256').update(text).digest().readUIntBE(0, HASH_BYTES) + 0.5) / 2 ** (8 * HASH_BYTES);
}

/** What a client without the cookie gets: random, so it tells nothing of a server. */
export function newVisit(): string {
  return randomBytes(VISIT_BYTES).toString('base64url');
}

/** The field line that gives a visit to a client (RFC 6265 4.1). */
export function visitField({ affinityCookie }: Upstream, visit: string, overTls: boolean): Buffer {
  const { name = AFFINITY_COOKIE, sameSite = 'lax' } = affinityCookie ?? {};
  const site = { lax: 'Lax', strict: 'Strict', none: 'None' }[sameSite];
  const secure = overTls ? '; Secure' : '';
  return Buffer.from(`Set-Cookie: ${name}=${visit}; Path=/; HttpOnly; SameSite=${site}${secure}\r\n`, 'latin1');
}

function clientKey(address: string): string {
  const number = parseAddress(address);
  return number === undefined || !address.includes(':') ? address : (number >> IPV6_INTERFACE_BITS).toString(16);
}

/** RFC 6265 4.2.1. Of several with the name the first that we could have given out. */
function visitIn(fields: Fields, name: string): string | undefined {
  const pairs = fields.filter(([field]) => field.toLowerCase() === 'cookie').flatMap(([, value]) => value.split(';'));
  const values = pairs.map((pair) => pair.trim()).filter((pair) => pair.startsWith(`${name}=`));
  return values.map((pair) => pair.slice(name.length + 1)).find((value) => VISIT.test(value));
}
