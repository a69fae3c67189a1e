// Room: running the product as a person does: its command line, as child processes.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type Ran = { code: number | null; out: string; err: string };

/** The running proxy. */
export type Running = {
  readonly pid: number;
  /** Resolves when it ends, to all it said. */
  readonly ended: Promise<string>;
  /** From now on hands each piece of its output to `hear`. */
  listen(hear: (text: string) => void): void;
  stop(): Promise<void>;
};

/** Milliseconds until the proxy says that it listens: node starts in 100, a busy machine takes its time. */
const START_PATIENCE = 30_000;
/** Milliseconds from the first signal to the second, which ends open connections, and from there to SIGKILL. */
const STOP_PATIENCE = 1_000;
/** Characters of the proxy's output kept for the case that it fails. */
const KEPT = 4_000;

/** The workspace's top folder, wherever under it the compiled or the source file lies. */
export function topFolder(from: string): string {
  let folder = from;
  while (!existsSync(join(folder, 'pnpm-workspace.yaml'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`${from} is not inside the workspace`);
    folder = parent;
  }
  return folder;
}

/** Runs `outrigger ARGS` to its end. */
export function runOutrigger(top: string, args: string[]): Promise<Ran> {
  const child = spawnOutrigger(top, args);
  const ran: Ran = { code: null, out: '', err: '' };
  child.stdout?.on('data', (piece: Buffer) => {
    ran.out += piece.toString();
  });
  child.stderr?.on('data', (piece: Buffer) => {
    ran.err += piece.toString();
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ ...ran, code }));
  });
}

/** Starts `outrigger run RULES` and waits until it listens; rejects with its own words where it ends instead. */
export async function startOutrigger(top: string, rules: string): Promise<Running> {
  const child = spawnOutrigger(top, ['run', rules]);
  let said = '';
  let hear = (_text: string) => {};
  let isListening = () => {};
  const listening = new Promise<void>((resolve) => {
    isListening = resolve;
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (piece: Buffer) => {
      said = (said + piece.toString()).slice(-KEPT);
      hear(piece.toString());
      if (said.includes('listening')) isListening();
    });
  }
  const ended = new Promise<string>((resolve) => child.once('close', () => resolve(said)));
  const stop = () => stopped(child, ended);
  const timer = setTimeout(stop, START_PATIENCE);
  const isUp = await Promise.race([listening.then(() => true), ended.then(() => false)]);
  clearTimeout(timer);
  if (!isUp) throw new Error(`outrigger run ended before it listened:\n${said}`);
  return {
    pid: child.pid ?? 0,
    ended,
    listen(listener) {
      hear = listener;
    },
    stop,
  };
}

async function stopped(child: ChildProcess, ended: Promise<string>): Promise<void> {
  child.kill('SIGTERM');
  const timers = [
    setTimeout(() => child.kill('SIGTERM'), STOP_PATIENCE),
    setTimeout(() => child.kill('SIGKILL'), 2 * STOP_PATIENCE),
  ];
  await ended;
  for (const timer of timers) clearTimeout(timer);
}

function spawnOutrigger(top: string, args: string[]): ChildProcess {
  const program = join(top, 'packages', 'outrigger', 'bin', 'outrigger.js');
  return spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}
