import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

// The table of fixtures/field-cases.md against the tests it names: a promise whose test is gone is no promise.

const TOP = new URL('../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, TOP), 'utf8');

type Case = { number: string; behaviour: string; held: string };

const cases: Case[] = [...read('fixtures/field-cases.md').matchAll(/^\| ([A-H]\d+) \| (.+?) \| (.+?) \|$/gm)].map(
  ([, number = '', behaviour = '', held = '']) => ({ number, behaviour, held }),
);
const references = cases.flatMap(({ number, held }) =>
  [...held.matchAll(/`([^`]+\.test\.ts)` "([^"]+)"/g)].map(([, file = '', name = '']) => ({ number, file, name })),
);

/** True where the file has a test, or a row of an `it.each`, of exactly that name. */
function names(source: string, name: string): boolean {
  return ["'", '"', '`'].some((quote) => source.includes(`${quote}${name}${quote}`));
}

describe('field cases', () => {
  it('has a row for each case of the kinds A to H, once', () => {
    const count = (kind: string): number => cases.filter(({ number }) => number.startsWith(kind)).length;
    expect(new Set(cases.map(({ number }) => number)).size).toBe(cases.length);
    expect([...'ABCDEFGH'].map(count)).toEqual([15, 7, 9, 6, 9, 6, 7, 6]);
  });

  it('names a test in each row, or says why there is none', () => {
    const named = new Set(references.map(({ number }) => number));
    const silent = cases.filter(
      ({ number, held }) => !named.has(number) && !/^(not yet|nothing to test|as )/.test(held),
    );
    expect(silent).toEqual([]);
  });

  it.each(references)('$number is held by "$name"', ({ file, name }) => {
    expect(existsSync(new URL(file, TOP)), `${file} is there`).toBe(true);
    expect(names(read(file), name), `${file} has a test of that name`).toBe(true);
  });
});
