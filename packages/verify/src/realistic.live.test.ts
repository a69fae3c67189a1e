import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { importSquid, memoryReader } from '@outrigger/importer';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import { describe, expect, it } from 'vitest';
import { type Difference, probeText, verifySquid } from './index.ts';

// Files as the world hands them over, held against the installed Squid: which of them it takes is recorded, with its own words;
// where it takes one, the rules do as it does.

const FIXTURES = join(import.meta.dirname, '../../../fixtures/realistic');
const RECORD = join(FIXTURES, 'squid-5.7.tsv');
const squid = daemonOrSkip('squid');
/** Requests for each file: there are sixty of them. */
const PROBES = 60;

const recorded = new Map(
  readFileSync(RECORD, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'))
    .map(([name = '', ...verdict]) => [name, verdict.join('\t')]),
);

function filesOf(name: string): Record<string, string> {
  const folder = join(FIXTURES, 'squid', name);
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  return Object.fromEntries(names.map((each) => [each, readFileSync(join(folder, each), 'latin1')]));
}

/** `taken`, or `refused` and the first fault Squid names. */
function verdictOf(result: Awaited<ReturnType<typeof verifySquid>>): string {
  if (result.kind === 'verified') return 'taken';
  const { code, said = '' } = result.problem;
  if (code !== 'CONFIG_REFUSED') return `not asked\t${code}`;
  const fault =
    said.split('\n').find((line: string) => /FATAL|ERROR|Bungled|unrecognized/i.test(line)) ?? said.split('\n')[0];
  return `refused\t${(fault ?? '').replace(/^.*?(?=FATAL|ERROR|Bungled)/, '').trim()}`;
}

const told = ({ probe, aspects }: Difference): string => `${probeText(probe)}: ${JSON.stringify(aspects)}`;
describe.skipIf(squid === undefined)('realistic files on the installed Squid', () => {
  const found = new Map<string, string>();
  it.each(readdirSync(join(FIXTURES, 'squid')))('%s', async (name) => {
    const files = filesOf(name);
    const result = await verifySquid({ files: ['squid.conf'], reader: memoryReader(files), most: PROBES });
    found.set(name, verdictOf(result));
    const { ledger } = importSquid({ files: ['squid.conf'], reader: memoryReader(files), squidVersion: '5.7' });
    const has = (...dispositions: string[]): boolean =>
      ledger.some(({ disposition }) => dispositions.includes(disposition));
    if (result.kind === 'verified') {
      expect(result.differences.map(told)).toEqual([]);
    } else if (result.problem.code === 'CONFIG_REFUSED') {
      // What stops Squid is a fault in the report as well.
      expect(has('malformed', 'unknown', 'untranslated')).toBe(true);
    }
    if (process.env.UPDATE_RECORD === '1') {
      const lines = [...found].map(([each, verdict]) => `${each}\t${verdict}`);
      writeFileSync(
        RECORD,
        `# Observed on Squid 5.7: what becomes of each file of squid/ (UPDATE_RECORD=1 asks again)\n${lines.join('\n')}\n`,
      );
    } else {
      expect(found.get(name)).toBe(recorded.get(name));
    }
  });
});
