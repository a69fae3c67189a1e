// The tree we read, asked of the installed Apache: what its mod_info prints of a configuration, with file and line, or the line
// at which it refuses to start; on every quirk we know by name, and on trees that nobody has thought of.
// OUTRIGGER_RECORD=1 writes its answers down for the test that runs where there is no Apache.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { diskReader } from '../source.ts';
import { seedOf } from '../testing/seed.ts';
import { type Answer, ENV, ENVIRONMENT, type Files, filesToWrite, NAMES, ourAnswer, QUIRKS } from './testing/quirks.ts';

const apache = daemonOrSkip('apache2');
const RECORD = process.env.OUTRIGGER_RECORD === '1';
const RECORDED = join(import.meta.dirname, '../../../../fixtures/apache-expansion-2.4.71.json');
/** Trees generated in one run; more by hand: OUTRIGGER_RUNS=5000. */
const RUNS = Number(process.env.OUTRIGGER_RUNS ?? 150);

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'outrigger-apache-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function write(files: Files): void {
  rmSync(root, { recursive: true, force: true });
  for (const [path, text] of Object.entries(filesToWrite(files, root))) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, 'latin1');
  }
}

function askApache(): Answer {
  const args = ['-t', ...NAMES.flatMap((name) => ['-D', name]), '-f', join(root, 'httpd.conf')];
  const { stdout, stderr, status } = spawnSync(apache ?? '', args, { encoding: 'latin1', cwd: root, env: ENVIRONMENT });
  if (status === 0) return dumped(stdout);
  const places = stderr.matchAll(
    /Syntax error on line (\d+) of (macro '.*?used on line \d+ of "[^"]*?\.conf"+|[^:]+):/g,
  );
  const [, line, file] = [...places].at(-1) ?? [];
  return line === undefined ? [stderr] : [`refused ${file}:${line}`];
}

function dumped(text: string): Answer {
  const lines: Answer = [];
  let file = '';
  let place = '';
  for (const line of text.split('\n')) {
    const inFile = /^ *# In file: (.*)$/.exec(line);
    const onLine = /^ *# +(\d+):$/.exec(line);
    if (inFile !== null) file = inFile[1] ?? '';
    else if (onLine !== null) place = `${file}:${onLine[1]}`;
    else if (/^ *<\//.test(line)) lines.push(line.trim().toLowerCase());
    else if (line !== '') lines.push(`${place} ${line.trim()}`);
  }
  return lines;
}

describe.skipIf(apache === undefined)('a tree as the installed Apache reads it', () => {
  const answers: Record<string, Answer> = {};
  afterAll(() => {
    if (RECORD) writeFileSync(RECORDED, `${JSON.stringify(answers, null, 1)}\n`);
  });

  it.each(QUIRKS)('%s', (name, files) => {
    write(files);
    const answer = askApache();
    answers[name] = answer.map((line) => line.replaceAll(root, '/etc/httpd'));
    expect(ourAnswer(diskReader(), root)).toEqual(answer);
  });

  it('reads generated trees as Apache does', { timeout: 60_000 + RUNS * 200 }, () => {
    fc.assert(
      fc.property(generatedTree, (files) => {
        write(files);
        expect(ourAnswer(diskReader(), root)).toEqual(askApache());
      }),
      { numRuns: RUNS, seed: seedOf('generated trees') },
    );
  });
});

const variable = (name: string): string => `$\{${name}}`;
const [a, b, given] = ['A', 'B', 'GIVEN'].map(variable) as [string, string, string];
const word = fc.constantFrom('a', 'b\\\\c', '"d e"', "'f", a, b, '$p', '@q', '#', '\\', 'x>', given, '"g\\"h"');
const words = fc.array(word, { minLength: 1, maxLength: 4 }).map((list) => list.join(' '));
const condition = fc.constantFrom(
  'IfDefine A',
  'IfDefine !B',
  'IfDefine GIVEN',
  'IfModule env_module',
  'IfModule !mod_proxy.c',
  'IfModule mod_proxy.c',
  'IfVersion >= 2.4',
  'IfVersion < 2.4',
  'IfFile one.conf',
  'IfDirective ProxyPass',
  'IfSection Macro',
);
const section = fc.constantFrom('Location /x', 'VirtualHost *:80', 'Directory /', 'Files y');
const tag = (open: string): string => open.split(' ', 1)[0] ?? '';

const { block } = fc.letrec<{ block: string; line: string }>((tie) => ({
  block: fc.array(tie('line'), { minLength: 1, maxLength: 5 }).map((lines) => lines.join('\n')),
  line: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    words.map((list) => `  ${ENV} ${list}`),
    words.map((list) => `${ENV} ${list} \\\n  more`),
    words.map((list) => `# ${list} \\\n${ENV} ${list}`),
    fc.constantFrom('', '#', 'Define A 1', `Define B "${a} 2"`, 'Define A', 'UnDefine A', 'Use m x "y z"', 'Use n'),
    fc.constantFrom(
      'Include one.conf',
      'IncludeOptional t*.conf',
      'Include d',
      'Include none',
      '</Location>',
      'Nosuch x',
    ),
    fc.tuple(condition, tie('block')).map(([open, inner]) => `<${open}>\n${inner}\n</${tag(open)}>`),
    fc.tuple(section, tie('block')).map(([open, inner]) => `<${open}>\n${inner}\n</${tag(open)}>`),
    tie('block').map((inner) => `<Macro m $p @q>\n${inner}\n</Macro>`),
    tie('block').map((inner) => `<Macro n>\n${inner}\n</Macro>`),
  ),
}));

const generatedTree: fc.Arbitrary<Files> = fc.record({
  'httpd.conf': block,
  'one.conf': block,
  'two.conf': block,
  'd/x': block,
  'd/y.bak': fc.constantFrom('', `${ENV} y\r\n`),
});
