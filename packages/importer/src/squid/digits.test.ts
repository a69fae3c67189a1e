import { expect, it } from 'vitest';
import { decimalRange } from './digits.ts';

it.each([
  [1025, 65_535],
  [0, 0],
  [7, 113],
  [99, 1_000],
  [443, 443],
])('matches %i to %i and nothing beside', (first, last) => {
  const pattern = new RegExp(`^(?:${decimalRange(first, last).join('|')})$`);
  for (let number = 0; number <= 70_000; number += 1) {
    if (pattern.test(String(number)) !== (number >= first && number <= last))
      expect.fail(`${number} in ${pattern.source}`);
  }
});
