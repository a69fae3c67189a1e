// Room: who a request is from, where a proxy in front says so. X-Forwarded-For is a claim anybody can write; it is read only
// from peers the rules trust, from its right end, where each trusted proxy has put the address it saw itself.
import { addressTest, parseAddress, plainAddress } from './address.ts';
import type { Fields } from './facts.ts';

/** True for an address whose X-Forwarded-For is believed; undefined where the rules trust nobody. */
export type TrustedProxies = ((address: string) => boolean) | undefined;

/** `vouched`: a trusted proxy named the address, so no port of it is known. */
export type ClientResult =
  | { kind: 'client'; address: string; vouched: boolean }
  | { kind: 'bad'; status: 400; code: 'FORWARDED_FOR_MALFORMED'; message: string };

/** Dotted decimal without leading zeros: `010.0.0.1` is 8.0.0.1 to some readers and 10.0.0.1 to others. */
const IPV4 = /^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/;

/** `203.0.113.7:51000`, `[2001:db8::7]` and `[2001:db8::7]:51000`, as gateways in front of IIS write a client. */
const WITH_PORT = /^(?:\[([0-9a-fA-F:.]+)\](?::\d{1,5})?|([0-9.]+):\d{1,5})$/;

/** Compiles the addresses of `trustedProxies`. */
export function compileTrusted(entries: readonly string[] | undefined): TrustedProxies {
  return entries === undefined ? undefined : addressTest(entries);
}

/**
 * The client of a request that came from `peer`: the rightmost address of X-Forwarded-For that is no trusted proxy, or the
 * leftmost where all are. Lines count as one list in their order (RFC 9110 5.3). An entry on the way that is no address is
 * refused: whoever wrote it, no rule can say where the request is from.
 */
export function clientOf(fields: Fields, peer: string, trusts: TrustedProxies): ClientResult {
  let client: ClientResult = { kind: 'client', address: peer, vouched: false };
  if (trusts?.(peer) !== true) return client;
  for (const entry of forwardedFor(fields).reverse()) {
    const address = addressOf(entry);
    if (address === undefined) {
      const message = 'a trusted proxy sent an X-Forwarded-For with an entry that is no address';
      return { kind: 'bad', status: 400, code: 'FORWARDED_FOR_MALFORMED', message };
    }
    client = { kind: 'client', address, vouched: true };
    if (!trusts(address)) break;
  }
  return client;
}

/** Entries of X-Forwarded-For over all its lines, as spelled; empty ones are left out (RFC 9110 5.6.1.2). */
export function forwardedFor(fields: Fields): string[] {
  return fields
    .filter(([name]) => name.toLowerCase() === 'x-forwarded-for')
    .flatMap(([, value]) => value.split(','))
    .map((entry) => entry.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((entry) => entry !== '');
}

/** The scheme a trusted proxy says its client used; undefined from anybody else, and where it can be read in two ways. */
export function forwardedProto(fields: Fields, peer: string, trusts: TrustedProxies): 'http' | 'https' | undefined {
  if (trusts?.(peer) !== true) return undefined;
  const values = fields.filter(([name]) => name.toLowerCase() === 'x-forwarded-proto');
  const proto = values.length === 1 ? values[0]?.[1].toLowerCase() : undefined;
  return proto === 'http' || proto === 'https' ? proto : undefined;
}

/** An address without port, brackets and IPv4 mapping; undefined for anything else, zones included. */
function addressOf(entry: string): string | undefined {
  const [, bracketed, withPort] = WITH_PORT.exec(entry) ?? [];
  const address = plainAddress(bracketed ?? withPort ?? entry);
  const dotted = address.slice(address.lastIndexOf(':') + 1);
  if (address.includes('%') || (address.includes('.') && !IPV4.test(dotted))) return undefined;
  if (bracketed !== undefined && !bracketed.includes(':')) return undefined;
  return parseAddress(address) === undefined ? undefined : address;
}
