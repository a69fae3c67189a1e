import { addressTest } from '@outrigger/rules';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seedOf } from '../testing/seed.ts';
import {
  type AddressSet,
  addressSetOf,
  clientList,
  complement,
  EVERYBODY,
  maskBits,
  union,
  without,
} from './addresses.ts';

const set = (...texts: string[]): AddressSet => union(...texts.map((text) => addressSetOf(text) ?? []));

describe('clientList', () => {
  it.each<[string, AddressSet, string[] | undefined]>([
    ['one address', set('192.0.2.7'), ['192.0.2.7']],
    ['ranges that touch as one network', set('10.0.0.0-10.0.0.127', '10.0.0.128-10.0.0.255'), ['10.0.0.0/24']],
    ['a range that is no network as it is', set('10.0.0.1-10.0.0.9'), ['10.0.0.1-10.0.0.9']],
    ['all but a network by what it is not', complement(set('10.0.0.0/8')), ['!10.0.0.0/8']],
    ['a network without an address', without(set('10.0.0.0/30'), set('10.0.0.1')), ['10.0.0.0', '10.0.0.2/31']],
    ['nothing for everybody', EVERYBODY, undefined],
    ['IPv6 by its groups', set('2001:db8::/32'), ['2001:db8:0:0:0:0:0:0/32']],
  ])('writes %s', (_, addresses, list) => expect(clientList(addresses)).toEqual(list));

  it('says who is in the set, whatever it was put together from', () => {
    const seed = seedOf('address sets');
    const address = fc.nat(255).map((byte) => `10.0.0.${byte}`);
    const range = fc
      .tuple(fc.nat(255), fc.nat(40))
      .map(([at, more]) => `10.0.0.${at}-10.0.0.${Math.min(255, at + more)}`);
    fc.assert(
      fc.property(
        fc.array(range, { minLength: 1 }),
        fc.array(range),
        address,
        fc.boolean(),
        (some, others, client, isInverse) => {
          const holds = (ranges: string[]): boolean => ranges.length > 0 && addressTest(ranges)(client);
          const wanted = holds(some) && !holds(others);
          const made = without(set(...some), set(...others));
          const list = clientList(isInverse ? complement(made) : made);
          if (list === undefined) return;
          const [first = ''] = list;
          const plain = list.map((each) => each.replace('!', ''));
          const found = addressTest(plain)(client) !== first.startsWith('!');
          expect(found).toBe(wanted !== isInverse);
        },
      ),
      { seed },
    );
  });
});

describe('maskBits', () => {
  it.each([
    ['255.255.255.0', 24],
    ['0.0.0.0', 0],
    ['255.255.255.255', 32],
    ['255.0.255.0', undefined],
    ['::', undefined],
  ])('reads %s', (mask, bits) => expect(maskBits(mask)).toBe(bits));
});
