import { expect, it } from 'vitest';
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts';

it.each([
  ['500ms', 500],
  ['90s', 90_000],
  ['65m', 3_900_000],
  ['10h', 36_000_000],
  ['1d', 86_400_000],
])('reads %s and writes it back', (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
  expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
});

it('writes the largest unit that fits', () => {
  expect([
    formatDuration(3_900_000),
    formatDuration(90_000),
    formatDuration(1),
    formatDuration(0),
    formatSize(131_072),
  ]).toEqual(['65m', '90s', '1ms', '0ms', '128KiB']);
});

it.each(['', '5', '5 s', '1.5s', '-1s', '1M', '9999999999s'])('refuses %j', (text) => {
  expect(parseDuration(text)).toBeUndefined();
  expect(parseSize(text)).toBeUndefined();
});
