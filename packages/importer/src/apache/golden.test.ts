// One walker over all cases of Apache: what an import writes, what its report says. UPDATE_GOLDEN=1 rewrites both.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { dumpRules, type RuleSet } from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { importApache, memoryReader, reportText } from '../index.ts';
import { expectFile, FIXTURES, filesOfCase } from '../testing/goldencase.ts';
import { expectLoadsAgain, expectProvenance } from '../testing/soundimport.ts';

describe.each(readdirSync(join(FIXTURES, 'apache')))('apache/%s', (name) => {
  const folder = join(FIXTURES, 'apache', name);
  const translation = importApache({ path: '', reader: memoryReader(filesOfCase(folder)) });
  const text = translation.rules === undefined ? '# no rules\n' : dumpRules(translation.rules);

  it('writes the rules', () => {
    expectFile(join(folder, 'outrigger.yaml'), text);
  });

  it('reports', () => {
    expectFile(join(folder, 'report.txt'), reportText(translation));
  });

  it('says something about every line', () => {
    for (const { remarks, text: directive } of translation.ledger) expect(remarks, directive).not.toHaveLength(0);
  });

  it('names the line each rule came from, and writes what loads again', () => {
    const rules = translation.rules as RuleSet;
    expectProvenance(rules);
    expectLoadsAgain(rules, text);
  });
});
