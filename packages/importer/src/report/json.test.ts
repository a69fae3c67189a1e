import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { importSquid, memoryReader, reportDocument, reportJson } from '../index.ts';
import { expectFile, FIXTURES } from '../testing/goldencase.ts';

const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');

it('gives scripts the whole report', () => {
  const text = readFileSync(join(FIXTURES, 'contoso/squid.conf'), 'latin1');
  const translation = importSquid({
    files: ['squid.conf'],
    reader: memoryReader({ 'squid.conf': text }),
    tighten: true,
  });
  expectFile(join(FIXTURES, 'contoso/tightened/report.json'), reportJson(translation));
});

it('gives scripts the same findings as people', () => {
  const document = reportDocument(
    importSquid({
      files: ['squid.conf'],
      reader: memoryReader({ 'squid.conf': 'include a.conf\n', 'a.conf': 'cache_mem \\\n 8 MB\nfoo_bar\n' }),
    }),
  );
  expect(document).toMatchObject({
    version: 1,
    outcome: 'failed',
    exitCode: 1,
    files: ['squid.conf', 'a.conf'],
    summary: { directives: 3, unknown: 1 },
  });
  const includedFrom = [{ file: 'squid.conf', line: 1 }];
  expect(document.directives.slice(1)).toMatchObject([
    { file: 'a.conf', line: 1, lastLine: 2, includedFrom, text: 'cache_mem 8 MB', disposition: 'irrelevant' },
    {
      file: 'a.conf',
      line: 3,
      lastLine: 3,
      includedFrom,
      findings: [{ code: 'SQUID_UNKNOWN_DIRECTIVE', severity: 'error' }],
    },
  ]);
  expect(document.diagnostics.map(({ code }) => code)).toEqual(['SQUID_UNKNOWN_DIRECTIVE', 'SQUID_NOTHING_TO_RUN']);
});

it('has a row in the README for every key', () => {
  const text = readFileSync(join(FIXTURES, 'contoso/tightened/report.json'), 'utf8');
  const document = JSON.parse(text) as object;
  const section = README.slice(README.indexOf('## The report for scripts'));
  expect(Object.keys(document).filter((key) => !section.includes(`\`${key}\``))).toEqual([]);
});
