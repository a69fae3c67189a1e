// Room: the recorder of golden cases: asks the installed Squid about each again. Prints what differs from the record, and with
// --write makes the record anew. `node tools/dist/squid/record.js [--write] CASE…`, or all under fixtures/squid.
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type HeadRow, type Heads, headRows, keyOf, printHeads, readHeads } from '../heads.ts';
import { printVerdicts, readCase, readRefusal, type SquidCase } from './cases.ts';
import { askSquid, squidVersion, type Testimony } from './oracle.ts';
import { isAlone, mayBeAlone, runAlone } from './solitude.ts';

const CASES = fileURLToPath(new URL('../../../fixtures/squid/', import.meta.url));

const { values, positionals } = parseArgs({
  options: { write: { type: 'boolean', default: false } },
  allowPositionals: true,
});

if (isAlone()) process.exitCode = await recordAll();
else if (mayBeAlone()) process.exitCode = await runAlone(fileURLToPath(import.meta.url), process.argv.slice(2));
else {
  console.error('no network namespace can be had here (unshare -n): nothing was asked');
  process.exitCode = 1;
}

async function recordAll(): Promise<number> {
  const names = positionals.length > 0 ? positionals : readdirSync(CASES);
  let [asked, differing] = [0, 0];
  for (const name of names) {
    const given = readCase(join(CASES, name), name);
    if (given.notRun !== undefined) {
      console.log(`${name}: not asked: ${given.notRun}`);
      continue;
    }
    const testimony = await askSquid(given);
    const differences = differencesOf(given, testimony);
    asked += 1;
    if (differences.length > 0) differing += 1;
    for (const difference of differences) console.log(`${name}: ${difference}`);
    if (values.write && differences.length > 0) record(given, testimony);
  }
  console.log(`${asked} cases asked of ${squidVersion()}, ${differing} differ from the record`);
  return differing > 0 && !values.write ? 1 : 0;
}

/** One sentence for each thing that Squid did otherwise than the record says. */
function differencesOf(given: SquidCase, testimony: Testimony): string[] {
  const refusal = readRefusal(given.folder);
  if (testimony.kind === 'refused') {
    const same = refusal.join('\n') === testimony.words.join('\n');
    return same ? [] : [`Squid does not start: ${testimony.words.join(' / ')}`];
  }
  const started = refusal.length > 0 ? ['Squid starts, which the record denies'] : [];
  return [
    ...started,
    ...given.probes.flatMap(({ method, target, host, verdict, columns }, index) => {
      const seen = testimony.verdicts[index];
      const request = [method, target, host ?? '(none)', ...columns].join(' ');
      // A connection that is closed with bytes unread ends in a reset where they came before the end.
      return seen === verdict || (verdict === 'ended' && seen === 'reset')
        ? []
        : [`${request}: recorded ${verdict}, seen ${seen}`];
    }),
    ...headDifferences(given, testimony.heads),
  ];
}

function headDifferences(given: SquidCase, heads: readonly Heads[]): string[] {
  const recorded = readHeads(given.folder);
  return seenRows(given, heads).flatMap((row) => {
    const values = recorded?.rows.find((each) => keyOf(each) === keyOf(row))?.values;
    return values === row.values ? [] : [`${keyOf(row)}: recorded ${values}, seen ${row.values}`];
  });
}

/** Rows of heads.tsv as they are now; none where the case is about no field. */
function seenRows({ folder, probes }: SquidCase, heads: readonly Heads[]): HeadRow[] {
  const watched = readHeads(folder)?.watched ?? [];
  return probes.flatMap((probe, index) => headRows(probe, heads[index] ?? {}, watched));
}

function record(given: SquidCase, testimony: Testimony): void {
  const { folder, comments, probes } = given;
  const month = new Date().toLocaleString('en', { month: 'long', year: 'numeric' });
  const [verdicts, refused] = [join(folder, 'verdicts.tsv'), join(folder, 'refused.txt')];
  if (testimony.kind === 'refused') {
    if (existsSync(verdicts)) rmSync(verdicts);
    writeFileSync(
      refused,
      [`# What ${squidVersion()} says instead of starting, ${month}.`, ...testimony.words, ''].join('\n'),
    );
    return;
  }
  if (existsSync(refused)) rmSync(refused);
  const seen = probes.map((probe, index) => ({ ...probe, verdict: testimony.verdicts[index] ?? '' }));
  const place = 'on the addresses and ports of squid.conf, with a stand-in for each peer';
  const sentence = `Seen on ${squidVersion()} ${place}, ${month}.`;
  writeFileSync(verdicts, printVerdicts({ comments, probes: seen }, sentence));
  const heads = readHeads(folder);
  if (heads === undefined) return;
  writeFileSync(join(folder, 'heads.tsv'), printHeads(heads, seenRows(given, testimony.heads), sentence), 'latin1');
}
