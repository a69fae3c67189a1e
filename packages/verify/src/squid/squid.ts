// Room: the installed Squid as an oracle: started on a private copy, asked, stopped; nothing of the running one is touched.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ask } from '../ask.ts';
import { atExit, daemonFolder, findProgram, freePorts, startProgram, takesConnections, writeFiles } from '../daemon.ts';
import type { Oracle, OracleStart, Pem, ServerPem } from '../oracle.ts';
import { startOrigins } from '../origins.ts';
import { type Entrance, type Probe, probeBytes } from '../probe.ts';
import { clientField, PROBES_COME_FROM } from './clients.ts';
import type { SquidCopy } from './copy.ts';

/** Users that distributions run Squid as. Started by root, it will not serve as root. */
const USERS = ['proxy', 'squid', 'nobody'];

/** Copies started by this process. */
let copies = 0;

/** Where Linux keeps shared memory by name. Asked to end, Squid takes a second over it; a copy has nothing to save. */
const SHARED_MEMORY = '/dev/shm';

function removeSegments(folder: string | undefined, service: string): void {
  if (folder === undefined) return;
  const names = readdirSync(folder).filter((name) => name.startsWith(`${service}-`));
  for (const name of names) rmSync(join(folder, name), { force: true });
}

export function findSquid(): string | undefined {
  return findProgram(['squid', 'squid3']);
}

/** What DNS would be asked for, if it were: hosts of probes and addresses they come from. */
export type ExpectedProbes = { names: readonly string[]; addresses: readonly string[] };

/** A port that was free may be taken when Squid comes to it, which then runs on without: others are tried this often. */
const STARTS = 3;

/** Starts Squid on the copy with a stand-in for each peer. Ready in some 200 ms; not ready is a value. */
export async function startSquid(
  copy: SquidCopy,
  pem: Pem,
  serverPem: ServerPem,
  expected: ExpectedProbes,
  program = findSquid(),
): Promise<OracleStart> {
  for (let start = 1; ; start += 1) {
    const { isWhole, ...started } = await startOnce(copy, pem, serverPem, expected, program);
    if (started.kind === 'failed' || isWhole || start === STARTS) return started;
    await started.oracle.stop();
  }
}

/** `isWhole`: every entrance takes connections. */
async function startOnce(
  copy: SquidCopy,
  pem: Pem,
  serverPem: ServerPem,
  expected: ExpectedProbes,
  program: string | undefined,
): Promise<OracleStart & { isWhole?: boolean }> {
  if (program === undefined) {
    const message =
      'Squid is not installed here. Install it (Debian: squid-openssl), or run verify on the host that has it.';
    return { kind: 'failed', problem: { code: 'DAEMON_MISSING', message } };
  }
  const secured = copy.servers.filter(({ url }) => url.startsWith('https:')).map(({ name }) => name);
  const origins = await startOrigins(
    copy.servers.map(({ name }) => name),
    (name) => (secured.includes(name) ? serverPem : undefined),
  );
  const folder = await daemonFolder(USERS);
  // Its shared memory is named for the service: two of one name would take each other's.
  const service = `verify${process.pid}n${++copies}`;
  const sharedMemory = existsSync(SHARED_MEMORY) ? SHARED_MEMORY : undefined;
  const removeOwnSegments = (): void => removeSegments(sharedMemory, service);
  const forget = atExit(removeOwnSegments);
  const clean = async (): Promise<void> => {
    await Promise.all([origins.close(), folder.remove()]);
    removeOwnSegments();
    forget();
  };
  const addresses = [...new Set(copy.ports.map(({ address }) => address))];
  const [ready = 0, ...mapped] = await freePorts(addresses.length + 1);
  const portOf = (address: string): number => mapped[addresses.indexOf(address)] ?? 0;
  const files = copy.write({
    folder: folder.path,
    run: folder.run,
    ...(folder.owner !== undefined && { user: folder.owner.user }),
    portOf,
    ...expected,
    serverPortOf: origins.portOf,
    cert: join(folder.path, 'entrance.crt'),
    key: join(folder.path, 'entrance.key'),
    ca: join(folder.path, 'authority.crt'),
  });
  // Ports open in the order of their lines: when the last one of ours takes connections, the others do or never will.
  const conf = `${files['squid.conf']}http_port 127.0.0.1:${ready}\n`;
  const pems = { 'entrance.crt': pem.cert, 'entrance.key': pem.key, 'authority.crt': serverPem.ca };
  await writeFiles(folder, { ...files, 'squid.conf': conf, ...pems });
  const started = await startProgram(program, ['-N', '-n', service, '-f', join(folder.path, 'squid.conf')], [ready]);
  if (started.kind !== 'ready') {
    const log = await readFile(join(folder.run, 'cache.log'), 'latin1').catch(() => '');
    await clean();
    return { kind: 'failed', problem: refusal(copy, `${started.said}${log}`, started.kind) };
  }
  const side: Omit<Oracle, 'config'> = {
    name: `Squid ${versionOf(program) ?? ''}`.trim(),
    addressOf: (entrance) => copy.hostOf(entranceOf(entrance, copy).address),
    ask: async (probe) => ({ ...(await put(probe, copy, portOf)), reached: origins.take() }),
    stop: async () => {
      await (sharedMemory === undefined ? started.stop() : started.kill());
      await clean();
    },
  };
  const open = await Promise.all(
    copy.entrances.map(({ address }) => takesConnections(portOf(address), copy.hostOf(address))),
  );
  return { kind: 'ready', oracle: { ...side, config: copy }, isWhole: open.every(Boolean) };
}

function entranceOf(wanted: string, { entrances }: SquidCopy): Entrance {
  const entrance = entrances.find(({ name }) => name === wanted);
  if (entrance === undefined) throw new Error(`a probe for an entrance that is none: ${wanted}`);
  return entrance;
}

function put(probe: Probe, copy: SquidCopy, portOf: (address: string) => number) {
  const bytes = probeBytes(probe, clientField(copy.clients, probe));
  const { address, tls } = entranceOf(probe.entrance, copy);
  return ask({ host: copy.hostOf(address), port: portOf(address), tls, from: PROBES_COME_FROM }, bytes);
}

function refusal(copy: SquidCopy, said: string, kind: 'ended' | 'silent') {
  const words = said
    .split('\n')
    .filter((line) => /\b(?:FATAL|ERROR|Bungled|unrecognized)\b/.test(line))
    .map((line) => copy.original(line.replace(/^\d{4}\/\d\d\/\d\d [\d:]+\|\s*/, '')))
    .join('\n');
  return kind === 'ended'
    ? ({ code: 'CONFIG_REFUSED', message: 'Squid does not start with this file.', said: words } as const)
    : ({ code: 'DAEMON_SILENT', message: 'Squid started and takes no connection.', said: words } as const);
}

/** `5.7`; undefined where the program does not say. */
export function versionOf(program: string): string | undefined {
  if (!versions.has(program)) {
    const said = spawnSync(program, ['-v']).stdout?.toString() ?? '';
    versions.set(program, /Version (\S+)/.exec(said)?.[1]);
  }
  return versions.get(program);
}

/** By program: asking takes as long as twenty probes. */
const versions = new Map<string, string | undefined>();
