// Files by the thousand that nobody should hand to an importer. None may crash it, hold it up, or slip a line past the ledger.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { sampleSize } from '@outrigger/tools/sample';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importSquid, memoryReader } from '../index.ts';
import { FIXTURES, filesOfCase } from '../testing/goldencase.ts';
import { ledgerErrors } from '../testing/ledgercount.ts';
import { type Files, mutatedConfigs } from '../testing/mutations.ts';
import { expectSound, processorTime } from '../testing/soundimport.ts';
import { SQUID_DIALECT } from './testing/dialect.ts';

/** All of them in CI; elsewhere as many as a person waits for. */
const RUNS = Number(process.env.OUTRIGGER_MUTATIONS ?? (process.env.CI === 'true' ? sampleSize(10_000) : 2_000));
/** The same files each time, so that no change fails by luck: to hunt, give new seeds. */
const SEED = Number(process.env.OUTRIGGER_SEED ?? 294_195_569);
/** Milliseconds of processor time one file may take: processor time, for the machine may be busy with other tests. */
const TIME_MAX = 1_000;
/** Bytes that the process may have grown by at the end: what the collector has not returned yet, and no more. */
const GROWTH_MAX = 512 * 1024 * 1024;
/** Milliseconds for the whole of it, on a machine that has other things to do. */
const PATIENCE = 10 * 60_000;

const cases = new Map<string, Files>(
  ['contoso', ...under('squid'), ...under('realistic/squid')].map((name) => [name, filesOfCase(join(FIXTURES, name))]),
);

function under(folder: string): string[] {
  return readdirSync(join(FIXTURES, folder)).map((name) => `${folder}/${name}`);
}

describe('mutated files', () => {
  it('crash nothing, take no second, and are accounted for', { timeout: PATIENCE }, () => {
    console.log(`mutated files: seed ${SEED}, ${RUNS} runs (OUTRIGGER_SEED, OUTRIGGER_MUTATIONS)`);
    const before = process.memoryUsage().rss;
    fc.assert(
      fc.property(mutatedConfigs(cases, SQUID_DIALECT), ({ base, mutations, files }) => {
        const milliseconds = processorTime(() => check(files));
        // Once more, for a pause of the collector may fall on any file.
        if (milliseconds > TIME_MAX && processorTime(() => check(files)) > TIME_MAX)
          throw new Error(`${base} after ${mutations.join(', ')} took ${milliseconds} ms`);
      }),
      // Shrinking is for a person who waits; CI has the seed to tell.
      { numRuns: RUNS, seed: SEED, endOnFailure: process.env.CI === 'true' },
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(GROWTH_MAX);
  });
});

/** Imports, reports in every format, and holds ledger and rules to what they promise. */
function check(files: Files): void {
  const translation = importSquid({ files: ['squid.conf'], reader: memoryReader(files) });
  expectSound(translation, ledgerErrors(translation, files));
}
