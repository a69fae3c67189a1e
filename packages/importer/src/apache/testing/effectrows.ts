// Rows of fixtures/apache-section-effects.tsv: a line of a section, and what of requests that are sent on and of their answers the
// installed Apache made other with it than without.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FIXTURES } from '../../testing/goldencase.ts';

/** `line`: with `\n` between lines. `effects`: empty where nothing was other. */
export type EffectRow = { line: string; effects: string[] };

export const EFFECTS_FILE = join(FIXTURES, 'apache-section-effects.tsv');

const HEAD = [
  '# Seen on Apache/2.4.71 (Debian), November 2026: a line in the Location section of a path that is sent on, and what was other with it',
  '# than without: > towards the server, < towards the client, `unsent` where the server was asked nothing. Nothing behind a line: nothing.',
];

export function readEffectRows(): EffectRow[] {
  return readFileSync(EFFECTS_FILE, 'utf8')
    .split('\n')
    .filter((row) => row !== '' && !row.startsWith('#'))
    .map((row) => {
      const [line = '', ...effects] = row.split('\t');
      return { line, effects };
    });
}

export function printEffectRows(rows: readonly EffectRow[]): string {
  return `${[...HEAD, ...rows.map(({ line, effects }) => [line, ...effects].join('\t'))].join('\n')}\n`;
}
