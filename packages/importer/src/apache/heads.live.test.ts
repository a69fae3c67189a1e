// What servers were sent and clients answered on the paths of a case, asked of the installed Apache. OUTRIGGER_RECORD=1 writes
// heads.tsv; that Outrigger does the same on the imported rules is apacheheads.test.ts of the program.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readProbes } from '@outrigger/tools/apache/probes';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import { headRows, printHeads, readHeads } from '@outrigger/tools/heads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIXTURES, filesOfCase } from '../testing/goldencase.ts';
import { type ApacheStage, openStage, treeOf } from './testing/stage.ts';

const apache = daemonOrSkip('apache2');
const RECORD = process.env.OUTRIGGER_RECORD === '1';
const SEEN = 'Seen on Apache/2.4.71 (Debian), with a stand-in for each server, November 2026.';
const CASES = join(FIXTURES, 'apache');
const withHeads = readdirSync(CASES).filter((name) => existsSync(join(CASES, name, 'heads.tsv')));

describe.skipIf(apache === undefined).each(withHeads)('apache/%s', (name) => {
  const folder = join(CASES, name);
  let stage: ApacheStage | undefined;
  beforeAll(async () => {
    stage = await openStage(treeOf(filesOfCase(folder)), { keepsTls: true });
  });
  afterAll(() => stage?.close());

  it('sends on and answers as it was recorded', { timeout: 120_000 }, async () => {
    const record = readHeads(folder);
    if (record === undefined) throw new Error('it is about no field');
    const rows = [];
    for (const probe of readProbes(folder)) {
      const heads = (await stage?.heads({ ...probe, port: 443 })) ?? {};
      rows.push(...headRows(probe, heads, record.watched));
    }
    const text = printHeads(record, rows, SEEN);
    const path = join(folder, 'heads.tsv');
    if (RECORD) writeFileSync(path, text, 'latin1');
    expect(text).toBe(readFileSync(path, 'latin1'));
  });
});
