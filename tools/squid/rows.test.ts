import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

// The table of fixtures/squid-rows.md against the cases it names: what Squid was seen to do, each thing once, and held.

const FIXTURES = new URL('../../fixtures/', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, FIXTURES), 'utf8');

/** Numbers of the observations, in the groups they were made in. */
const GROUPS: readonly (readonly [first: number, last: number])[] = [
  [1, 18],
  [20, 28],
  [30, 46],
  [50, 71],
  [80, 92],
  [100, 120],
  [130, 137],
  [140, 161],
  [170, 173],
  [180, 184],
  [190, 196],
  [200, 211],
  [220, 226],
  [230, 231],
  [240, 246],
  [250, 255],
];

const rows = [...read('squid-rows.md').matchAll(/^\| SQ-(\d+) \| (.+?) \| (.+?) \|$/gm)].map(
  ([, number, behaviour = '', held = '']) => ({
    number: Number(number),
    behaviour,
    held,
    cases: held.startsWith('none') ? [] : [...held.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  }),
);
const cases = readdirSync(new URL('squid/', FIXTURES));

describe('rows of Squid', () => {
  it('has each number once, in order', () => {
    const wanted = GROUPS.flatMap(([first, last]) =>
      Array.from({ length: last - first + 1 }, (_, index) => first + index),
    );
    expect(rows.map(({ number }) => number)).toEqual(wanted);
  });

  it('names a case for each, or says why there is none', () => {
    const silent = rows.filter(({ held, cases: named }) => named.length === 0 && !/^none(?: yet)?: \S/.test(held));
    expect(silent).toEqual([]);
  });

  it('names only cases that are there', () => {
    const missing = rows.flatMap(({ cases: named }) => named).filter((name) => !cases.includes(name));
    expect(missing).toEqual([]);
  });

  it.each(cases)('%s says its quirk first, and the rows it names name it', (name) => {
    const [first = ''] = read(`squid/${name}/squid.conf`).split('\n');
    expect(first).toMatch(/^# \S/);
    const numbers = [...first.matchAll(/SQ-(\d+)/g)].map(([, number]) => Number(number));
    const silent = numbers.filter((number) => !rows.find((row) => row.number === number)?.cases.includes(name));
    // A range in words ("SQ-100 to SQ-103") names its ends.
    expect(silent, 'rows of fixtures/squid-rows.md that do not name this case').toEqual([]);
  });

  it('has a verdict for each case, or Squid’s own words, or the reason why neither could be had', () => {
    const bare = cases.filter(
      (name) => !['verdicts.tsv', 'refused.txt'].some((file) => existsSync(new URL(`squid/${name}/${file}`, FIXTURES))),
    );
    expect(bare).toEqual([]);
  });
});
