import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importApache, memoryReader } from '@outrigger/importer';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import { describe, expect, it } from 'vitest';
import { probeText, verifyApache } from '../index.ts';

// Every recorded Apache configuration, held against the installed Apache: what the import of it does not announce is a fault, of the
// import or of this. VERIFY_SEED asks other questions, VERIFY_PROBES more of them.

const FIXTURES = join(import.meta.dirname, '../../../../fixtures');
const apache = daemonOrSkip('apache2');
const SEED = Number(process.env.VERIFY_SEED ?? 1);
/** Probes a case: the whole must stay a thing one runs often. */
const PROBES = Number(process.env.VERIFY_PROBES ?? 100);
/** Cases at once: one for each side of a probe on a machine of two cores. */
const AT_ONCE = 2;
/** Files of a case's folder that are no part of the configuration. */
const BESIDE = new Set(['expected.tsv', 'verdicts.tsv', 'secrets.txt', 'outrigger.yaml', 'report.txt', 'defines.txt']);

const CASES = ['apache', 'realistic/apache'].flatMap((kind) =>
  readdirSync(join(FIXTURES, kind)).map((name) => `${kind}/${name}`),
);

function optionsOf(name: string) {
  const folder = join(FIXTURES, name);
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = found.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  const kept = paths.filter((path) => !BESIDE.has(path));
  const defines = join(folder, 'defines.txt');
  const names = existsSync(defines) ? readFileSync(defines, 'utf8').split('\n') : [];
  return {
    path: '',
    reader: memoryReader(Object.fromEntries(kept.map((path) => [path, readFileSync(join(folder, path), 'latin1')]))),
    names: names.filter((line) => line !== '' && !line.startsWith('#')),
  };
}

describe.skipIf(apache === undefined)(`every recorded Apache configuration, seed ${SEED}`, () => {
  const lanes: Promise<unknown>[] = Array.from({ length: AT_ONCE }, () => Promise.resolve());
  it.concurrent.each(CASES.map((name, index) => ({ name, lane: index % AT_ONCE })))(
    '$name',
    { timeout: 300_000 },
    async ({ name, lane }) => {
      const turn = lanes[lane] ?? Promise.resolve();
      const result = turn.then(() => expectAnnounced(name));
      lanes[lane] = result.catch(() => undefined);
      await result;
    },
  );
});

async function expectAnnounced(name: string): Promise<void> {
  const options = optionsOf(name);
  const result = await verifyApache({ ...options, seed: SEED, most: PROBES });
  if (importApache(options).rules === undefined) {
    expect(result).toMatchObject({ kind: 'failed', problem: { code: 'NOTHING_TO_COMPARE' } });
    return;
  }
  if (result.kind === 'failed') throw new Error(`${result.problem.message} ${result.problem.said ?? ''}`);
  const told = result.differences.map(({ probe, aspects }) => ({
    probe: probeText(probe),
    faults: aspects.filter(({ announced }) => announced === undefined),
  }));
  expect(told).toEqual([]);
  expect(result.probes).toBeGreaterThan(20);
}
