// Room: programs that others wrote, run by live tests: each a child process with a deadline, ended by its own pid.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { fileURLToPath } from 'node:url';

/** Milliseconds a client may take: moving 2 MB through Python takes three seconds on a slow machine. */
const CLIENT_PATIENCE = 60_000;
/** Milliseconds until a server must listen, and the pause between two looks. */
const SERVER_PATIENCE = 15_000;
const LOOK_INTERVAL = 50;

export type Finished = { code: number | null; out: string; err: string };

/** Runs a program to its end; a program that is late is killed and ends with code null. */
export function runToEnd(command: string, args: readonly string[]): Promise<Finished> {
  return new Promise((resolve) => {
    const options = {
      timeout: CLIENT_PATIENCE,
      killSignal: 'SIGKILL',
      encoding: 'utf8',
      maxBuffer: 16 * 1_024 * 1_024,
    } as const;
    execFile(command, args, options, (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      resolve({ code, out, err });
    });
  });
}

/** Path of a script beside the witnesses. */
export function clientScript(name: string): string {
  return fileURLToPath(new URL(`../../../../tools/clients/${name}`, import.meta.url));
}

/**
 * The independent RPC over HTTP server, where it lies beside the project; undefined elsewhere. It speaks the RPC layer too
 * (bind, fragments, privacy), which the stand-in Exchange does not.
 */
export function emulatorScript(): string | undefined {
  const script = fileURLToPath(new URL('../../../../../shared/lab/rpch_emulator.py', import.meta.url));
  return existsSync(script) ? script : undefined;
}

export type Served = { port: number; stop(): Promise<void> };

/** Starts a program that listens on `port`, waits until it does, and stops it by its pid. */
export async function serve(
  command: string,
  args: readonly string[],
  port: number,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Served> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString('utf8');
  });
  const deadline = Date.now() + SERVER_PATIENCE;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop(child);
      throw new Error(`${command} ${args.join(' ')} does not listen on ${port}: ${complaint}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL));
  }
  return { port, stop: () => stop(child) };
}

export type Watched = {
  readonly pid: number;
  readonly said: string;
  until(what: RegExp): Promise<void>;
  stop(): Promise<void>;
};

/** Starts a program that runs until it is stopped, by its pid. `until` rejects where it ends or does not say that in time. */
export function watch(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Watched {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8');
    });
  }
  return {
    pid: child.pid ?? 0,
    get said() {
      return said;
    },
    async until(what) {
      const deadline = Date.now() + CLIENT_PATIENCE / 2;
      while (!what.test(said)) {
        if (child.exitCode !== null || Date.now() > deadline)
          throw new Error(`${command} did not say ${what}: ${said}`);
        await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL));
      }
    },
    stop: () => stop(child),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await gone;
  clearTimeout(late);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
