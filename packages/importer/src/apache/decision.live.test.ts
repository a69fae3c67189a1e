// What Apache does with each request of the rows, asked of the installed one. OUTRIGGER_RECORD=1 writes its verdicts down for the
// test that runs where there is none.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIXTURES, filesOfCase } from '../testing/goldencase.ts';
import { type ApacheStage, openStage, treeOf } from './testing/stage.ts';

const apache = daemonOrSkip('apache2');
const RECORD = process.env.OUTRIGGER_RECORD === '1';
const CASES = join(FIXTURES, 'apache');
const withProbes = readdirSync(CASES).filter((name) => existsSync(join(CASES, name, 'probes.tsv')));

describe.skipIf(apache === undefined).each(withProbes)('apache/%s', (name) => {
  const folder = join(CASES, name);
  let stage: ApacheStage | undefined;
  beforeAll(async () => {
    stage = await openStage(treeOf(filesOfCase(folder)));
  });
  afterAll(() => stage?.close());

  it('answers as it was recorded', { timeout: 120_000 }, async () => {
    const rows = readFileSync(join(folder, 'probes.tsv'), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    const verdicts: string[] = [];
    for (const row of rows) {
      const [method = '', target = '', host = '', client = ''] = row.split('\t');
      verdicts.push(`${row}\t${await stage?.ask({ method, target, host, client, port: 443 })}`);
    }
    const text = ['# Apache/2.4.71 (Debian): method, target, Host, client, what it did', ...verdicts, ''].join('\n');
    const path = join(folder, 'verdicts.tsv');
    if (RECORD) writeFileSync(path, text);
    expect(text).toBe(readFileSync(path, 'utf8'));
  });
});
