import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { outrigger } from './testing/terminal.ts';

// Files as the world hands them over, through the command line: it ends with the number that the report's words mean.

const FOLDER = fileURLToPath(new URL('../../../fixtures/realistic/squid/', import.meta.url));
const APACHE = fileURLToPath(new URL('../../../fixtures/realistic/apache/', import.meta.url));
const EXIT_BY_WORDS = [
  ['Everything was carried over', 0],
  ['Rules were written; ', 2],
  ['No rules were written: ', 1],
] as const;

/** What the words of a report say the command ends with; undefined where it says nothing of it. */
function exitByWords(report: string): number | undefined {
  const lines = report.split('\n');
  return EXIT_BY_WORDS.find(([words]) => lines.some((line) => line.startsWith(words)))?.[1];
}

describe('outrigger import', () => {
  it.each(readdirSync(FOLDER))('%s', async (name) => {
    const folder = join(FOLDER, name);
    const version = join(folder, 'squid-version');
    const args = existsSync(version) ? ['--squid-version', readFileSync(version, 'utf8').trim()] : [];
    const { code, out, err } = await outrigger('import', '--squid', join(folder, 'squid.conf'), ...args);
    expect(code).toBe(exitByWords(err));
    expect(err.split('\n').slice(0, 3)).toEqual(
      readFileSync(join(folder, 'report.txt'), 'utf8').split('\n').slice(0, 3),
    );
    expect(out === '').toBe(code === 1);
  });
});

describe('outrigger import --apache', () => {
  it.each(readdirSync(APACHE))('%s', async (name) => {
    const defines = join(APACHE, name, 'defines.txt');
    const names = existsSync(defines) ? readFileSync(defines, 'utf8').split('\n').filter(Boolean) : [];
    const args = names.flatMap((each) => ['-D', each]);
    const { code, out, err } = await outrigger('import', '--apache', join(APACHE, name), ...args);
    expect(code).toBe(exitByWords(err));
    expect(out === '').toBe(code === 1);
  });
});
