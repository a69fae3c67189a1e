// What the first screen of a report says of every realistic tree: whether Outlook connects, what moved, what stayed and why. One file,
// to be read as a whole: a path of Exchange that stays must have a reason a person would accept. That of golden cases is in their reports.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { importApache, memoryReader, reportText, type Translation } from '../index.ts';
import { expectFile, FIXTURES, filesOfCase } from '../testing/goldencase.ts';
import { importRealistic, realisticTree, TREES } from './testing/realistic.ts';

/** Lines of a terminal. */
const SCREEN = 24;

const imports: readonly [name: string, translation: Translation][] = [
  ...TREES.map((name): [string, Translation] => [name, importRealistic(realisticTree(name))]),
  ...readdirSync(join(FIXTURES, 'apache')).map((name): [string, Translation] => {
    const reader = memoryReader(filesOfCase(join(FIXTURES, 'apache', name)));
    return [`apache/${name}`, importApache({ path: '', reader })];
  }),
];

it('tells of each configuration what moved, what stayed and why', () => {
  const told = imports.slice(0, TREES.length).map(([name, { overview = [], diagnostics }]) => {
    const refusal = diagnostics.find(({ code }) => code === 'APACHE_NOTHING_TO_RUN');
    const lines = overview
      .filter(({ question }) => question !== 'What next?')
      .flatMap(({ question, answers }) => answers.map((answer) => `  ${question} ${answer}`));
    return [name, ...(refusal === undefined ? lines : [`  No rules: ${refusal.message}`])].join('\n');
  });
  expectFile(join(FIXTURES, 'realistic/apache-overviews.txt'), `${told.join('\n')}\n`);
});

it('answers within the first screen', () => {
  for (const [name, translation] of imports) {
    const { overview = [] } = translation;
    const lines = reportText(translation).split('\n').slice(0, SCREEN).join('\n');
    for (const { question, answers } of overview) {
      expect(lines, name).toContain(question);
      expect(lines, name).toContain(answers.at(-1));
    }
    expect(overview.length > 0, name).toBe(translation.rules !== undefined);
  }
});
