// Room: processes as the kernel tells of them: which is which, though pids come again.
import { readdirSync, readFileSync } from 'node:fs';

/** When a process was born, in ticks of the kernel, proc_pid_stat(5) field 22; undefined where it is gone or waits to be buried. */
export function born(pid: number): string | undefined {
  try {
    const [state, ...fields] = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return state === 'Z' || state === 'X' ? undefined : fields[18];
  } catch {
    return undefined; // it is gone
  }
}

/** Pids of processes that were started with `name=value` in their environment, the oldest first. */
export function startedWith(name: string, value: string): number[] {
  const entry = `${name}=${value}`;
  const pids = readdirSync('/proc').filter((each) => /^\d+$/.test(each));
  return pids
    .map(Number)
    .filter((pid) => environmentOf(pid).includes(entry))
    .sort((a, b) => Number(born(a) ?? 0) - Number(born(b) ?? 0) || a - b);
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return []; // it is gone, or another user's
  }
}
