import { expect, it } from 'vitest';
import { sample, sampleSize } from './sample.ts';

it('takes every how-manieth, the first among them', () => {
  expect(sample(['a', 'b', 'c', 'd', 'e', 'f', 'g'], 3)).toEqual(['a', 'd', 'g']);
  expect(sample(['a', 'b'], 1)).toEqual(['a', 'b']);
});

it('never takes nothing', () => {
  expect(sample(['a'], 5)).toEqual(['a']);
  expect([10_000, 5, 1].map((count) => sampleSize(count, 5))).toEqual([2_000, 1, 1]);
});
