import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { watchSilence } from './silence.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('speaks up once, between the limit and a quarter later, counted from the last movement', () => {
  let moved = 0;
  const onSilence = vi.fn();
  watchSilence(400, () => moved, onSilence);
  vi.advanceTimersByTime(390);
  moved = 1;
  vi.advanceTimersByTime(399);
  expect(onSilence).not.toHaveBeenCalled();
  vi.advanceTimersByTime(101);
  expect(onSilence).toHaveBeenCalledOnce();
  vi.advanceTimersByTime(10_000);
  expect(onSilence).toHaveBeenCalledOnce();
});

it('counts anew where the limit changes, and never after it was stopped', () => {
  const onSilence = vi.fn();
  const watch = watchSilence(400, () => 0, onSilence);
  vi.advanceTimersByTime(390);
  watch.limit(4_000);
  vi.advanceTimersByTime(3_990);
  expect(onSilence).not.toHaveBeenCalled();
  watch.stop();
  vi.advanceTimersByTime(10_000);
  expect(onSilence).not.toHaveBeenCalled();
});
