import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIXTURES } from '../testing/goldencase.ts';
import { type Observed, observe, readObservations } from '../testing/observations.ts';

// Patterns drawn at random, asked of the C library's own regcomp: bash hands it what stands behind =~, with REG_EXTENDED as
// Squid does, and REG_ICASE under nocasematch. Its C library must be glibc, which Squid's is on Linux.

const bash = daemonOrSkip('bash');
const isGlibc = spawnSync('getconf', ['GNU_LIBC_VERSION']).status === 0;
if (!isGlibc) console.error('SKIPPED: the C library is not glibc: patterns were not compared');

/** Reads a flag and a pattern a line, and says for each subject given as an argument whether it matches. */
const ASK = `
while IFS= read -r flag && IFS= read -r pattern; do
  if [ "$flag" = i ]; then shopt -s nocasematch; else shopt -u nocasematch; fi
  seen=
  for subject in "$@"; do
    [[ $subject =~ $pattern ]]
    case $? in 0) seen+=1 ;; 1) seen+=0 ;; *) seen=invalid; break ;; esac
  done
  printf '%s\\n' "$seen"
done`;

function askGlibc(
  patterns: readonly { pattern: string; ignoreCase: boolean }[],
  subjects: readonly string[],
): string[] {
  const input = patterns.map(({ pattern, ignoreCase }) => `${ignoreCase ? 'i' : '-'}\n${pattern}\n`).join('');
  const { stdout } = spawnSync(bash ?? 'bash', ['-c', ASK, 'bash', ...subjects], {
    input: Buffer.from(input, 'latin1'),
    env: { ...process.env, LC_ALL: 'C' },
    maxBuffer: 64 * 1_024 * 1_024,
  });
  return stdout.toString('latin1').trimEnd().split('\n');
}

/** Arguments go out as UTF-8: only ASCII arrives as it was. */
/** Patterns a test: enough to meet each piece beside each other one; more by hand. */
const RUNS = Number(process.env.OUTRIGGER_FUZZ_RUNS ?? 2_000);

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

/** Pieces of patterns: letters the subjects hold, and everything that means something in an ERE. */
const PIECES =
  'a b A / . com owa \\. \\/ \\d \\w \\W \\s \\S \\b \\B \\< \\> [ab] [^a] [a-c] [[:alpha:]] [[:digit:]]+ [a\\d] []a] [^]/] ^ $ * + ? | ( ) {2} {,2} {1,} {1,3} .* (a|b) (/|$) (^|/) - _ \\\\ , @ & " x'.split(
    ' ',
  );
const pattern = fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 7 }).map((pieces) => pieces.join(''));

describe.skipIf(bash === undefined || !isGlibc)('patterns against the C library', () => {
  it('hears from it what was recorded from it', () => {
    const { subjects, rows } = readObservations(join(FIXTURES, 'ere/hosts.tsv'));
    const asked = rows.filter(({ pattern: text }) => isAscii(text));
    expect(askGlibc(asked, subjects)).toEqual(asked.map(({ matches }) => matches));
  });

  it.each([
    ['the text itself', 'text', 'paths.tsv', (subject: string) => subject],
    ['the path of a URL', 'path', 'paths.tsv', (subject: string) => `http://axb.d:81${subject}`],
    ['the host of a URL', 'host', 'hosts.tsv', (subject: string) => `https://${subject}/ab.c:0/com?contoso.com`],
  ] as const)('translates what matches the same over %s', (_what, subject, file, textOf) => {
    const seed = Number(process.env.OUTRIGGER_SEED ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`seed ${seed} (OUTRIGGER_SEED)`);
    const { subjects } = readObservations(join(FIXTURES, 'ere', file));
    const plain = subjects.filter(isAscii);
    const drawn = fc
      .sample(fc.record({ pattern, ignoreCase: fc.boolean() }), { seed, numRuns: RUNS })
      .filter(({ pattern: text }) => text.trim() !== '');
    const theirs = askGlibc(drawn, plain);
    const rows: Observed[] = drawn.map((each, index) => ({ ...each, matches: theirs[index] ?? '' }));
    const ours = rows.map((row) => [row.pattern, row.ignoreCase, observe(row, subject, plain.map(textOf))]);
    expect(ours).toEqual(rows.map((row) => [row.pattern, row.ignoreCase, row.matches]));
  });
});
