// Room: sets of client addresses. IPv4 and IPv6 live in one space (IPv4 as ::ffff:0:0/96), so a client that arrives
// IPv4-mapped on a dual-stack socket is the same client.
import ipaddr from 'ipaddr.js';

/** First and last address of a range, both inside it, as 128-bit numbers. */
export type AddressRange = { first: bigint; last: bigint };

const ADDRESS_BITS = 128n;

/** An IPv4 address that arrives IPv4-mapped is written as the IPv4 address it is, for rules, logs and servers (RFC 4291 2.5.5.2). */
export function plainAddress(address: string): string {
  return /^::ffff:(?=[\d.]+$)/i.test(address) ? address.slice('::ffff:'.length) : address;
}

/** One address as a number; undefined for anything that is not a plain IPv4 or IPv6 address. */
export function parseAddress(text: string): bigint | undefined {
  // ipaddr.js also takes 0x7f.1 and the like; a rules file or a socket never means those.
  if (!/^\d+\.\d+\.\d+\.\d+$/.test(text) && !text.includes(':')) return undefined;
  const withoutZone = text.replace(/%[^%]*$/, '');
  if (!ipaddr.isValid(withoutZone)) return undefined;
  const address = ipaddr.parse(withoutZone);
  const sixteenBytes = address.kind() === 'ipv4' ? (address as ipaddr.IPv4).toIPv4MappedAddress() : address;
  return sixteenBytes.toByteArray().reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
}

/**
 * `10.0.0.1`, `10.0.0.0/8`, `2001:db8::/32` or `10.0.0.1-10.0.0.9`. Host bits below the mask are cleared, as Squid and
 * Apache do. Undefined for anything else.
 */
export function parseAddressRange(text: string): AddressRange | undefined {
  const dash = text.indexOf('-');
  if (dash !== -1) {
    const first = parseAddress(text.slice(0, dash));
    const last = parseAddress(text.slice(dash + 1));
    return first === undefined || last === undefined || first > last ? undefined : { first, last };
  }
  const [address = '', prefix] = text.split('/', 2);
  const number = parseAddress(address);
  if (number === undefined || text.split('/').length > 2) return undefined;
  if (prefix === undefined) return { first: number, last: number };
  const widest = address.includes(':') ? 128 : 32;
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > widest) return undefined;
  const hostBits = BigInt(widest) - BigInt(prefix);
  const hostMask = (1n << hostBits) - 1n;
  const first = number & ~hostMask & ((1n << ADDRESS_BITS) - 1n);
  return { first, last: first | hostMask };
}

/** True for addresses in the ranges written. They have passed the loader, so one that does not parse is a bug and throws. */
export function addressTest(entries: readonly string[]): (address: string) => boolean {
  const inside = addressSet(
    entries.map((entry) => {
      const range = parseAddressRange(entry);
      if (range === undefined) throw new Error(`an address passed the loader and does not parse: ${entry}`);
      return range;
    }),
  );
  return (text) => {
    const address = parseAddress(text);
    return address !== undefined && inside(address);
  };
}

/** A set of ranges, sorted and merged, so that a list of ten thousand costs a dozen comparisons a look-up. */
export function addressSet(ranges: readonly AddressRange[]): (address: bigint) => boolean {
  const merged: AddressRange[] = [];
  for (const range of [...ranges].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    const previous = merged.at(-1);
    if (previous !== undefined && range.first <= previous.last + 1n) {
      if (range.last > previous.last) previous.last = range.last;
    } else {
      merged.push({ ...range });
    }
  }
  return (address) => {
    let low = 0;
    let high = merged.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((merged[middle]?.last ?? 0n) < address) low = middle + 1;
      else high = middle;
    }
    const candidate = merged[low];
    return candidate !== undefined && candidate.first <= address;
  };
}
