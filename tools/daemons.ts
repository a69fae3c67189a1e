// Room: the real programs that live tests ask: where they are, what to do where they are missing, and running Squid and
// Apache in the foreground on a folder of their own, so that nothing of the machine's own service is touched.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as connectPlain, createServer } from 'node:net';
import { delimiter, join } from 'node:path';

/** How each is found: a program in the search path, or a module of Debian's Python. `package`: what to install. */
const DAEMONS = {
  squid: { programs: ['squid'], package: 'squid-openssl' },
  apache2: { programs: ['apache2', 'httpd'], package: 'apache2' },
  curl: { programs: ['curl'], package: 'curl' },
  openssl: { programs: ['openssl'], package: 'openssl' },
  chromium: { programs: ['chromium', 'chromium-browser'], package: 'chromium' },
  freerdp: { programs: ['xfreerdp'], package: 'freerdp2-x11' },
  freerdpServer: { programs: ['freerdp-shadow-cli'], package: 'freerdp2-shadow-x11' },
  xvfb: { programs: ['Xvfb'], package: 'xvfb' },
  impacket: { pythonModule: 'impacket.dcerpc.v5.rpch', package: 'python3-impacket' },
  samba: { pythonModule: 'samba.dcerpc.echo', package: 'python3-samba' },
} as const;
export type DaemonName = keyof typeof DAEMONS;

const PYTHON = '/usr/bin/python3';
/** Daemons live where an ordinary user's PATH does not look. */
const SBIN = ['/usr/sbin', '/usr/local/sbin', '/sbin'];

/** Path of the program, or of the Python that has the module; undefined where it is not installed. */
export function findDaemon(name: DaemonName): string | undefined {
  const daemon = DAEMONS[name];
  if ('pythonModule' in daemon) {
    const found = existsSync(PYTHON) && spawnSync(PYTHON, ['-c', `import ${daemon.pythonModule}`]).status === 0;
    return found ? PYTHON : undefined;
  }
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...SBIN];
  const paths = daemon.programs.flatMap((program) => folders.map((folder) => join(folder, program)));
  return paths.find(isExecutable);
}

/**
 * The same for a live test. A missing daemon is a failure in CI, where someone has to notice, and one loud line elsewhere,
 * with undefined for the test to skip on.
 */
export function daemonOrSkip(
  name: DaemonName,
  { find = findDaemon, ci = process.env.CI === 'true', say = (line: string): void => console.error(line) } = {},
): string | undefined {
  const path = find(name);
  if (path !== undefined) return path;
  const missing = `${name} is not installed (Debian package ${DAEMONS[name].package})`;
  if (ci) throw new Error(`${missing}: live tests must run in CI`);
  say(`SKIPPED: ${missing}: live tests against it did not run`);
  return undefined;
}

/** Ports that the kernel gives to nobody of its own accord (Linux: ip_local_port_range begins at 32768) and few services have. */
const PORTS = { first: 20_000, count: 12_000 };
/** Ports that one process asks for in a row, before it comes round to them again. */
const PORTS_OF_A_PROCESS = 100;
let portsGiven = 0;

/**
 * A TCP port of 127.0.0.1 that is free: for programs that cannot be told to take any. Each process has ports of its own to give, one
 * after another: until the program listens, neither another test nor a connection of the kernel's choice gets it.
 */
export async function freePort(): Promise<number> {
  const first = (process.pid * PORTS_OF_A_PROCESS) % PORTS.count;
  for (let tries = 0; tries < PORTS_OF_A_PROCESS; tries += 1) {
    const port = PORTS.first + first + (portsGiven++ % PORTS_OF_A_PROCESS);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port is free from ${PORTS.first + first} on`);
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}

export type Daemon = {
  readonly pid: number;
  /** Ends this very process and waits until it is gone. */
  stop(): Promise<void>;
  /** The same without its leave: Squid asked to end takes 2 s, even where nobody is connected. */
  kill(): Promise<void>;
};

/** Where Linux keeps POSIX shared memory. */
const SHARED_MEMORY = '/dev/shm';

/** Squids started by this process. */
let squids = 0;

/** Milliseconds until a daemon listens: Squid needs 200, a machine busy with other tests needs more. */
const START_PATIENCE = 20_000;
/** Milliseconds between two tries to connect. */
const START_STEP = 20;
/** Milliseconds from SIGTERM to SIGKILL: Apache gives children that hold a channel up to 10 s. */
const STOP_PATIENCE = 15_000;
/** Characters of a daemon's own words quoted when it does not start. */
const QUOTED = 2_000;

/**
 * Runs the installed Squid on `conf` (text) in `dir`, a temporary folder of the caller's, and waits until it listens where
 * the http_port and https_port lines say. Relative names in it count from `dir`. Process id, cache.log, and access.log where the config names none, go to
 * `dir/run`. As root it runs as Debian's `proxy`, for whom `dir` is opened. Rejects with Squid's own words where it ends.
 */
export async function startSquid({ conf, dir, zone }: { conf: string; dir: string; zone?: string }): Promise<Daemon> {
  const run = await runFolder(dir, 'proxy');
  const text = [
    conf,
    `pid_filename ${run}/squid.pid`,
    `cache_log ${run}/cache.log`,
    ...(/^\s*access_log\s/m.test(conf) ? [] : [`access_log stdio:${run}/access.log`]),
    `coredump_dir ${run}`,
    'shutdown_lifetime 0 seconds',
    'pinger_enable off',
    ...(isRoot() ? ['cache_effective_user proxy'] : []),
    '',
  ].join('\n');
  const file = join(dir, 'squid.conf');
  await writeFile(file, text);
  // Its shared memory is named for the service: two Squids of one name would take each other's.
  const service = `live${process.pid}n${++squids}`;
  const daemon = await start(
    'squid',
    ['-N', '-n', service, '-f', file],
    dir,
    addressesIn(conf, /^\s*https?_port\s+(\S+)/gm),
    `${run}/cache.log`,
    zone === undefined ? {} : { TZ: `:${zone}` },
  );
  return { ...daemon, kill: () => daemon.kill().then(() => forgetMemory(service)) };
}

/** What a Squid that was killed leaves behind: segments of shared memory that bear its service's name. */
async function forgetMemory(service: string): Promise<void> {
  const names = await readdir(SHARED_MEMORY).catch(() => []);
  const left = names.filter((name) => name.startsWith(`${service}-`));
  await Promise.all(left.map((name) => rm(join(SHARED_MEMORY, name), { force: true })));
}

/**
 * Runs the installed Apache on `conf` (text) in `dir`, as startSquid does, and waits until it listens where the Listen
 * lines say. mpm_event and authz_core are loaded; `modules` names more (`ssl`, `proxy`, `proxy_http`). Logs: `dir/run`.
 */
export async function startApache({
  conf,
  dir,
  modules = [],
}: {
  conf: string;
  dir: string;
  modules?: string[];
}): Promise<Daemon> {
  const run = await runFolder(dir, 'www-data');
  const moduleFolder = ['/usr/lib/apache2/modules', '/usr/lib64/httpd/modules'].find(existsSync) ?? 'modules';
  const text = [
    `ServerRoot ${dir}`,
    'ServerName localhost',
    `PidFile ${run}/apache.pid`,
    `DefaultRuntimeDir ${run}`,
    `Mutex file:${run} default`,
    `ErrorLog ${run}/error.log`,
    ...['mpm_event', 'authz_core', ...modules].map(
      (name) => `LoadModule ${name}_module ${moduleFolder}/mod_${name}.so`,
    ),
    ...(isRoot() ? ['User www-data', 'Group www-data'] : []),
    conf,
    '',
  ].join('\n');
  const file = join(dir, 'apache.conf');
  await writeFile(file, text);
  return start(
    'apache2',
    ['-D', 'FOREGROUND', '-f', file],
    dir,
    addressesIn(conf, /^\s*Listen\s+(\S+)/gim),
    `${run}/error.log`,
  );
}

async function start(
  name: DaemonName,
  args: string[],
  cwd: string,
  addresses: Address[],
  log: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Daemon> {
  const program = findDaemon(name);
  if (program === undefined) throw new Error(`${name} is not installed (Debian package ${DAEMONS[name].package})`);
  if (addresses.length === 0) throw new Error(`the config names no port on which ${name} could be seen to listen`);
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    cwd,
    env: { ...process.env, ...environment },
  });
  let said = '';
  const hear = (piece: Buffer) => {
    said = (said + piece.toString()).slice(-QUOTED);
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()));
  const kill = () => killGroup(child);
  process.once('exit', kill); // a daemon that leads its own group would outlive a test run that breaks off
  void ended.then(() => process.off('exit', kill));
  const stop = () => stopped(child, ended);
  const deadline = performance.now() + START_PATIENCE;
  for (const address of addresses) {
    while (!(await listens(address))) {
      if (child.exitCode === null && child.pid !== undefined && performance.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, START_STEP));
        continue;
      }
      await stop();
      const logged = await readFile(log, 'utf8').catch(() => '');
      throw new Error(`${name} does not listen on ${address.host}:${address.port}:\n${said}${logged.slice(-QUOTED)}`);
    }
  }
  const killed = () => {
    killGroup(child);
    return ended;
  };
  return { pid: child.pid ?? 0, stop, kill: killed };
}

/** SIGTERM to the process, and SIGKILL to its group where that was not enough. */
async function stopped(child: ChildProcess, ended: Promise<void>): Promise<void> {
  const timer = setTimeout(() => killGroup(child), STOP_PATIENCE);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(timer);
}

/** The daemon and its children: it was started as the leader of a group of its own. */
function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, 'SIGKILL');
}

type Address = { host: string; port: number };

/** `8080`, `127.0.0.1:8080`, `*:8080`: where a test can see that it listens. */
function addressesIn(conf: string, line: RegExp): Address[] {
  return [...conf.matchAll(line)].map(([, address = '']) => {
    const colon = address.lastIndexOf(':');
    const host = address.slice(0, Math.max(0, colon));
    return {
      host: host === '' || host === '*' || host === '0.0.0.0' ? '127.0.0.1' : host,
      port: Number(address.slice(colon + 1)),
    };
  });
}

function listens({ host, port }: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectPlain({ host, port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** `dir/run`, owned by the user the daemon will change to, and a `dir` that user can look into. */
async function runFolder(dir: string, user: string): Promise<string> {
  const run = join(dir, 'run');
  await mkdir(run, { recursive: true });
  if (!isRoot()) return run;
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, user]).stdout.toString()));
  await chmod(dir, 0o755);
  await chown(run, uid ?? 0, gid ?? 0);
  return run;
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // the only answer node has for no
  }
}
