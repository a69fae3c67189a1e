// Room: the installed Apache as an oracle: started on a private copy, asked, stopped; nothing of the running one is touched.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ask } from '../ask.ts';
import { daemonFolder, findProgram, freePorts, startProgram, writeFiles } from '../daemon.ts';
import type { Oracle, OracleProblem, Pem } from '../oracle.ts';
import { startOrigins } from '../origins.ts';
import { type Entrance, type Fields, probeBytes, type Reached, serverNameOf } from '../probe.ts';
import { type ApacheCopy, CLIENT_FIELD, PID_FILE } from './copy.ts';

/** Users that distributions run Apache as. */
const USERS = ['www-data', 'apache', 'wwwrun', 'http', 'nobody'];
const MODULE_FOLDERS = [
  '/usr/lib/apache2/modules',
  '/usr/lib64/httpd/modules',
  '/usr/lib/httpd/modules',
  '/usr/lib64/apache2',
  '/usr/local/apache2/modules',
];

export function findApache(): string | undefined {
  return findProgram(['apache2', 'httpd']);
}

/** An oracle that can stand behind Outrigger as well. */
export type ApacheOracle = Oracle & {
  /** Where it takes what comes for an entrance. */
  urlOf(entrance: Entrance): string;
  /** What its servers got since the last time. */
  take(): Reached[];
  /** Fields in the words of the file: its servers in place of stand-ins, its ports, and no folder of the copy. */
  fieldsInWordsOfFile(fields: Fields): Fields;
};

const HTTPS_PORT = 443;

export type ApacheStart = { kind: 'ready'; oracle: ApacheOracle } | { kind: 'failed'; problem: OracleProblem };

/** What the folder of pages is called where a request tells of it, as a rewritten path does. */
const PAGES = '/pages';

/** Starts on new ports: one that was free a moment ago may be somebody else's by now. */
const TRIES = 3;

/** Starts Apache on the copy with a stand-in for each server. Not ready is a value. */
export async function startApache(copy: ApacheCopy, pem: Pem, program = findApache()): Promise<ApacheStart> {
  for (let tries = 1; ; tries += 1) {
    const started = await startOnce(copy, pem, program);
    const isTaken = started.kind === 'failed' && /Address already in use/.test(started.problem.said ?? '');
    if (!isTaken || tries === TRIES) return started;
  }
}

async function startOnce(copy: ApacheCopy, pem: Pem, program: string | undefined): Promise<ApacheStart> {
  const modules = MODULE_FOLDERS.find((folder) => existsSync(join(folder, 'mod_ssl.so')));
  if (program === undefined || modules === undefined) {
    const message = 'Apache with mod_ssl is not installed here. Run verify on the host that has it.';
    return { kind: 'failed', problem: { code: 'DAEMON_MISSING', message } };
  }
  const origins = await startOrigins(
    copy.servers.map(({ name }) => name),
    undefined,
    (name, port) => ({ url: `http://127.0.0.1:${port}`, host: new URL(name).hostname }),
  );
  const folder = await daemonFolder(USERS);
  const clean = async (): Promise<void> => {
    await Promise.all([origins.close(), folder.remove()]);
  };
  const pages = join(folder.path, 'pages');
  await mkdir(pages);
  const [ready = 0, ...mapped] = await freePorts(copy.ports.length + 1);
  const portOf = (port: number): number => mapped[copy.ports.indexOf(port)] ?? 0;
  const conf = copy.write({
    run: folder.run,
    pages,
    modules,
    hasModule: (name) => existsSync(join(modules, `mod_${name}.so`)),
    ...(folder.owner !== undefined && { account: folder.owner }),
    cert: join(folder.path, 'entrance.crt'),
    key: join(folder.path, 'entrance.key'),
    portOf,
    serverPortOf: (origin) => (copy.servers.some(({ name }) => name === origin) ? origins.portOf(origin) : undefined),
    ready,
  });
  await writeFiles(folder, { 'apache.conf': conf, 'entrance.crt': pem.cert, 'entrance.key': pem.key });
  const arguments_ = ['-D', 'FOREGROUND', '-f', join(folder.path, 'apache.conf')];
  const started = await startProgram(program, arguments_, [ready], hasStarted(folder.run));
  if (started.kind !== 'ready') {
    const log = await readFile(join(folder.run, 'error.log'), 'latin1').catch(() => '');
    await clean();
    const said = `${started.said}${log}`.replaceAll(`${folder.path}/`, '');
    return {
      kind: 'failed',
      problem:
        started.kind === 'ended'
          ? { code: 'CONFIG_REFUSED', message: 'Apache does not start with this configuration.', said }
          : { code: 'DAEMON_SILENT', message: 'Apache started and takes no connection.', said },
    };
  }
  const doorOf = (entrance: Entrance): { host: string; port: number } => {
    const { host, port } = copy.addressOf(entrance);
    return { host, port: portOf(port) };
  };
  /** What the copy says, in the words of the file: servers in place of stand-ins, its ports, and a name for its folder of pages. */
  const inWordsOfFile = (said: string): string => {
    const named = copy.servers.reduce(
      (text, { name, url }) => {
        const { origin, host } = new URL(url);
        const standIn = `127.0.0.1:${origins.portOf(name)}`;
        return text.replaceAll(`http://${standIn}`, origin).replaceAll(standIn, host);
      },
      said.replaceAll(pages, PAGES),
    );
    return named.replace(/:(\d+)(?!\d)/g, (written, digits: string) => {
      const port = copy.ports[mapped.indexOf(Number(digits))];
      return port === undefined ? written : port === HTTPS_PORT ? '' : `:${port}`;
    });
  };
  const fieldsInWordsOfFile = (fields: Fields): Fields => fields.map(([name, value]) => [name, inWordsOfFile(value)]);
  const take = (): Reached[] =>
    origins.take().map((reached) => ({
      ...reached,
      target: inWordsOfFile(reached.target),
      fields: fieldsInWordsOfFile(reached.fields),
    }));
  // What asked whether it has started may have been sent on by a line of the main server: it is no part of the first probe.
  take();
  return {
    kind: 'ready',
    oracle: {
      name: `Apache ${versionOf(program) ?? ''}`.trim(),
      config: copy,
      take,
      fieldsInWordsOfFile,
      urlOf: (entrance) => {
        const { host, port } = doorOf(entrance);
        return `https://${host}:${port}`;
      },
      ask: async (probe) => {
        const entrance = copy.entrances.find(({ name }) => name === probe.entrance);
        if (entrance === undefined) throw new Error(`a probe for an entrance that is none: ${probe.entrance}`);
        const serverName = serverNameOf(probe);
        const door = { ...doorOf(entrance), tls: entrance.tls, ...(serverName !== undefined && { serverName }) };
        const answer = await ask(door, probeBytes(probe, [[CLIENT_FIELD, probe.client]]));
        const told = answer.kind === 'answered' ? { ...answer, fields: fieldsInWordsOfFile(answer.fields) } : answer;
        return { ...told, reached: take() };
      },
      stop: async () => {
        await started.stop();
        await clean();
      },
    },
  };
}

/**
 * Apache listens before it has read everything, and may give up after that: only an answer says that it has started. One alone does
 * not: another copy may have got a port first. Its own PidFile is written when it has all its ports (event.c, event_run).
 */
function hasStarted(run: string): (port: number) => Promise<boolean> {
  return async (port) =>
    existsSync(join(run, PID_FILE)) &&
    (await ask({ port, tls: false }, Buffer.from('GET / HTTP/1.0\r\n\r\n'))).kind === 'answered';
}

/** A Host that names a stand-in by its port stands for the name of the server. The last word of its own name is its URL. */
export function underItsName(reached: Reached): Reached {
  const [, authority = ''] = /https?:\/\/([^/]*)$/.exec(reached.server) ?? [];
  const own = authority.replace(/:(?:80|443)$/, '');
  const fields = reached.fields.map(([name, value]) =>
    /^host$/i.test(name) && /^127\.0\.0\.1:\d+$/.test(value) ? ([name, own] as const) : ([name, value] as const),
  );
  return { ...reached, fields };
}

/** `2.4.71`; undefined where the program does not say. */
function versionOf(program: string): string | undefined {
  return /Apache\/(\S+)/.exec(spawnSync(program, ['-v']).stdout?.toString() ?? '')?.[1];
}
