import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressSet, parseAddress, parseAddressRange } from './address.ts';

function contains(ranges: string[], address: string): boolean {
  const set = addressSet(ranges.map((range) => parseAddressRange(range) ?? { first: 0n, last: -1n }));
  return set(parseAddress(address) ?? -1n);
}

describe('address sets', () => {
  it.each([
    ['10.0.0.0/8', '10.255.1.2', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.1.2.3/8', '10.9.9.9', true],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '203.0.113.9', true],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['10.0.0.1-10.0.0.9', '10.0.0.9', true],
    ['10.0.0.1-10.0.0.9', '10.0.0.10', false],
    ['10.0.0.7', '::ffff:10.0.0.7', true],
    ['fe80::/10', 'fe80::1%eth0', true],
  ])('%s holds %s: %s', (range, address, expected) => {
    expect(contains([range], address)).toBe(expected);
  });

  it.each([
    '10.0.0.0/33',
    '10.0.0',
    '0x7f.0.0.1',
    '10.0.0.9-10.0.0.1',
    '10.0.0.0/8/8',
    'localhost',
    '10.0.0.0/',
    '1.2.3.4-',
  ])('refuses %s', (text) => {
    expect(parseAddressRange(text)).toBeUndefined();
  });

  it('finds an address in any mix of overlapping ranges exactly where one of them holds it', () => {
    const range = fc.tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 40 }));
    fc.assert(
      fc.property(fc.array(range, { maxLength: 20 }), fc.integer({ min: 0, max: 350 }), (pairs, address) => {
        const ranges = pairs.map(([first, length]) => ({ first: BigInt(first), last: BigInt(first + length) }));
        const expected = ranges.some(({ first, last }) => first <= BigInt(address) && BigInt(address) <= last);
        expect(addressSet(ranges)(BigInt(address))).toBe(expected);
      }),
    );
  });
});
