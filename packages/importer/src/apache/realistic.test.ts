// Apache trees as the world hands them over: recipes, distributions, panels, templates, old versions, broken ones. Written for the
// purpose; what is expected of them was written down from what Apache does, and Apache was asked.
import { readFileSync } from 'node:fs';
import { dumpRules } from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { EXIT_CODES, reportHtml, reportJson, reportText } from '../index.ts';
import { expectLoadsAgain, expectProvenance } from '../testing/soundimport.ts';
import { apacheLedgerErrors } from './testing/ledgercount.ts';
import {
  fateIn,
  importRealistic,
  isAsApache,
  realisticTree,
  rowText,
  SYNTAX_RECORD,
  TREES,
} from './testing/realistic.ts';

const syntax = new Map(
  readFileSync(SYNTAX_RECORD, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'))
    .map(([name = '', verdict = '', place = '']) => [name, { verdict, place }]),
);

describe.each(TREES)('%s', (name) => {
  const tree = realisticTree(name);
  const translation = importRealistic(tree);
  const { rules } = translation;
  const text = rules === undefined ? '# no rules\n' : dumpRules(rules);

  it('ends as a person who knows Apache expects', () => {
    if (tree.exit !== undefined) expect(EXIT_CODES[translation.outcome], reportText(translation)).toBe(tree.exit);
  });

  it('moves what goes to Exchange, and leaves Apache the rest', () => {
    if (rules === undefined) return;
    for (const row of tree.rows.filter(({ fate }) => fate !== 'may')) {
      const { fate, server } = row;
      expect(fateIn(rules, row), rowText(row)).toBe(server ?? fate);
    }
  });

  it('does for no request what Apache did not', () => {
    for (const [index, verdict] of tree.verdicts.entries()) {
      const row = tree.rows[index];
      if (row === undefined || row.fate === 'added' || rules === undefined) continue;
      const fate = fateIn(rules, row);
      expect(isAsApache(fate, verdict), `${rowText(row)}: ${fate}, and Apache: ${verdict}`).toBe(true);
    }
  });

  it('names the line at which Apache refuses to start, and no other', () => {
    const refused = translation.ledger.find(({ remarks }) => remarks.some(({ code }) => code === 'APACHE_REFUSED'));
    const { verdict, place } = syntax.get(name) ?? { verdict: 'not recorded' };
    if (verdict === 'refused') expect(refused && `${refused.at.file}:${refused.lastLine}`).toBe(place);
    else expect(refused?.at).toBeUndefined();
    expect(verdict).not.toBe('not recorded');
  });

  it('accounts for every line once', () => {
    expect(apacheLedgerErrors(translation, tree.files)).toEqual([]);
  });

  it('writes the same bytes a second time', () => {
    const again = importRealistic(tree);
    expect(again.rules === undefined ? '# no rules\n' : dumpRules(again.rules)).toBe(text);
    expect(reportJson(again)).toBe(reportJson(translation));
  });

  it('writes rules that load as what was written', () => {
    if (rules === undefined) return;
    expectProvenance(rules);
    expectLoadsAgain(rules, text);
  });

  it('tells no secret', () => {
    const written = [text, reportText(translation), reportJson(translation), reportHtml(translation)].join('\n');
    expect(tree.secrets.filter((secret) => written.includes(secret))).toEqual([]);
  });
});
