// One walker over all machines under fixtures/renewal/: files from / on, what is read of them, and what a cut-over changes, with port 80 left
// where it is and with port 80 taken. UPDATE_GOLDEN=1 rewrites what is expected.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { memoryReader } from '../source.ts';
import { expectFile, FIXTURES } from '../testing/goldencase.ts';
import { type PortEighty, renewalAdvice } from './advice.ts';
import { type Renewal, readRenewals } from './renewals.ts';

const EXPECTED = 'expected.txt';

function machine(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== EXPECTED)
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(files.map((file) => [file.slice(folder.length), readFileSync(file, 'latin1')]));
}

function shown(renewal: Renewal): string {
  const { client, name, method, written, webroot = '-', tellsOutrigger, file } = renewal;
  const head = `${client} ${name}: ${method} (${written}), folder ${webroot}, ${tellsOutrigger ? 'tells Outrigger' : 'tells nobody'} [${file}]`;
  const advice = (['stays', 'outrigger'] as const).map((portEighty: PortEighty) => {
    const { must, sentence, commands } = renewalAdvice(renewal, portEighty);
    const lines = commands.map((line) => `    ${line}`);
    return [
      `  port 80 ${portEighty === 'stays' ? 'stays' : 'is taken'}: ${must ? 'CHANGE, ' : ''}${sentence}`,
      ...lines,
    ].join('\n');
  });
  return `${[head, ...advice].join('\n')}\n`;
}

describe.each(readdirSync(join(FIXTURES, 'renewal')))('renewal/%s', (name) => {
  it('is read, and its change is told', () => {
    const folder = join(FIXTURES, 'renewal', name);
    expectFile(
      join(folder, EXPECTED),
      readRenewals(memoryReader(machine(folder)))
        .map(shown)
        .join('\n'),
    );
  });
});
