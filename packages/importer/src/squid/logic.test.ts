import { describe, expect, it } from 'vitest';
import {
  ALWAYS,
  allowedBy,
  and,
  areDisjoint,
  areEquivalent,
  atom,
  isNever,
  least,
  most,
  NEVER,
  not,
  or,
  simplifyOutside,
} from './logic.ts';

const [a, b, c] = [atom('a'), atom('b'), atom('c')];

describe('allowedBy', () => {
  it('implies the opposite of the last line', () => {
    expect(allowedBy([{ action: 'deny', when: a }])).toEqual(not(a));
    expect(allowedBy([{ action: 'allow', when: a }])).toEqual(a);
  });

  it('lets the first match decide', () => {
    const list = allowedBy([
      { action: 'deny', when: a },
      { action: 'allow', when: b },
    ]);
    expect(areEquivalent(list, and([not(a), b]))).toBe(true);
  });

  it('allows everything where there is no list', () => {
    expect(allowedBy([])).toEqual(ALWAYS);
  });
});

it('counts an unknown atom as false where true would widen, under any number of negations', () => {
  const known = (name: string): boolean => name !== 'b';
  expect(least(and([a, b]), known)).toEqual(NEVER);
  expect(least(and([a, not(b)]), known)).toEqual(NEVER);
  expect(least(or([a, not(b)]), known)).toEqual(a);
  expect(most(and([a, not(b)]), known)).toEqual(a);
});

it('finds contradictions that form alone does not show', () => {
  expect(isNever(and([or([a, b]), not(a), not(b)]))).toBe(true);
  expect(areDisjoint(and([a, not(b)]), or([b, not(a)]))).toBe(true);
  expect(areDisjoint(a, b)).toBe(false);
});

it('drops what routes before already say', () => {
  expect(simplifyOutside(and([not(a), not(b)]), [a, b])).toEqual(ALWAYS);
  expect(simplifyOutside(and([not(a), c]), [a])).toEqual(c);
  expect(simplifyOutside(a, [or([a, b])])).toEqual(NEVER);
});

it('stays right on hundreds of sites', () => {
  const sites = Array.from({ length: 300 }, (_, index) => atom(`site${index}`));
  expect(simplifyOutside(and(sites.map(not)), sites)).toEqual(ALWAYS);
});
