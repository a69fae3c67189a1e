// What each line of a section does to requests that are sent on, and which lines may stand in one, asked of the installed Apache.
// OUTRIGGER_RECORD=1 writes down the former for the test that runs where there is none.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { knownDirective } from './directives.ts';
import { NAMES } from './effects.ts';
import { EFFECTS_FILE, printEffectRows, readEffectRows } from './testing/effectrows.ts';
import { type EffectStage, everyModule, openEffectStage } from './testing/effectstage.ts';

const apache = daemonOrSkip('apache2');
const RECORD = process.env.OUTRIGGER_RECORD === '1';

describe.skipIf(apache === undefined)('lines of sections', () => {
  const rows = readEffectRows();
  let stage: EffectStage | undefined;
  beforeAll(async () => {
    stage = await openEffectStage(rows.map(({ line }) => line));
  }, 60_000);
  afterAll(() => stage?.close());

  it('do what they were recorded to do', { timeout: 300_000 }, async () => {
    const found = [];
    for (const [index, { line }] of rows.entries()) {
      found.push({ line, effects: (await stage?.effectsOf(index)) ?? [] });
    }
    const text = printEffectRows(found);
    if (RECORD) writeFileSync(EFFECTS_FILE, text);
    expect(text).toBe(readFileSync(EFFECTS_FILE, 'utf8'));
  });
});

/** Debian builds two examples of httpd's sources that nobody uses. */
const EXAMPLES = /^mod_case_filter/;

describe.skipIf(apache === undefined)('what apache2 -L lists', () => {
  it('is known, and has an effect in the table where it may stand in a section', () => {
    const listed = listedDirectives().filter(({ module }) => !EXAMPLES.test(module));
    expect(listed.length).toBeGreaterThan(600);
    const inside = listed.filter(({ isInside }) => isInside);
    expect(inside.filter(({ name }) => !NAMES.has(name.toLowerCase()))).toEqual([]);
    const placed = listed.map(({ name, isInside }) => [name, isInside]);
    expect(placed).toEqual(
      placed.map(([name]) => [name, /^(?:anywhere|inside)$/.test(knownDirective(String(name))?.place ?? '')]),
    );
  });
});

/** Directives of all modules of the installed Apache; `isInside`: one may stand in a section. */
function listedDirectives(): { name: string; module: string; isInside: boolean }[] {
  const dir = mkdtempSync(join(tmpdir(), 'outrigger-list-'));
  try {
    mkdirSync(join(dir, 'logs'));
    const modules = ['mpm_event', 'authz_core', ...everyModule()];
    const lines = modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`);
    writeFileSync(join(dir, 'httpd.conf'), [`ServerRoot ${dir}`, 'ServerName x', ...lines, ''].join('\n'));
    const text = execFileSync('apache2', ['-f', join(dir, 'httpd.conf'), '-L'], { encoding: 'utf8' });
    return [...text.matchAll(/^(\S+) \((\S+)\)\n\t.*\n\tAllowed in \*\.conf (.*)$/gm)].map(
      ([, name = '', module = '', where = '']) => ({ name, module, isInside: !where.startsWith('only outside') }),
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
