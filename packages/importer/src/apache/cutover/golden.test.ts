// One walker over all cases of a cut-over: what its plan changes, from rules that its own import writes. Each holds the files of a machine
// from / on; a live test of the command asks the installed Apache of them. UPDATE_GOLDEN=1 rewrites the diffs.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RuleSet } from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { importApache, memoryReader, planApache, unifiedDiff } from '../../index.ts';
import { expectFile, FIXTURES, filesOfCase } from '../../testing/goldencase.ts';
import { changedReader } from './overlay.ts';

describe.each(readdirSync(join(FIXTURES, 'cutover')))('cutover/%s', (name) => {
  const folder = join(FIXTURES, 'cutover', name);
  const files = Object.entries(filesOfCase(folder)).map(([path, text]) => [`/${path}`, text] as const);
  const reader = memoryReader(Object.fromEntries(files));
  const path = reader.list('/etc/httpd') === undefined ? '/etc/apache2' : '/etc/httpd';
  const rules = importApache({ path, reader }).rules as RuleSet;
  const plan = planApache({ path, reader, rules });

  it('changes these lines', () => {
    expect(plan).toMatchObject({ kind: 'plan' });
    expectFile(join(folder, 'cutover.diff'), plan.kind === 'plan' ? unifiedDiff(plan.files) : '');
  });

  it('leaves nothing to change', () => {
    const changed = changedReader(reader, plan.kind === 'plan' ? plan.files : []);
    expect(planApache({ path, reader: changed, rules })).toMatchObject({ kind: 'plan', doors: [], files: [] });
  });
});
