// Files as the world hands them over: recipes, generators, templates, pasted pages, old versions. Written for the purpose.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dumpRules } from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { reportJson, reportText } from '../index.ts';
import { expectFile, FIXTURES, filesOfCase, importCase } from '../testing/goldencase.ts';
import { ledgerErrors } from '../testing/ledgercount.ts';
import { expectLoadsAgain, expectProvenance } from '../testing/soundimport.ts';

const FOLDER = join(FIXTURES, 'realistic/squid');

describe.each(readdirSync(FOLDER))('%s', (name) => {
  const folder = join(FOLDER, name);
  const translation = importCase(folder);
  const rules = translation.rules;
  const text = rules === undefined ? '# no rules\n' : dumpRules(rules);

  it('writes the rules', () => {
    expectFile(join(folder, 'outrigger.yaml'), text);
  });

  it('reports', () => {
    expectFile(join(folder, 'report.txt'), reportText(translation));
  });

  it('accounts for every directive once', () => {
    expect(ledgerErrors(translation, filesOfCase(folder))).toEqual([]);
  });

  it('writes the same bytes a second time', () => {
    const again = importCase(folder);
    expect(again.rules === undefined ? '# no rules\n' : dumpRules(again.rules)).toBe(text);
    expect(reportText(again)).toBe(reportText(translation));
    expect(reportJson(again)).toBe(reportJson(translation));
  });

  it('names the line each rule came from, in rules that load as what was written', () => {
    if (rules === undefined) return;
    expectProvenance(rules);
    expectLoadsAgain(rules, text);
  });

  it('tells no secret', () => {
    const written = `${text}${reportText(translation)}${reportJson(translation)}`;
    expect(secretsOf(folder).filter((secret) => written.includes(secret))).toEqual([]);
  });
});

/** Secrets a case names, one a line. */
function secretsOf(folder: string): string[] {
  const path = join(folder, 'secrets.txt');
  return existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : [];
}
