// One walker over all machines under fixtures/surroundings/: files from / on, what differs from an Apache on port 443 (given.json), and the steps
// that are told. UPDATE_GOLDEN=1 rewrites the steps.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { memoryReader } from '@outrigger/importer';
import { describe, expect, it } from 'vitest';
import { stepsText } from '../steps.ts';
import { type Around, surroundingSteps } from './surroundings.ts';

const CASES = join(import.meta.dirname, '../../../../../fixtures/surroundings');
const OURS = ['given.json', 'steps.txt'];

/** The cut-over that a case does not say otherwise. */
const USUAL: Omit<Around, 'reader'> = {
  holder: 'Apache',
  service: 'apache2',
  taken: [443],
  places: [8443],
  fresh: [],
  made: [],
  user: 'outrigger',
  accessLogs: [],
};

function machine(folder: string): Around {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !OURS.includes(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  const reader = memoryReader(
    Object.fromEntries(files.map((file) => [file.slice(folder.length), readFileSync(file, 'latin1')])),
  );
  const given = join(folder, 'given.json');
  return { reader, ...USUAL, ...(existsSync(given) ? JSON.parse(readFileSync(given, 'utf8')) : {}) };
}

describe.each(readdirSync(CASES))('surroundings/%s', (name) => {
  it('has these steps', () => {
    const folder = join(CASES, name);
    const { before, after } = surroundingSteps(machine(folder));
    const text = `${stepsText(before)}--\n${stepsText(after)}`;
    const expected = join(folder, 'steps.txt');
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(expected, text);
    expect(text).toBe(readFileSync(expected, 'utf8'));
  });
});
