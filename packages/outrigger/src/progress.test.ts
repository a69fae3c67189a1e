import { expect, it } from 'vitest';
import { progressBar } from './progress.ts';

function watched() {
  const lines: string[] = [];
  const terminal = { out() {}, err() {}, paint: (_: unknown, text: string) => text };
  return { lines, terminal: { ...terminal, status: (text: string) => void lines.push(text) }, blind: terminal };
}

it('shows how much is done, at most ten times a second, and clears its line', () => {
  const { lines, terminal } = watched();
  let clock = 0;
  const bar = progressBar(terminal, 'probes', () => clock);
  bar.show(1, 4);
  bar.show(2, 4);
  clock = 100;
  bar.show(4, 4);
  bar.clear();
  expect(lines).toEqual([
    '[########......................] 1/4 probes',
    '[##############################] 4/4 probes',
    '',
  ]);
});

it('is silent where nobody is looking', () => {
  const { blind } = watched();
  expect(() => {
    const bar = progressBar(blind, 'probes');
    bar.show(1, 4);
    bar.clear();
  }).not.toThrow();
});
