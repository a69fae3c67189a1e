import { describe, expect, it } from 'vitest';
import { isBareTime, readSize, readTime, refusedValue } from './settings.ts';

const words = (text: string): string[] => text.split(' ');

it.each<[string, number | undefined]>([
  ['15 minutes', 900_000],
  ['1 Hour', 3_600_000],
  ['1.5 seconds', 1_500],
  ['15', 15_000],
  ['2 fortnights', 2_419_200_000],
  ['15minutes', undefined],
  ['15 months', undefined],
  ['-1 second', undefined],
])('reads the time %s as %j ms', (text, milliseconds) => {
  expect(readTime(words(text))).toBe(milliseconds);
});

it.each<[string, number | undefined]>([
  ['64 KB', 65_536],
  ['1 mb', 1_048_576],
  ['100', 100],
  ['10MB', undefined],
  ['1.5 KB', undefined],
])('reads the size %s as %j bytes', (text, bytes) => {
  expect(readSize(words(text))).toBe(bytes);
});

it('knows a time without a unit, as old files have it', () => {
  expect(isBareTime('read_timeout', ['15'])).toBe(true);
  expect(isBareTime('read_timeout', ['0'])).toBe(false);
  expect(isBareTime('read_timeout', ['15', 'minutes'])).toBe(false);
  expect(isBareTime('cache_mem', ['15'])).toBe(false);
});

describe('a value that stops Squid', () => {
  it.each([
    ['via', 'ON'],
    ['via', 'Yes'],
    ['read_timeout', '15minutes'],
    ['cache_mem', '10MB'],
  ])('%s %s', (name, value) => {
    expect(refusedValue(name, [value], 5.7)).toMatchObject({ later: false });
  });

  it.each([
    ['via', 'off'],
    ['read_timeout', '0'],
    ['cache_mem', '10 MB'],
    ['visible_hostname', 'ON'],
  ])('is not %s %s', (name, value) => {
    expect(refusedValue(name, words(value), 5.7)).toBeUndefined();
  });

  it('is a time without a unit, from Squid 4 on', () => {
    expect(refusedValue('read_timeout', ['15'], 3.5)).toMatchObject({ later: true });
    expect(refusedValue('read_timeout', ['15'], 4)).toMatchObject({ later: false });
  });
});
