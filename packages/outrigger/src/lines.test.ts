import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { lineBuffer } from './lines.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('writes lines together and in order, soon after the first', () => {
  const write = vi.fn();
  const lines = lineBuffer(write);
  lines.put('one');
  vi.advanceTimersByTime(40);
  lines.put('two');
  expect(write).not.toHaveBeenCalled();
  vi.advanceTimersByTime(10);
  expect(write.mock.calls).toEqual([['one\ntwo\n']]);
  vi.advanceTimersByTime(1_000);
  expect(write).toHaveBeenCalledOnce();
});

it('does not wait with more than a pipe takes', () => {
  const write = vi.fn();
  const lines = lineBuffer(write);
  const line = 'x'.repeat(1_023);
  for (let count = 0; count < 64; count++) lines.put(line);
  expect(write.mock.calls).toEqual([[`${line}\n`.repeat(64)]]);
});

it('writes at once when told to, and nothing twice', () => {
  const write = vi.fn();
  const lines = lineBuffer(write);
  lines.put('last words');
  lines.flush();
  lines.flush();
  vi.advanceTimersByTime(1_000);
  expect(write.mock.calls).toEqual([['last words\n']]);
});
