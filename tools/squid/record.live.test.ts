import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { daemonOrSkip } from '../daemons.ts';
import { sample } from '../sample.ts';
import { mayBeAlone } from './solitude.ts';

// Every golden case, asked of the installed Squid again: what the record says it did, it still does.

const RECORDER = fileURLToPath(new URL('../dist/squid/record.js', import.meta.url));
const CASES = fileURLToPath(new URL('../../fixtures/squid/', import.meta.url));
/** Networks of their own side by side: the machine has two cores. */
const SHARES = 2;
/** Milliseconds for a share of the cases, 0.3 s each. */
const PATIENCE = 180_000;

const run = promisify(execFile);
const squid = daemonOrSkip('squid');
const alone = mayBeAlone();
if (!alone && process.env.CI === 'true') throw new Error('no network namespace can be had: live tests must run in CI');
if (!alone)
  console.error('SKIPPED: no network namespace can be had (unshare -n): golden cases were not asked of Squid again');

describe.skipIf(squid === undefined || !alone)('golden cases on the installed Squid', () => {
  it.concurrent.each(Array.from({ length: SHARES }, (_, share) => share))(
    'are decided as the record says (share %i)',
    async (share) => {
      const cases = sample(readdirSync(CASES)).filter((_, index) => index % SHARES === share);
      const { stdout } = await run(process.execPath, [RECORDER, ...cases]).catch(
        (failure: { stdout: string }) => failure,
      );
      const lines = stdout
        .trim()
        .split('\n')
        .filter((line) => !/: not asked: /.test(line));
      expect(lines).toEqual([expect.stringMatching(/^\d+ cases asked of Squid .*, 0 differ from the record$/)]);
    },
    PATIENCE,
  );
});
