// What README and CONTRIBUTING tell a person to type is there: commands with their arguments and options, scripts and files.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { outrigger } from './testing/terminal.ts';

const TOP = join(import.meta.dirname, '../../..');
const README = readFileSync(join(TOP, 'README.md'), 'utf8');
const CONTRIBUTING = readFileSync(join(TOP, 'CONTRIBUTING.md'), 'utf8');
const { scripts } = JSON.parse(readFileSync(join(TOP, 'package.json'), 'utf8')) as { scripts: object };

/** Lines to type, without the remark behind them: indented by four, or alone in backticks. */
function typed(text: string, first: RegExp): string[] {
  const found = [...text.matchAll(/^ {4}(\S.*)$|`([^`\n]+)`/gm)].map(([, line, quoted]) => line ?? quoted ?? '');
  return found.map((line) => line.replace(/\s+#.*/, '')).filter((line) => first.test(line));
}

/** Words of a line as a shell takes them, as far as these lines need it. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');

const COMMANDS = [...new Set(typed(README, /^(?:npx )?outrigger [a-z]/))].map((line) => line.replace(/^npx /, ''));

describe('commands of the README', () => {
  it('are found', () => expect(COMMANDS.length).toBeGreaterThan(15));

  it.each(COMMANDS)('%s', async (line) => {
    const [, command = '', ...words] = wordsOf(line);
    const { code, out: help } = await outrigger(command, '--help');
    expect(code).toBe(0);
    const options = new Map(
      [...help.matchAll(/^ {2}(-{1,2}\w[\w-]*)(?:, (--[\w-]+))?( [<[])?/gm)].flatMap(
        ([, one = '', other = one, value]) =>
          [
            [one, value !== undefined],
            [other, value !== undefined],
          ] as const,
      ),
    );
    const given: string[] = [];
    for (let at = 0; at < words.length; at += 1) {
      const word = words[at] ?? '';
      if (!word.startsWith('-')) given.push(word);
      else {
        expect([...options.keys()]).toContain(word);
        if (options.get(word)) at += 1;
      }
    }
    const usage = /^Usage: (.*)$/m.exec(help)?.[1] ?? '';
    expect(given.length, usage).toBeGreaterThanOrEqual(usage.split('<').length - 1);
    expect(given.length, usage).toBeLessThanOrEqual((usage.match(/[<[](?!options)/g) ?? []).length);
  });

  it('and every option it speaks of, of one command or another', async () => {
    const names = ['import', 'validate', 'explain', 'run', 'verify', 'plan', 'rollback'];
    const help = (await Promise.all(names.map((name) => outrigger(name, '--help')))).map(({ out }) => out).join('\n');
    const spoken = typed(README, /^--[a-z]/).map((line) => /^--[\w-]+/.exec(line)?.[0] ?? '');
    expect(spoken.length).toBeGreaterThan(10);
    expect([...new Set(spoken)].filter((option) => !new RegExp(`${option}(?![\\w-])`).test(help))).toEqual([]);
  });
});

describe.each(Object.entries({ README, CONTRIBUTING }))('%s.md', (_, text) => {
  it('names scripts that there are', () => {
    const names = typed(text, /^npm (?:run )?[a-z]+$/).map((line) => line.replace(/^npm (?:run )?/, ''));
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !(name in scripts))).toEqual([]);
  });

  it('names files that there are', () => {
    const written = [...text.matchAll(/(?<![\w./])(?:packages|tools|fixtures)\/[\w./-]*\w/g)].map(([path]) => path);
    const sourceOf = (path: string): string => path.replace(/\bdist\/(.*)\.js$/, '$1.ts');
    expect(written.filter((path) => !existsSync(join(TOP, sourceOf(path))))).toEqual([]);
  });
});
