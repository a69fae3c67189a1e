// Room: the programs of this machine that a cut-over runs: given as words, never to a shell; and the ones it takes where none is given.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fstatSync, openSync, readSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { CutoverPlan } from '@outrigger/importer';
import { findProgram } from '@outrigger/verify';

/** A program, its arguments, and what its environment has beside ours. */
export type Command = { argv: [string, ...string[]]; env?: Record<string, string> };

/**
 * What a cut-over does to services. `test`: whoever holds the addresses tests its own files; `leave`, `comeBack`: it gives the addresses up,
 * and takes them again. `stopOutrigger` absent: the process that was started is ended by its pid.
 */
export type Commands = {
  test?: Command;
  leave: Command;
  comeBack: Command;
  startOutrigger: Command;
  stopOutrigger?: Command;
};

/** Commands as a person writes them on the command line. */
export type GivenCommands = Partial<
  Record<
    'testApache' | 'reloadApache' | 'testSquid' | 'stopSquid' | 'startSquid' | 'startOutrigger' | 'stopOutrigger',
    string
  >
>;

/** Milliseconds a command may take: systemd waits 90 s for a service. */
const COMMAND_PATIENCE = 100_000;
/** Bytes of what a command said that are told. */
const SAID_MAX = 2_000;

const SYSTEMD = '/run/systemd/system';

/** Words of a command: blanks part them, quotes of either kind hold them together; undefined where there is none. */
export function commandOf(text: string): Command | undefined {
  const words = [...text.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) =>
    word.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'),
  );
  const [program, ...args] = words;
  return program === undefined ? undefined : { argv: [program, ...args] };
}

/**
 * The commands for Apache: of systemd where it runs, as `service`, else the programs themselves. Its test reads the very files that are changed, with the
 * environment that its envvars say.
 */
export function apacheCommands(
  given: GivenCommands,
  { apache }: Pick<CutoverPlan, 'apache'>,
  rulesFile: string,
  service: string,
): Commands {
  const [own, other] = apache.isRedHat ? ['httpd', 'apache2'] : ['apache2', 'httpd'];
  const program = findProgram([own, other]) ?? own;
  const files = [
    '-d',
    resolve(apache.root),
    '-f',
    resolve(apache.main),
    ...apache.names.flatMap((name) => ['-D', name]),
  ];
  const env = Object.fromEntries(apache.environment);
  const reload = picked(given.reloadApache);
  const graceful = { ...of(program, ...files, '-k', 'graceful'), env };
  return {
    test: picked(given.testApache) ?? { ...of(program, '-t', ...files), env },
    leave: reload ?? (isSystemd() ? of('systemctl', 'reload', service) : graceful),
    // An Apache that could not take its new place has ended.
    comeBack: reload ?? (isSystemd() ? of('systemctl', 'reload-or-restart', service) : graceful),
    ...outriggerCommands(given, rulesFile),
  };
}

/** The commands for Squid, of systemd where none is given. Its unit comes back after a reboot unless it is disabled. */
export function squidCommands(
  given: GivenCommands,
  files: readonly string[],
  rulesFile: string,
  service: string,
): Commands {
  const [file, ...more] = files;
  // Of several -f Squid reads the last alone.
  const own =
    file === undefined || more.length > 0
      ? undefined
      : of(findProgram(['squid', 'squid3']) ?? 'squid', '-k', 'parse', '-f', resolve(file));
  const test = picked(given.testSquid) ?? own;
  return {
    ...(test && { test }),
    leave: picked(given.stopSquid) ?? of('systemctl', 'disable', '--now', service),
    comeBack: picked(given.startSquid) ?? of('systemctl', 'enable', '--now', service),
    ...outriggerCommands(given, rulesFile),
  };
}

function outriggerCommands(
  given: GivenCommands,
  rulesFile: string,
): Pick<Commands, 'startOutrigger' | 'stopOutrigger'> {
  const start = picked(given.startOutrigger);
  const stop =
    picked(given.stopOutrigger) ??
    (isSystemd() && start === undefined ? of('systemctl', 'disable', '--now', 'outrigger') : undefined);
  const own = isSystemd()
    ? of('systemctl', 'enable', '--now', 'outrigger')
    : of(...programWords(), 'run', resolve(rulesFile));
  return { startOutrigger: start ?? own, ...(stop && { stopOutrigger: stop }) };
}

function picked(text: string | undefined): Command | undefined {
  return text === undefined ? undefined : commandOf(text);
}

/** Whether systemd runs this machine, sd_booted(3). */
export function isSystemd(): boolean {
  return existsSync(SYSTEMD);
}

function of(program: string, ...args: string[]): Command {
  return { argv: [program, ...args] };
}

/** Reads all files of the rules as `user`, or as we are, and says what keeps Outrigger from starting with them. */
export function filesCommand(rulesFile: string, user: string | undefined): Command {
  const asked = ['validate', '--files', ...(user === undefined ? [] : ['--user', user]), resolve(rulesFile)];
  return of(...programWords(), ...asked);
}

/** The words that run this very command from anywhere. */
export function programWords(): [string, string] {
  return [process.execPath, resolve(process.argv[1] ?? 'outrigger')];
}

/** What a person types to run this very command: its name where a shell finds it, else its words. npx has a PATH of its own. */
export function programText(): string {
  const found = findProgram(['outrigger']);
  return found === undefined || found.includes('/node_modules/') ? commandText({ argv: programWords() }) : 'outrigger';
}

/** The command as it is typed, to be copied. Values of its environment stand in front. */
export function commandText({ argv, env = {} }: Command): string {
  const quoted = (word: string): string =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
  return [...Object.entries(env).map(([name, value]) => `${name}=${quoted(value)}`), ...argv.map(quoted)].join(' ');
}

export type Ran = { code: number | null; said: string };

/**
 * Runs a command to its end. Code null: it could not be run, or was too late and was ended. What it says goes to a file without a name, and
 * not through a pipe: a daemon that it leaves behind would die of the next word it says once nobody reads (Apache does, while it starts).
 */
export function runCommandToEnd({ argv: [program, ...args], env }: Command): Promise<Ran> {
  const file = fileWithoutName();
  return new Promise((done) => {
    const child = spawn(program, args, { stdio: ['ignore', file, file], env: { ...process.env, ...env } });
    const late = setTimeout(() => child.kill('SIGKILL'), COMMAND_PATIENCE);
    const end = (code: number | null, said: string): void => {
      clearTimeout(late);
      closeSync(file);
      done({ code, said });
    };
    child.once('error', (error) => end(null, `${program}: ${error.message}`));
    child.once('exit', (code) => end(code, endOf(file)));
  });
}

function fileWithoutName(): number {
  const path = join(tmpdir(), `outrigger-said-${randomBytes(8).toString('hex')}`);
  const file = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return file;
}

/** The last words in a file. */
function endOf(file: number): string {
  const { size } = fstatSync(file);
  const length = Math.min(size, SAID_MAX);
  const words = Buffer.alloc(length);
  readSync(file, words, 0, length, size - length);
  return words.toString().trim();
}
