// Room: golden cases for tests: a folder under fixtures/ as the importer is given it, and the files expected beside it.
// UPDATE_GOLDEN=1 rewrites what is ours (rules, reports); what a daemon said is recorded and never rewritten here.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { importSquid, memoryReader, type Translation } from '../index.ts';

export const FIXTURES = join(import.meta.dirname, '../../../../fixtures');

const UPDATE = process.env.UPDATE_GOLDEN === '1';
/** Files of a case that are no part of the config. */
const NOT_CONFIG = [
  'outrigger.yaml',
  'report.txt',
  'verdicts.tsv',
  'heads.tsv',
  'probes.tsv',
  'refused.txt',
  'squid-version',
  'secrets.txt',
  'cutover.diff',
];
/** Folder of a case with what is expected of it under --tighten. */
const TIGHTENED = 'tightened';

/** The config of a case: path from its folder to content, as latin1. */
export function filesOfCase(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !NOT_CONFIG.includes(entry.name) && basename(entry.parentPath) !== TIGHTENED)
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'latin1')]));
}

/** The Squid that ran the file of a case, where the case says so. */
export function versionOfCase(folder: string): string | undefined {
  const path = join(folder, 'squid-version');
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
}

export function importCase(folder: string): Translation {
  const squidVersion = versionOfCase(folder);
  return importSquid({
    files: ['squid.conf'],
    reader: memoryReader(filesOfCase(folder)),
    ...(squidVersion !== undefined && { squidVersion }),
  });
}

export function expectFile(path: string, text: string): void {
  if (UPDATE) writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, 'utf8'));
}
