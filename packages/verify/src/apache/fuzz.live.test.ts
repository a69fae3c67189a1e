import { memoryReader } from '@outrigger/importer';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { probeText, verifyApache } from '../index.ts';
import { apacheTrees } from '../testing/apachetrees.ts';

// The importer held against the installed Apache on virtual hosts that nobody wrote. OUTRIGGER_RUNS says how many, OUTRIGGER_SEED which;
// what is found becomes a case under fixtures/apache. Without a seed the same are drawn each time, so that no change fails by luck.

const apache = daemonOrSkip('apache2');
const SEED = Number(process.env.OUTRIGGER_SEED ?? 40_029);
const RUNS = Number(process.env.OUTRIGGER_RUNS ?? 25);
/** Requests for each: enough to meet each line of it. */
const PROBES = 80;
/** Milliseconds for one on a busy machine. */
const PATIENCE = 20_000;

describe.skipIf(apache === undefined)(`random virtual hosts, seed ${SEED}`, () => {
  it('mean to the rules what they mean to Apache', { timeout: 60_000 + RUNS * PATIENCE }, async () => {
    console.log(`random virtual hosts: seed ${SEED}, ${RUNS} runs (OUTRIGGER_SEED, OUTRIGGER_RUNS)`);
    const ends = { compared: 0, probes: 0, refused: 0, 'without rules': 0 };
    await fc.assert(
      fc.asyncProperty(apacheTrees, async (files) => {
        const result = await verifyApache({ path: '', reader: memoryReader(files), most: PROBES, seed: SEED });
        if (result.kind === 'verified') {
          ends.compared += 1;
          ends.probes += result.probes;
          const told = result.differences.map(({ probe, aspects }) => ({
            probe: probeText(probe),
            faults: aspects.filter(({ announced }) => announced === undefined),
          }));
          expect(told.slice(0, 4)).toEqual([]);
        } else if (result.problem.code === 'CONFIG_REFUSED') ends.refused += 1;
        else if (result.problem.code === 'NOTHING_TO_COMPARE') ends['without rules'] += 1;
        else throw new Error(`${result.problem.code}: ${result.problem.message}\n${result.problem.said}`);
      }),
      { numRuns: RUNS, seed: SEED, endOnFailure: process.env.CI === 'true' },
    );
    console.log(JSON.stringify(ends));
    expect(ends.compared).toBeGreaterThan(RUNS / 2);
  });
});
