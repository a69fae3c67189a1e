// Room: the Outrigger that a cut-over starts: a service that a command starts and returns from, or that very command as a process
// that stays; and how it is ended again.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { untilListening } from './address.ts';
import { type Backup, reach } from './backup.ts';
import { type Command, runCommandToEnd } from './command.ts';

/** Milliseconds until Outrigger must listen: a slow machine takes two seconds. */
const START_PATIENCE = 30_000;
/** Milliseconds from SIGTERM to the end: requests in flight are let finish for ten seconds. */
const STOP_PATIENCE = 20_000;
const STOP_INTERVAL = 20;

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
    env: { ...process.env, ...env },
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
export async function stopOutrigger({ manifest }: Backup): Promise<string | undefined> {
  const { outrigger, commands } = manifest;
  if (outrigger !== undefined && outrigger.born !== '' && born(outrigger.pid) === outrigger.born) {
    process.kill(outrigger.pid, 'SIGTERM');
    const deadline = performance.now() + STOP_PATIENCE;
    while (born(outrigger.pid) === outrigger.born) {
      if (performance.now() > deadline) {
        process.kill(outrigger.pid, 'SIGKILL');
        return undefined;
      }
      await new Promise((resolve) => setTimeout(resolve, STOP_INTERVAL));
    }
    return undefined;
  }
  return commands.stopOutrigger === undefined ? undefined : failure(commands.stopOutrigger);
}

async function failure(command: Command): Promise<string | undefined> {
  const { code, said } = await runCommandToEnd(command);
  return code === 0 ? undefined : `${command.argv.join(' ')} ended with ${code}: ${said}`;
}

/** When a process was born, in ticks of the kernel, proc_pid_stat(5) field 22; undefined where it is gone or waits to be buried. */
function born(pid: number): string | undefined {
  try {
    const [state, ...fields] = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return state === 'Z' || state === 'X' ? undefined : fields[18];
  } catch {
    return undefined; // it is gone
  }
}

/** Lines of Outrigger's own words that are told. */
const TOLD_LINES = 5;

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trim().split('\n').slice(-TOLD_LINES).join('\n');
}
