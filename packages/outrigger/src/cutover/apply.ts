// Room: the cut-over itself: files, Apache off the port, Outrigger on it, proof; and all of it back where anything fails.
import { isListening, untilListening } from './address.ts';
import { type Backup, createBackup, makeChanges, reach } from './backup.ts';
import { type Commands, commandText, runCommandToEnd } from './command.ts';
import type { Cutover } from './cutover.ts';
import { takeLock } from './lock.ts';
import { startOutrigger } from './outrigger.ts';
import { askAfter, askBefore, lookInLogs } from './probes.ts';
import { putBack } from './rollback.ts';

/** Milliseconds until Apache must be off its old addresses: a graceful restart closes them at once. */
const RELOAD_PATIENCE = 30_000;

export type Applied =
  /** `gap`: milliseconds in which nobody listened. `logs`: Apache's logs that name the client. */
  | {
      kind: 'applied';
      backup: string;
      gap: number;
      sites: number;
      unsteady: string[];
      logs: string[];
      silentLogs: string[];
    }
  /** Nothing was changed. */
  | { kind: 'refused'; message: string }
  /** It was tried, and put back; `trouble`: what could not be. */
  | { kind: 'put back'; message: string; backup: string; trouble: string[] };

/** Does what the plan says. `folder`: where backups are kept. `signal`: aborts it, and everything is put back. */
export async function applyCutover(options: {
  plan: Cutover;
  commands: Commands;
  folder: string;
  say: (text: string) => void;
  signal?: AbortSignal;
}): Promise<Applied> {
  const { plan, commands, folder } = options;
  const lock = takeLock(folder);
  if (lock.kind === 'held') return { kind: 'refused', message: `another cut-over is under way, process ${lock.by}` };
  try {
    const refusal = await obstacle(plan, commands);
    if (refusal !== undefined) return { kind: 'refused', message: refusal };
    const round = await askBefore(plan.sites, plan.logs, plan.holder === 'Squid');
    if (round.asked.every(({ answer }) => answer === undefined))
      return { kind: 'refused', message: 'no site answers today, so that nothing could be proven' };
    const backup = createBackup(folder, plan, commands, new Date());
    options.say(`what was is kept in ${backup.folder}`);
    try {
      return await change({ ...options, backup, round });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      options.say(`${message}\nputting everything back`);
      const { trouble } = await putBack(backup, options.say);
      return { kind: 'put back', message, backup: backup.folder, trouble };
    }
  } finally {
    lock.release();
  }
}

/** What stands in the way before anything is changed. */
async function obstacle({ doors, holder }: Cutover, { test }: Commands): Promise<string | undefined> {
  for (const { place } of doors)
    if (place !== undefined && (await isListening(place)))
      return `somebody listens on ${place} already: choose another address for Apache`;
  if (test === undefined) return undefined;
  const { code, said } = await runCommandToEnd(test);
  return code === 0
    ? undefined
    : `the test of ${holder} fails before anything is changed: ${commandText(test)}\n${said}`;
}

/** From the first changed byte on. Throws a sentence where anything fails. */
async function change({
  plan,
  commands,
  say,
  signal,
  backup,
  round,
}: Parameters<typeof applyCutover>[0] & {
  backup: Backup;
  round: Awaited<ReturnType<typeof askBefore>>;
}): Promise<Applied> {
  const goOn = (): void => {
    if (signal?.aborted) throw new Error('it was broken off');
  };
  const taken = plan.doors.map(({ taken: each }) => each);
  reach(backup, 'editing');
  makeChanges(plan.files);
  if (plan.files.length > 0) say(`${plan.files.length} files written`);
  goOn();
  const tested = commands.test === undefined ? undefined : await runCommandToEnd(commands.test);
  if (tested !== undefined && tested.code !== 0)
    throw new Error(`the test of ${plan.holder} refuses the changed files:\n${tested.said}`);
  goOn();

  reach(backup, 'reloading');
  const reloaded = await runCommandToEnd(commands.leave);
  if (reloaded.code !== 0)
    throw new Error(`${commandText(commands.leave)} ended with ${reloaded.code}:\n${reloaded.said}`);
  if (!(await untilListening(taken, false, RELOAD_PATIENCE, () => signal?.aborted === true)))
    throw new Error(`${plan.holder} does not leave ${taken.join(', ')}`);
  const left = performance.now();
  goOn();

  reach(backup, 'starting');
  const trouble = await startOutrigger(backup, taken, signal);
  const gap = performance.now() - left;
  goOn();
  if (trouble !== undefined) throw new Error(trouble);
  say(`${whereabouts(plan)}, Outrigger on ${taken.join(', ')}; nobody listened for ${Math.round(gap)} ms`);
  goOn();

  const wrong = await askAfter(round);
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  const logs = await lookInLogs(round, plan.logs);
  if (logs.wrong.length > 0) throw new Error(logs.wrong.join('\n'));
  goOn();
  reach(backup, 'applied');
  return {
    kind: 'applied',
    backup: backup.folder,
    gap,
    sites: round.asked.length,
    unsteady: round.asked.filter(({ isSteady }) => !isSteady).map(({ site }) => site.name),
    logs: logs.seen,
    silentLogs: logs.silent,
  };
}

function whereabouts({ holder, doors }: Cutover): string {
  const places = doors.flatMap(({ place }) => place ?? []);
  return places.length === 0 ? `${holder} has ended` : `${holder} is on ${places.join(', ')}`;
}
