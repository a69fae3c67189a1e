// Room: a network for live tests in which every address and port is free, 443 with them: a network namespace, held open by a process
// that ends with us. Programs run inside; the machine's own network is not touched.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

export type Network = {
  /** The words with which a program is run inside. */
  inside(program: string, ...args: string[]): [string, ...string[]];
  close(): Promise<void>;
};

/** Daemons live where an ordinary user's PATH does not look. */
const PATH = `PATH=${process.env.PATH}:/usr/sbin:/sbin`;
const IS_ROOT = process.getuid?.() === 0;
/** Root may just leave; anybody else needs a user namespace in which to be allowed to. */
const LEAVE = IS_ROOT ? ['-n'] : ['--user', '--map-current-user', '--keep-caps', '-n'];
const ENTER = IS_ROOT ? ['-n'] : ['-U', '-n', '--preserve-credentials'];

/** Whether this machine lets us have one. */
export function mayHaveNetwork(): boolean {
  return spawnSync('unshare', [...LEAVE, 'ip', 'link', 'set', 'lo', 'up']).status === 0;
}

/** Opens one with these addresses on loopback; any user may bind any port in it. */
export async function openNetwork(addresses: readonly string[]): Promise<Network> {
  const script = [
    'set -e',
    'ip link set lo up',
    ...addresses.map((address) => `ip addr add ${address}/${address.includes(':') ? 128 : 32} dev lo`),
    'echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start',
    'echo ready',
    // Until our end of the pipe is closed.
    'exec cat',
  ].join('\n');
  const holder = spawn('unshare', [...LEAVE, 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  return {
    inside: (program, ...args) => ['nsenter', '-t', String(holder.pid), ...ENTER, 'env', PATH, program, ...args],
    close: () => closed(holder),
  };
}

async function closed(holder: ChildProcess): Promise<void> {
  const gone = once(holder, 'exit');
  holder.stdin?.end();
  await gone;
}
