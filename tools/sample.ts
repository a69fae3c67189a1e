// Room: how much a test asks of what no Node can change: what a daemon answers to cases that were recorded from it, what becomes of
// configs broken by the thousand. CI asks all of it on one of its two Nodes, and a sample on the other (.ci/run).

/** Every how-manieth is asked: all of them unless OUTRIGGER_SAMPLE, a whole number from 1, says otherwise. */
const STEP = Math.max(1, Math.trunc(Number(process.env.OUTRIGGER_SAMPLE ?? 1)) || 1);

/** Of these, every how-manieth, the first among them: the same ones each time, so that no change fails by luck. */
export function sample<Item>(items: readonly Item[], step = STEP): Item[] {
  return items.filter((_, index) => index % step === 0);
}

/** Of so many draws, how many; at least one. */
export function sampleSize(count: number, step = STEP): number {
  return Math.ceil(count / step);
}
