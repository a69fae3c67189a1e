import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

// The table of fixtures/apache-rows.md against what it names: what Apache was seen to do, each thing once, and held.

const FIXTURES = new URL('../../fixtures/', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, FIXTURES), 'utf8');

/** Numbers of the observations, in the groups they were made in. */
const GROUPS: readonly (readonly [first: number, last: number])[] = [
  [1, 25],
  [30, 46],
  [50, 78],
  [80, 104],
  [110, 126],
  [130, 134],
  [140, 143],
  [150, 152],
  [160, 167],
  [170, 177],
];

const rows = [...read('apache-rows.md').matchAll(/^\| AP-(\d+) \| (.+?) \| (.+?) \|$/gm)].map(
  ([, number, , held = '']) => {
    const [, kind = ''] = /^(case|quirk|host|none)\b/.exec(held) ?? [];
    const names = kind === 'none' ? [] : [...held.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
    return { number: Number(number), kind, held, names };
  },
);
const cases = readdirSync(new URL('apache/', FIXTURES));
/** What a row may name, by its kind. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  case: cases,
  quirk: Object.keys(JSON.parse(read('apache-expansion-2.4.71.json'))),
  host: Object.keys(JSON.parse(read('apache-vhosts-2.4.71.json'))),
};

describe('rows of Apache', () => {
  it('has each number once, in order', () => {
    const wanted = GROUPS.flatMap(([first, last]) =>
      Array.from({ length: last - first + 1 }, (_, index) => first + index),
    );
    expect(rows.map(({ number }) => number)).toEqual(wanted);
  });

  it('names what holds each, or says why nothing does', () => {
    const silent = rows.filter(({ held, names }) => names.length === 0 && !/^none(?: yet)?: \S/.test(held));
    expect(silent).toEqual([]);
  });

  it('names only what is there', () => {
    const missing = rows.flatMap(({ kind, names }) => names.filter((name) => !KNOWN[kind]?.includes(name)));
    expect(missing).toEqual([]);
  });

  it.each(cases.filter((name) => name.startsWith('rows-')))('%s is named by the rows it names', (name) => {
    const numbers = [...read(`apache/${name}/httpd.conf`).matchAll(/^ *# .*$/gm)].flatMap(([comment]) =>
      [...comment.matchAll(/AP-(\d+)/g)].map(([, number]) => Number(number)),
    );
    expect(numbers).not.toHaveLength(0);
    // A range in words ("AP-51 to AP-53") names its ends.
    const silent = numbers.filter((number) => !rows.find((row) => row.number === number)?.names.includes(name));
    expect(silent, 'rows of fixtures/apache-rows.md that do not name this case').toEqual([]);
  });
});
