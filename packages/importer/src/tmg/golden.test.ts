// One walker over all cases of TMG, and files that nobody should hand to an importer. UPDATE_GOLDEN=1 rewrites rules and reports.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { dumpRules } from '@outrigger/rules';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importTmg, memoryReader, reportHtml, reportJson, reportText, type Translation } from '../index.ts';
import { expectFile, FIXTURES, filesOfCase } from '../testing/goldencase.ts';
import { dispositionErrors } from '../testing/ledgercount.ts';
import { seedOf } from '../testing/seed.ts';
import { expectLoadsAgain } from '../testing/soundimport.ts';
import { everyElement, readXml } from './xml.ts';

const CASES = readdirSync(join(FIXTURES, 'tmg'));
const RUNS = 2_000;
/** Milliseconds for all of them on a busy machine. */
const PATIENCE = 5 * 60_000;

function textOf(name: string): string {
  return filesOfCase(join(FIXTURES, 'tmg', name))['export.xml'] ?? '';
}

function imported(text: string): Translation {
  return importTmg({ file: 'export.xml', reader: memoryReader({ 'export.xml': text }) });
}

/** Holds rules and ledger to what they promise. */
function check(translation: Translation): void {
  const { rules } = translation;
  expect(dispositionErrors(translation)).toEqual([]);
  if (rules === undefined) return;
  expectLoadsAgain(rules, dumpRules(rules));
}

describe.each(CASES)('tmg/%s', (name) => {
  const folder = join(FIXTURES, 'tmg', name);
  const translation = imported(textOf(name));

  it('writes the rules', () => {
    const { rules } = translation;
    expectFile(join(folder, 'outrigger.yaml'), rules === undefined ? '# no rules\n' : dumpRules(rules));
  });

  it('reports', () => {
    const reason = translation.diagnostics.filter(({ code }) => code === 'TMG_NOTHING_TO_RUN');
    expect(reason).toHaveLength(translation.rules === undefined ? 1 : 0);
    expectFile(join(folder, 'report.txt'), reportText(translation));
  });

  it('accounts for every property, and writes what loads again', () => check(translation));

  it('shows each line of the file once, in its order', () => {
    if (translation.files.length === 0) return;
    const numbers = [...reportHtml(translation).matchAll(/class="number"[^>]*>(\d+)</g)].map((match) =>
      Number(match[1]),
    );
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });

  it('has an entry for every element that holds something', () => {
    const xml = readXml(textOf(name));
    if (xml.kind === 'refused' || translation.ledger.length === 0) return;
    const spans = translation.ledger.map(({ at, lastLine }) => [at.line, lastLine] as const);
    const left = [...everyElement(xml.root)].filter(
      ({ text, line }) => text !== '' && !spans.some(([first, last]) => first <= line && line <= last),
    );
    expect(left.map(({ name: element, line }) => `${element} of line ${line}`)).toEqual([]);
  });
});

describe('importTmg', () => {
  it('refuses what is too large, too deep or too many before it is parsed', () => {
    for (const [text, reason] of [
      ['<a>'.padEnd(33 * 1024 * 1024), /larger than/],
      ['<a>'.repeat(100) + '</a>'.repeat(100), /nested/],
      [`<a>${'<b/>'.repeat(1_000_001)}</a>`, /tags/],
      ['<a><__proto__>x</__proto__></a>', /cannot be read/],
    ] as const)
      expect(imported(text).diagnostics[0]?.message).toMatch(reason);
  });

  it('says in the report why a file could not be read', () => {
    const report = reportText(importTmg({ file: 'none.xml', reader: memoryReader({}) }));
    expect(report).toContain('No rules were written: none.xml could not be read: there is no such file');
  });

  it('shows no password', () => {
    const text = textOf('exchange').replace(
      '</fpc4:WebListener>',
      '<fpc4:Password dt:dt="string">Hunter2!</fpc4:Password></fpc4:WebListener>',
    );
    const translation = imported(text);
    for (const report of [reportText, reportJson, reportHtml]) expect(report(translation)).not.toContain('Hunter2!');
  });

  it('crashes on no mutated file, and the ledger adds up', { timeout: PATIENCE }, () => {
    const seed = seedOf('mutated exports');
    const cut = fc.tuple(
      fc.nat(),
      fc.nat(300),
      fc.constantFrom('', '<', '>', '0', 'x', '__proto__', '{L}', '&#0;', '/*'),
    );
    fc.assert(
      fc.property(fc.constantFrom(...CASES), fc.array(cut, { maxLength: 3 }), fc.boolean(), (name, cuts, inTexts) => {
        let text = textOf(name);
        for (const [at, length, into] of cuts) {
          // Half of them change texts only, so that the file stays well formed and reaches the rest of the importer.
          const texts = [...text.matchAll(/>([^<>\n]+)</g)];
          const found = inTexts ? texts[at % Math.max(texts.length, 1)] : undefined;
          const start = found === undefined ? at % (text.length + 1) : found.index + 1;
          const end = found === undefined ? start + length : start + (found[1] ?? '').length;
          text = text.slice(0, start) + into.replaceAll('<', inTexts ? '' : '<') + text.slice(end);
        }
        check(imported(text));
      }),
      { numRuns: RUNS, seed },
    );
  });
});
