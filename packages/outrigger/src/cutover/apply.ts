// Room: the cut-over itself: files, Apache off the port, Outrigger on it, proof; and all of it back where anything fails.
import { untilListening } from './address.ts';
import { type Backup, createBackup, makeChanges, reach } from './backup.ts';
import { type Command, type Commands, commandText, type Ran, runCommandToEnd } from './command.ts';
import type { Cutover } from './cutover.ts';
import { takeLock } from './lock.ts';
import { startOutrigger } from './outrigger.ts';
import { type Obstacle, obstaclesOf, type Preflight } from './preflight.ts';
import { askAfter, askBefore, lookInLogs } from './probes.ts';
import { putBack } from './rollback.ts';

/** Milliseconds until nobody may listen on the old addresses any more: a graceful restart of Apache closes them at once, as Squid does. */
const LEAVE_PATIENCE = 30_000;

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
  | { kind: 'refused'; obstacles: Obstacle[] }
  /** It was tried, and put back; `trouble`: what could not be. */
  | { kind: 'put back'; message: string; backup: string; trouble: string[] };

/** Does what the plan says. `signal`: aborts it, and everything is put back. */
export async function applyCutover(options: {
  preflight: Preflight;
  commands: Commands;
  say: (text: string) => void;
  signal?: AbortSignal;
}): Promise<Applied> {
  const { preflight, commands } = options;
  const { plan, folder } = preflight;
  const refused = (code: Obstacle['code'], message: string): Applied => ({
    kind: 'refused',
    obstacles: [{ code, message }],
  });
  const lock = takeLock(folder);
  if (lock.kind === 'held')
    return refused('PREFLIGHT_UNDER_WAY', `another cut-over is under way, process ${lock.by}: wait for its end`);
  try {
    const obstacles = await obstaclesOf(preflight);
    if (obstacles.length > 0) return { kind: 'refused', obstacles };
    const round = await askBefore(plan.sites, plan.logs, plan.holder === 'Squid');
    if (round.asked.every(({ answer }) => answer === undefined))
      return refused(
        'PREFLIGHT_NO_ANSWER',
        'no site answers today, so that nothing could be proven: see to that first',
      );
    const backup = createBackup(folder, plan, commands, new Date());
    options.say(`what was is kept in ${backup.folder}`);
    for (const lost of backup.manifest.notKept) options.say(lost);
    try {
      return await change({ ...options, plan, backup, round });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      options.say(`${message}\nputting everything back`);
      const { trouble } = await putBack(backup, options.say);
      // Somebody listens again; whether it is who was there before, its answers say.
      if (trouble.length === 0) trouble.push(...(await askAfter(round)));
      return { kind: 'put back', message, backup: backup.folder, trouble };
    }
  } finally {
    lock.release();
  }
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
  plan: Cutover;
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
  // Squid leaves its port at once and ends when its clients have: the command that ends it may return half a minute later.
  const leaving = runCommandToEnd(commands.leave);
  const left = await untilLeft(plan, commands, leaving, signal);
  goOn();

  reach(backup, 'starting');
  const trouble = await startOutrigger(backup, taken, signal);
  const gap = performance.now() - left;
  goOn();
  if (trouble !== undefined) throw new Error(trouble);
  failUnless(await leaving, commands.leave);
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

/** Waits until nobody listens any more; when that was, on the clock of `performance`. Throws where the command fails or nobody leaves. */
async function untilLeft(
  { holder, doors }: Cutover,
  { leave }: Commands,
  leaving: Promise<Ran>,
  signal: AbortSignal | undefined,
): Promise<number> {
  const taken = doors.map((door) => door.taken);
  const failed = new AbortController();
  void leaving.then(({ code }) => code !== 0 && failed.abort());
  const isOver = (): boolean => signal?.aborted === true || failed.signal.aborted;
  const left = await untilListening(taken, false, LEAVE_PATIENCE, isOver);
  const at = performance.now();
  if (failed.signal.aborted) failUnless(await leaving, leave);
  if (!left) throw new Error(`${holder} does not leave ${taken.join(', ')}`);
  return at;
}

function failUnless({ code, said }: Ran, command: Command): void {
  if (code !== 0) throw new Error(`${commandText(command)} ended with ${code}:\n${said}`);
}

function whereabouts({ holder, doors }: Cutover): string {
  const places = doors.flatMap(({ place }) => place ?? []);
  return places.length === 0 ? `${holder} has ended` : `${holder} is on ${places.join(', ')}`;
}
