import { expect, it } from 'vitest';
import { logicalLines, placeAt, wordsOf } from './lines.ts';

const read = (text: string) => logicalLines({ path: 'squid.conf', text });

it('numbers a continued line by its first physical line and its words by their own', () => {
  const [line] = read('\nacl x dstdomain \\\n# comment\n  a.test \\\n  b.test\n');
  expect(line?.line).toBe(2);
  expect(wordsOf(line ?? never()).map(({ text, line: number }) => [text, number])).toEqual([
    ['acl', 2],
    ['x', 2],
    ['dstdomain', 2],
    ['a.test', 4],
    ['b.test', 5],
  ]);
});

it('joins without a blank, so a word may cross lines', () => {
  const [line] = read('acl x urlpath_regex ^/ab\\\n   cd$');
  expect(wordsOf(line ?? never()).at(-1)?.text).toBe('^/abcd$');
});

it('ends a line at its first CR', () => {
  expect(read('via off\r trailing\n').map(({ text }) => text)).toEqual(['via off']);
});

it('marks a line whose continuation never comes', () => {
  expect(read('via off \\\n')[0]?.unfinished).toBe(true);
});

it('cuts a physical line where the buffer of Squid ends', () => {
  const lines = read(`acl x dstdomain ${'a'.repeat(8_191)}`);
  expect(lines.map(({ text, restOfLongLine }) => [text.length, restOfLongLine])).toEqual([
    [8_191, undefined],
    [16, true],
  ]);
});

it('takes an escaped blank into a word where patterns stand', () => {
  const [line] = read('acl x url_regex a\\ b c');
  expect(wordsOf(line ?? never(), 16, true).map(({ text }) => text)).toEqual(['a\\ b', 'c']);
});

it('keeps the include that led to a line', () => {
  const via = { file: 'main.conf', line: 7, directive: '' };
  const [line] = logicalLines({ path: 'part.conf', text: 'via off' }, via);
  expect(placeAt(line ?? never(), 0, 'via off')).toEqual({ file: 'part.conf', line: 1, directive: 'via off', via });
});

function never(): never {
  throw new Error('there is no line');
}
