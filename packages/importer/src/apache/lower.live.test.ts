// What the imported rules send to Exchange, asked of the installed Apache on the very configuration: it must have sent it to the
// same server under the same path, and refused whom the rules refuse.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import { sample } from '@outrigger/tools/sample';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryReader } from '../source.ts';
import { FIXTURES, filesOfCase } from '../testing/goldencase.ts';
import { importApache } from './import.ts';
import { isAsExpected, movedProbes, spread } from './testing/probes.ts';
import { type ApacheStage, openStage, treeOf } from './testing/stage.ts';

const apache = daemonOrSkip('apache2');
/** Requests of one case: enough for each path with each host, and with each client where somebody is refused. */
const REQUESTS_MAX = 600;
const LIFTS = ['exchange', 'all'] as const;
const all = sample(readdirSync(join(FIXTURES, 'apache')).flatMap((name) => LIFTS.map((lift) => ({ name, lift }))));
describe.skipIf(apache === undefined).each(all)('apache/$name with --lift $lift', ({ name, lift }) => {
  const files = filesOfCase(join(FIXTURES, 'apache', name));
  const tree = treeOf(files);
  const { rules } = importApache({ path: '', reader: memoryReader(files), lift });
  let stage: ApacheStage | undefined;
  beforeAll(async () => {
    stage = await openStage(tree);
  });
  afterAll(() => stage?.close());

  it('sends to Exchange what Apache sent there, and refuses whom Apache refused', { timeout: 120_000 }, async () => {
    expect(rules).toBeDefined();
    if (rules === undefined) return;
    const moved = movedProbes(tree, rules);
    const wrong: unknown[] = [];
    for (const { probe, expected } of spread(moved, REQUESTS_MAX)) {
      const { path: target, host, client, listener } = probe;
      const port = Number(/\d+$/.exec(listener.address)?.[0]);
      const answer = await stage?.ask({ method: 'GET', target, host, client, port });
      // The Host that servers are told is another question.
      if (answer === undefined || !isAsExpected(answer, expected))
        wrong.push({ host, target, client, port, expected, answer });
    }
    expect(wrong.slice(0, 5)).toEqual([]);
    if (rules.upstreams.has('exchange')) expect(moved.length).toBeGreaterThan(20);
  });
});
