// Room: sets of client addresses as an export puts them together: ranges, all but some, one set without another. Pure.
import { type AddressRange, parseAddress, parseAddressRange } from '@outrigger/rules';

/** Ranges in order, none touching another. */
export type AddressSet = readonly AddressRange[];

export const NOBODY: AddressSet = [];
const LAST = (1n << 128n) - 1n;
export const EVERYBODY: AddressSet = [{ first: 0n, last: LAST }];

/** IPv4 stands among IPv6 as ::ffff:0:0/96, as in the rules. */
const IPV4: AddressRange = { first: 0xffff_0000_0000n, last: 0xffff_ffff_ffffn };

/** `10.0.0.1`, `10.0.0.0/24` or `10.0.0.1-10.0.0.9`; undefined for anything else. */
export function addressSetOf(text: string): AddressSet | undefined {
  const range = parseAddressRange(text);
  return range === undefined ? undefined : [range];
}

/** Bits of a netmask as `255.255.255.0`; undefined where its ones are not all in front. */
export function maskBits(mask: string): number | undefined {
  const number = parseAddress(mask);
  if (number === undefined || mask.includes(':')) return undefined;
  const bits = (number & 0xffff_ffffn).toString(2).padStart(32, '0');
  return /^1*0*$/.test(bits) ? bits.replace(/0+$/, '').length : undefined;
}

export function union(...sets: readonly AddressSet[]): AddressSet {
  const merged: AddressRange[] = [];
  for (const range of sets.flat().sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    const previous = merged.at(-1);
    if (previous === undefined || range.first > previous.last + 1n) merged.push({ ...range });
    else if (range.last > previous.last) previous.last = range.last;
  }
  return merged;
}

/** Every address that is not in the set. */
export function complement(set: AddressSet): AddressSet {
  const gaps: AddressRange[] = [];
  let next = 0n;
  for (const { first, last } of union(set)) {
    if (first > next) gaps.push({ first: next, last: first - 1n });
    next = last + 1n;
  }
  if (next <= LAST) gaps.push({ first: next, last: LAST });
  return gaps;
}

/** What is in the first set and not in the second. */
export function without(set: AddressSet, other: AddressSet): AddressSet {
  return complement(union(complement(set), other));
}

/**
 * The set as a `clients` list: what is in it, or with `!` what is not, whichever is IPv4 alone. Undefined for everybody; no list says
 * nobody, so that set has none either and must be asked for before.
 */
export function clientList(set: AddressSet): string[] | undefined {
  const rest = complement(set);
  if (rest.length === 0 || set.length === 0) return undefined;
  return rest.every(isIpv4) && !set.every(isIpv4) ? rest.map((range) => `!${written(range)}`) : set.map(written);
}

function isIpv4({ first, last }: AddressRange): boolean {
  return first >= IPV4.first && last <= IPV4.last;
}

/** As an address, a network or a range. */
function written(range: AddressRange): string {
  const { first, last } = range;
  if (first === last) return addressText(first);
  const size = last - first + 1n;
  const bits = size.toString(2).length - 1;
  if (size === 1n << BigInt(bits) && first % size === 0n)
    return `${addressText(first)}/${(isIpv4(range) ? 32 : 128) - bits}`;
  return `${addressText(first)}-${addressText(last)}`;
}

function addressText(address: bigint): string {
  if (address >= IPV4.first && address <= IPV4.last) {
    const number = Number(address & 0xffff_ffffn);
    return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join('.');
  }
  return [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((shift) => ((address >> shift) & 0xffffn).toString(16)).join(':');
}
