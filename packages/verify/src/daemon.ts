// Room: a daemon as a process of ours: where its program is, a folder that is gone afterwards, ready by asking, ended by its pid.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, rmSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/** Daemons live where an ordinary user's PATH does not look. */
const SBIN = ['/usr/sbin', '/usr/local/sbin', '/usr/local/squid/sbin', '/sbin'];

/** Path of the first of these programs that is installed. */
export function findProgram(names: readonly string[]): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...SBIN];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

/** Ports that the kernel gives to nobody of its own accord (Linux: ip_local_port_range begins at 32768) and few services have. */
const PORTS = { first: 10_000, count: 10_000 };
/** Ports that one process asks for in a row, before it comes round to them again. */
const PORTS_OF_A_PROCESS = 200;
let portsGiven = 0;

/**
 * Free ports, for programs that cannot be told to take any. Each process has ports of its own to give, one after another: until the
 * program listens, neither another copy nor a connection of the kernel's choice gets one. Fewer where no more are free.
 */
export async function freePorts(count: number): Promise<number[]> {
  const first = PORTS.first + ((process.pid * PORTS_OF_A_PROCESS) % PORTS.count);
  const ports: number[] = [];
  for (let tries = 0; tries < PORTS_OF_A_PROCESS && ports.length < count; tries += 1) {
    const port = first + (portsGiven++ % PORTS_OF_A_PROCESS);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

/** On every address: one of a copy may be any of loopback's. */
function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}

/** A folder that ends with the run. `owner`: whom the daemon changes to, where we are root and such a user exists. */
export type DaemonFolder = { path: string; run: string; owner?: Account; remove(): Promise<void> };

/** A user of this machine with its main group. */
type Account = { user: string; uid: number; gid: number };

/** Makes a folder that only the daemon's user can look into, with a folder `run` to write to. */
export async function daemonFolder(users: readonly string[]): Promise<DaemonFolder> {
  const path = await mkdtemp(join(tmpdir(), 'outrigger-verify-'));
  const run = join(path, 'run');
  await mkdir(run);
  const owner = process.getuid?.() === 0 ? firstAccount(users) : undefined;
  if (owner !== undefined) await Promise.all([path, run].map((folder) => chown(folder, owner.uid, owner.gid)));
  const removeNow = (): void => rmSync(path, { recursive: true, force: true });
  const forget = atExit(removeNow);
  return {
    path,
    run,
    ...(owner !== undefined && { owner }),
    remove: async () => {
      await rm(path, { recursive: true, force: true });
      forget();
    },
  };
}

/** Does a thing where this process ends before it was done with; the answer takes that back. */
export function atExit(act: () => void): () => void {
  process.once('exit', act);
  return () => void process.off('exit', act);
}

/** Writes files into the folder, readable by the daemon's user and by nobody else: an old config holds passwords. */
export async function writeFiles(folder: DaemonFolder, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder.path, name);
    await makeFolder(folder, dirname(name));
    await writeFile(path, Buffer.from(text, 'latin1'), { mode: 0o600 });
    if (folder.owner !== undefined) await chown(path, folder.owner.uid, folder.owner.gid);
  }
  await chmod(folder.path, 0o700);
}

async function makeFolder({ path, owner }: DaemonFolder, name: string): Promise<void> {
  if (name === '.') return;
  await mkdir(join(path, name), { recursive: true, mode: 0o700 });
  if (owner !== undefined) await chown(join(path, name), owner.uid, owner.gid);
}

function firstAccount(users: readonly string[]): Account | undefined {
  const user = users.find((each) => accountOf(each) !== undefined);
  return user === undefined ? undefined : accountOf(user);
}

/** Accounts by name: who is there does not change while we run. */
const accounts = new Map<string, Account | undefined>();

function accountOf(user: string): Account | undefined {
  if (accounts.has(user)) return accounts.get(user);
  const ids = ['-u', '-g'].map((flag) => spawnSync('id', [flag, user]));
  const [uid, gid] = ids.map(({ status, stdout }) => (status === 0 ? Number(stdout.toString()) : Number.NaN));
  const account = uid === undefined || gid === undefined || Number.isNaN(uid) ? undefined : { user, uid, gid };
  accounts.set(user, account);
  return account;
}

export type Started =
  /** `stop` asks it to end, `kill` does not ask. */
  { kind: 'ready'; stop(): Promise<void>; kill(): Promise<void> } | { kind: 'ended' | 'silent'; said: string };

/** Milliseconds until a daemon takes connections: Squid needs 160, a busy machine far more. */
const START_PATIENCE = 20_000;
/** Milliseconds between two tries to connect. */
const START_STEP = 15;
/** Milliseconds from SIGTERM to SIGKILL. Squid is told to wait for nobody. */
const STOP_PATIENCE = 5_000;
/** Characters of a daemon's own words that are kept: the last ones say why it does not start. */
const SAID_MAX = 20_000;

/** Starts a program in the foreground and waits until every port is ready, or until it has ended. */
export async function startProgram(
  program: string,
  args: readonly string[],
  ports: readonly number[],
  isReady: (port: number) => Promise<boolean> = takesConnections,
): Promise<Started> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let said = '';
  const hear = (piece: Buffer): void => {
    said = (said + piece.toString('latin1')).slice(-SAID_MAX);
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()).once('error', () => resolve()));
  // A daemon that leads a group of its own would outlive a command that is broken off.
  const kill = (): void => killGroup(child);
  void ended.then(atExit(kill));
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
  const deadline = performance.now() + START_PATIENCE;
  for (const port of ports) {
    if (await until(() => isReady(port), { deadline, step: START_STEP, givesUp: hasEnded })) continue;
    const kind = hasEnded() ? 'ended' : 'silent';
    await stop(child, ended);
    return { kind, said };
  }
  return {
    kind: 'ready',
    stop: () => stop(child, ended),
    kill: () => {
      kill();
      return ended;
    },
  };
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  const timer = setTimeout(() => killGroup(child), STOP_PATIENCE);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(timer);
}

/** The daemon and its children: it was started as the leader of a group of its own. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group has ended meanwhile, which is what was wanted.
  }
}

/**
 * Asks until it is so. False once `deadline` (milliseconds of performance.now) has passed or `givesUp` says so; asked at least once.
 * `step`: milliseconds between two questions.
 */
export async function until(
  isSo: () => Promise<boolean>,
  { deadline, step, givesUp = () => false }: { deadline: number; step: number; givesUp?: () => boolean },
): Promise<boolean> {
  while (!(await isSo())) {
    if (givesUp() || performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, step));
  }
  return true;
}

/** Milliseconds in which whoever listens on this machine lets a connection in; longer is nobody, as behind a filter that drops. */
const LOOK_PATIENCE = 1_000;

/** Whether anybody listens on a port of this machine. */
export function takesConnections(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host, port });
    const end = (is: boolean): void => {
      clearTimeout(late);
      socket.destroy();
      done(is);
    };
    const late = setTimeout(() => end(false), LOOK_PATIENCE);
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // the only answer node has for no
  }
}
