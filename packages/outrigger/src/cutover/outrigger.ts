// Room: the Outrigger that a cut-over starts: a service that a command starts and returns from, or that very command as a process
// that stays; and how it is ended again.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { untilListening } from './address.ts';
import { type Backup, reach } from './backup.ts';
import { type Command, runCommandToEnd } from './command.ts';
import { born, startedWith } from './process.ts';

/** Milliseconds until Outrigger must listen: a slow machine takes two seconds. */
const START_PATIENCE = 30_000;
/** Milliseconds from SIGTERM to the end: requests in flight are let finish for ten seconds. */
const STOP_PATIENCE = 20_000;
const STOP_INTERVAL = 20;
/** In the environment of the process that is started: its backup. So it is found though nobody came to write its pid down. */
const MARK = 'OUTRIGGER_CUTOVER';

/** Starts it and waits until it has the addresses; a sentence where it does not. */
export async function startOutrigger(
  backup: Backup,
  taken: readonly string[],
  signal?: AbortSignal,
): Promise<string | undefined> {
  const { argv, env } = backup.manifest.commands.startOutrigger;
  const [program, ...args] = argv;
  const log = join(backup.folder, 'outrigger.log');
  const file = openSync(log, 'a', 0o600);
  const child = spawn(program, args, {
    stdio: ['ignore', file, file],
    detached: true,
    env: { ...process.env, ...env, [MARK]: backup.folder },
  });
  closeSync(file);
  let ended: string | undefined;
  let isFailed = false;
  child.once('error', (error) => {
    ended = error.message;
    isFailed = true;
  });
  child.once('exit', (code, signal) => {
    ended = code === null ? `ended by ${signal}` : `ended with ${code}`;
    isFailed = code !== 0;
  });
  const { pid } = child;
  if (pid !== undefined) reach(backup, 'starting', { outrigger: { pid, born: born(pid) ?? '' } });
  const isThere = await untilListening(taken, true, START_PATIENCE, () => isFailed || signal?.aborted === true);
  child.unref();
  if (isThere && !isFailed) return undefined;
  return `Outrigger does not listen on ${taken.join(', ')} (${ended ?? 'it is running'}): ${lastLines(log)}`;
}

/** Ends what `startOutrigger` started; a sentence where that fails. */
export async function stopOutrigger({ folder, manifest }: Backup): Promise<string | undefined> {
  const { outrigger, commands } = manifest;
  const known = outrigger !== undefined && outrigger.born !== '' && born(outrigger.pid) === outrigger.born;
  // Of several that have the mark the oldest is the one; the others are its workers, and end with it.
  const pid = known ? outrigger.pid : startedWith(MARK, folder)[0];
  if (pid !== undefined) return endProcess(pid);
  return commands.stopOutrigger === undefined ? undefined : failure(commands.stopOutrigger);
}

async function endProcess(pid: number): Promise<undefined> {
  const since = born(pid);
  process.kill(pid, 'SIGTERM');
  const deadline = performance.now() + STOP_PATIENCE;
  while (since !== undefined && born(pid) === since) {
    if (performance.now() > deadline) {
      process.kill(pid, 'SIGKILL');
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, STOP_INTERVAL));
  }
}

async function failure(command: Command): Promise<string | undefined> {
  const { code, said } = await runCommandToEnd(command);
  return code === 0 ? undefined : `${command.argv.join(' ')} ended with ${code}: ${said}`;
}

/** Lines of Outrigger's own words that are told. */
const TOLD_LINES = 5;

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trim().split('\n').slice(-TOLD_LINES).join('\n');
}
