// Room: the seed of tests that ask a real daemon about cases drawn at random.

/**
 * OUTRIGGER_SEED, or the same one each time: what a daemon does with cases nobody has seen is found by whoever hunts for it, and
 * fails no change by luck. Prints it.
 */
export function seedOf(what: string): number {
  const seed = Number(process.env.OUTRIGGER_SEED ?? 20_261_125);
  console.log(`${what}: seed ${seed} (OUTRIGGER_SEED)`);
  return seed;
}
