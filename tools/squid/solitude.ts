// Room: a network of one's own. A golden case names real-looking addresses and ports; in a network namespace they can all be
// had at once, so the config runs as it is written and nothing of the machine is touched.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** Set in the process that runs inside. */
const INSIDE = 'OUTRIGGER_SOLITUDE';

/** Root may just leave; anybody else needs a user namespace in which to be allowed to. */
const LEAVE = process.getuid?.() === 0 ? ['-n'] : ['--user', '--map-current-user', '--keep-caps', '-n'];

export function isAlone(): boolean {
  return process.env[INSIDE] === '1';
}

/** Whether this machine lets us have a network of our own. */
export function mayBeAlone(): boolean {
  return spawnSync('unshare', [...LEAVE, 'ip', 'link', 'set', 'lo', 'up']).status === 0;
}

/** Runs a node program inside, with our own stdout and stderr, and gives back its exit code. */
export async function runAlone(program: string, args: readonly string[]): Promise<number> {
  const child = spawn('unshare', [...LEAVE, process.execPath, program, ...args], {
    env: { ...process.env, [INSIDE]: '1' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

/** Makes addresses (IPv4) ours, on loopback; those of 127.0.0.0/8 are already. Only for a process that is alone. */
export function own(addresses: Iterable<string>): void {
  ip('link', 'set', 'lo', 'up');
  for (const address of addresses) if (!address.startsWith('127.')) ip('addr', 'replace', `${address}/32`, 'dev', 'lo');
}

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync('ip', args);
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr?.toString() ?? 'cannot be run'}`);
}
