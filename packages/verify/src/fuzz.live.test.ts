import { importSquid, memoryReader } from '@outrigger/importer';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Difference, probeText, verifySquid } from './index.ts';
import { type Config, squidConfigs } from './testing/squidconfigs.ts';

// The importer held against the installed Squid on configs that nobody wrote. OUTRIGGER_FUZZ_RUNS says how many, OUTRIGGER_SEED
// which; what is found becomes a case under fixtures/squid. Without a seed the same configs are drawn each time, so that no
// change fails by luck: to hunt, give new seeds.

const squid = daemonOrSkip('squid');
const FIRST_SEED = 293_962_653;
const RUNS = Number(process.env.OUTRIGGER_FUZZ_RUNS ?? 40);
const SEED = Number(process.env.OUTRIGGER_SEED ?? FIRST_SEED);
/** Requests for each config: enough to meet each line of it, few enough for many configs. */
const PROBES = 150;
/** Milliseconds for one config on a busy machine. */
const PATIENCE = 20_000;

describe.skipIf(squid === undefined)(`random configs, seed ${SEED}`, () => {
  it('mean to the rules what they mean to Squid', { timeout: 60_000 + RUNS * PATIENCE }, async () => {
    console.log(`random configs: seed ${SEED}, ${RUNS} runs (OUTRIGGER_SEED, OUTRIGGER_FUZZ_RUNS)`);
    const ends = { compared: 0, probes: 0, refused: 0, 'without rules': 0 };
    await fc.assert(
      fc.asyncProperty(squidConfigs(), async (config) => {
        const result = await verifySquid({
          files: ['squid.conf'],
          reader: memoryReader(config),
          most: PROBES,
          seed: SEED,
        });
        if (result.kind === 'verified') {
          ends.compared += 1;
          ends.probes += result.probes;
          const differences = result.differences.filter((each) => !isBesideThePoint(each));
          if (differences.length > 0)
            throw new Error(`${printed(config)}\n${differences.slice(0, 8).map(told).join('\n')}`);
        } else if (result.problem.code === 'CONFIG_REFUSED') {
          ends.refused += 1;
          expectFault(config, result.problem.said ?? '');
        } else if (result.problem.code === 'NOTHING_TO_COMPARE') {
          ends['without rules'] += 1;
        } else {
          throw new Error(
            `${result.problem.code}: ${result.problem.message}\n${result.problem.said}\n${printed(config)}`,
          );
        }
      }),
      { numRuns: RUNS, seed: SEED, endOnFailure: process.env.CI === 'true' },
    );
    console.log(JSON.stringify(ends));
    expect(ends.compared).toBeGreaterThan(RUNS / 4);
  });
});

/** What stops Squid from starting must be an error of the report, too. */
function expectFault(config: Config, said: string): void {
  const { ledger } = importSquid({ files: ['squid.conf'], reader: memoryReader(config), squidVersion: '5.7' });
  if (ledger.some(({ disposition }) => disposition === 'malformed' || disposition === 'unknown')) return;
  throw new Error(`Squid refuses what the import takes: ${said}\n${printed(config)}`);
}

/** Answers that tell a client the same: denied, or malformed. */
const ALIKE = ['400', '403'];

/** What is no fault of the import: which of two refusals is told. */
function isBesideThePoint({ aspects }: Difference): boolean {
  return aspects.every((aspect) =>
    aspect.kind === 'status'
      ? ALIKE.includes(aspect.theirs) && ALIKE.includes(aspect.ours)
      : aspect.kind === 'head' && USUAL.includes(aspect.field),
  );
}

/** Fields that differ for every request, as announced. */
const USUAL = [
  'via',
  'surrogate-capability',
  'cache-control',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
];

/** The way of a request says more than the fields it was sent on with. */
function told({ probe, aspects }: Difference): string {
  const ways = aspects.filter(({ kind }) => kind !== 'head');
  return `${probeText(probe)}: ${JSON.stringify(ways.length > 0 ? ways : aspects.filter((aspect) => aspect.kind !== 'head' || !USUAL.includes(aspect.field)))}`;
}

const printed = (config: Config): string =>
  Object.entries(config)
    .map(([name, text]) => `--- ${name}\n${text}`)
    .join('\n');
