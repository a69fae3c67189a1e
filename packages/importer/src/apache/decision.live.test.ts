// What Apache does with each request of the rows, asked of the installed one. OUTRIGGER_RECORD=1 writes its verdicts down for the
// test that runs where there is none.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIXTURES, filesOfCase } from '../testing/goldencase.ts';
import { seedOf } from '../testing/seed.ts';
import { apacheDecision } from './decision.ts';
import { readServers } from './servers.ts';
import { generatedConfig } from './testing/generated.ts';
import { CLIENTS, pathsOfTree, spread } from './testing/probes.ts';
import { type ApacheStage, openStage, treeOf } from './testing/stage.ts';
import { printed } from './testing/verdict.ts';

const apache = daemonOrSkip('apache2');
const RECORD = process.env.OUTRIGGER_RECORD === '1';
const CASES = join(FIXTURES, 'apache');
const withProbes = readdirSync(CASES).filter(
  (name) => existsSync(join(CASES, name, 'probes.tsv')) && !existsSync(join(CASES, name, 'heads.tsv')),
);

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

/** Configurations generated in one run; each starts an Apache. */
const RUNS = Number(process.env.OUTRIGGER_RUNS ?? 10);
const REQUESTS_EACH = 60;

describe.skipIf(apache === undefined)('generated virtual hosts', () => {
  it('do what we say they do', { timeout: 60_000 + RUNS * 10_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(generatedConfig, async (files) => {
        const tree = treeOf(files);
        const servers = readServers(tree);
        const stage = await openStage(tree);
        try {
          const all = CLIENTS.flatMap((client) => pathsOfTree(tree).map((target) => ({ client, target })));
          const wrong: unknown[] = [];
          for (const { client, target } of spread(all, REQUESTS_EACH)) {
            const question = { method: 'GET', target, host: 'mail.contoso.com', client };
            const { outcome } = apacheDecision(servers, {
              ...question,
              accepted: { address: '127.0.0.1', port: 443 },
              isTls: true,
              fields: [],
            });
            const answer = await stage.ask({ ...question, port: 443 });
            if (outcome.kind !== 'unknown' && printed(outcome) !== answer)
              wrong.push({ target, client, ours: printed(outcome), answer });
          }
          expect(wrong.slice(0, 3)).toEqual([]);
        } finally {
          await stage.close();
        }
      }),
      { numRuns: RUNS, seed: seedOf('generated virtual hosts') },
    );
  });
});
