import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { memoryReader } from '@outrigger/importer';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import { describe, expect, it } from 'vitest';
import { probeText, verifyApache } from '../index.ts';

// Every recorded Apache configuration, held against the installed Apache: what the import of it does not announce is a fault, of the
// import or of this. VERIFY_SEED asks other questions, VERIFY_PROBES more of them.

const CASES = join(import.meta.dirname, '../../../../fixtures/apache');
const apache = daemonOrSkip('apache2');
const SEED = Number(process.env.VERIFY_SEED ?? 1);
/** Probes a case: the whole must stay a thing one runs often. */
const PROBES = Number(process.env.VERIFY_PROBES ?? 150);

function filesOf(name: string): Record<string, string> {
  const folder = join(CASES, name);
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = found.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path), 'latin1')]));
}

/**
 * Cases in which the private copy answers otherwise than the Apache of the record, for ProxyPassMatch with groups and for balancers:
 * a fault of the copy, not of the import, which lower.live.test.ts and heads.live.test.ts hold against Apache in the same cases.
 */
const MISREAD: ReadonlySet<string> = new Set(['moving', 'rows-mapping', 'rows-parameters']);

describe.skipIf(apache === undefined)(`every recorded Apache configuration, seed ${SEED}`, () => {
  const cases = readdirSync(CASES);
  it.each(cases.filter((name) => !MISREAD.has(name)))('%s', { timeout: 60_000 }, expectAnnounced);
  it.fails.each([...MISREAD])('%s, which the copy misreads', { timeout: 60_000 }, expectAnnounced);

  async function expectAnnounced(name: string): Promise<void> {
    const reader = memoryReader(filesOf(name));
    const result = await verifyApache({ path: '', reader, seed: SEED, most: PROBES });
    if (result.kind === 'failed') throw new Error(`${result.problem.message} ${result.problem.said ?? ''}`);
    const told = result.differences.map(({ probe, aspects }) => ({
      probe: probeText(probe),
      faults: aspects.filter(({ announced }) => announced === undefined),
    }));
    expect(told).toEqual([]);
    expect(result.probes).toBeGreaterThan(20);
  }
});
