// Room: `outrigger plan`: the cut-over of an Apache to loopback as a diff and steps; with --apply, done.
import { resolve } from 'node:path';
import { diskReader, type FileChange, type PortEighty, readRenewals, unifiedDiff } from '@outrigger/importer';
import { formatDiagnostic, parseListenAddress, type RuleSet } from '@outrigger/rules';
import { Command } from 'commander';
import { applyCutover } from '../cutover/apply.ts';
import {
  type Commands,
  filesCommand,
  type GivenCommands,
  isSystemd,
  programText,
  programWords,
} from '../cutover/command.ts';
import type { Cutover } from '../cutover/cutover.ts';
import { planned } from '../cutover/planned.ts';
import { type Obstacle, obstaclesOf, type Preflight } from '../cutover/preflight.ts';
import { renewalSteps, type Step, serviceSteps, stepsText } from '../cutover/steps.ts';
import { findUnit, SERVICE_USER, type Unit } from '../cutover/unit.ts';
import { collect, valuesOf } from '../options.ts';
import type { Finish } from '../program.ts';
import { printDiagnostics, readRules, UsageError, withAbsoluteFiles } from '../rulesfile.ts';
import type { Terminal } from '../terminal.ts';

/** Where backups are kept, and the lock. */
export const BACKUPS = '/var/lib/outrigger/cutover';
/** It was tried, and put back. */
const PUT_BACK = 5;
/** By these a person breaks it off: everything is put back first. */
const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

type Options = GivenCommands & {
  apache?: string;
  squid: string[];
  site: string[];
  D: string[];
  define: string[];
  backups: string;
  user?: string;
  apply?: true;
  json?: true;
};

export function planCommand(terminal: Terminal, finish: Finish): Command {
  return new Command('plan')
    .summary('show how Apache goes to loopback, or Squid off its port, and Outrigger on it; --apply does it')
    .description(
      'Prints the changes of the files of Apache as a unified diff, and the steps of the cut-over with their commands; nothing is changed.\n' +
        'What is in the way of --apply is told as well: an address that somebody else holds, a file Outrigger could not read, a test that fails.\n' +
        'With --apply: keeps what was, changes the files, lets Apache test them, reloads it, starts Outrigger, asks every site again,\n' +
        'and puts everything back where a step or an answer fails. `outrigger rollback` puts it back later.\n' +
        'Commands are run as words, never by a shell. Exit 0: planned, or done. 5: tried and put back. 1: cannot run; nothing was changed.',
    )
    .argument('<file>', 'the rules file')
    .option(
      '--apache <path>',
      'the main file of Apache or its folder, where it holds the port: /etc/apache2, /etc/httpd',
    )
    .option('--squid <file>', 'the squid.conf, where Squid holds the port (may be repeated)', collect, [])
    .option('--site <name>', 'with --squid: a host name to ask before and after (may be repeated)', collect, [])
    .option('--test-squid <command>', "Squid's own test of its file (default: squid -k parse -f FILE)")
    .option('--stop-squid <command>', 'ends Squid (default: systemctl disable --now squid)')
    .option('--start-squid <command>', 'for the way back (default: systemctl enable --now squid)')
    .option('-D <name>', 'a name that Apache is started with (-D) (may be repeated)', collect, [])
    .option('--define <name=value>', 'a value of its environment (may be repeated)', collect, [])
    .option('--json', 'changes, steps and findings as JSON on stdout')
    .option('--apply', 'do it')
    .option('--backups <folder>', 'where the way back is kept', BACKUPS)
    .option(
      '--user <name>',
      'the user that Outrigger runs as, who must be able to read its files (default: that of its unit, else your own)',
    )
    .option('--test-apache <command>', "Apache's own test of its files (default: apache2 -t on the very tree)")
    .option('--reload-apache <command>', 'makes Apache read its files (default: systemctl reload apache2)')
    .option(
      '--start-outrigger <command>',
      'starts it, and returns or stays (default: systemctl enable --now outrigger)',
    )
    .option(
      '--stop-outrigger <command>',
      'for the way back (default: systemctl disable --now outrigger, or by its pid)',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  outrigger plan outrigger.yaml --apache /etc/apache2\n  outrigger plan outrigger.yaml --apache /etc/apache2 --apply\n  outrigger plan outrigger.yaml --squid /etc/squid/squid.conf\n  outrigger rollback',
    )
    .action(async (file: string, options: Options) => {
      const { rules, diagnostics } = readRules(file);
      if (rules === undefined) {
        printDiagnostics(diagnostics, terminal);
        throw new UsageError(`${file}: not usable`);
      }
      const unit = unitOf(file, options);
      const user = options.user ?? (unit?.kind === 'found' ? unit.user : undefined);
      const reader = diskReader();
      const {
        plan,
        commands,
        steps: own,
      } = planned({
        file,
        rules: withAbsoluteFiles(rules, file),
        reader,
        ...(options.apache !== undefined && { apache: options.apache }),
        squid: options.squid,
        sites: options.site,
        names: options.D,
        values: valuesOf(options.define),
        commands: options,
        user: user ?? SERVICE_USER,
      });
      const steps = [
        ...(unit?.kind === 'missing' ? serviceSteps(programWords(), resolve(file)) : []),
        ...own,
        ...renewalSteps(readRenewals(reader), portEighty(rules)),
      ];
      if (plan.doors.length === 0 && (options.apply || !options.json)) {
        terminal.err(`${plan.holder} is behind Outrigger already: there is nothing to change.\n`);
        return;
      }
      const preflight = preflightOf(plan, commands, file, { backups: options.backups, unit, user });
      if (!options.apply) {
        const obstacles = plan.doors.length === 0 ? [] : await obstaclesOf(preflight);
        if (options.json) terminal.out(documentOf(plan, steps, obstacles));
        else {
          terminal.out(`${unifiedDiff(plan.files)}\n${stepsText(steps)}`);
          for (const note of plan.notes) terminal.err(`${formatDiagnostic(note)}\n`);
          if (obstacles.length > 0)
            terminal.err(`\nIn the way of --apply:\n${obstacles.map(obstacleText).join('\n')}\n`);
        }
        return;
      }
      const ending = new AbortController();
      const breakOff = (): void => ending.abort();
      for (const signal of STOP_SIGNALS) process.on(signal, breakOff);
      const say = (text: string): void => terminal.err(`${text}\n`);
      for (const { title } of steps.filter(({ must }) => must))
        say(`yours to do, as ${programText()} plan shows: ${title}`);
      const result = await applyCutover({ preflight, commands, say, signal: ending.signal });
      for (const signal of STOP_SIGNALS) process.off(signal, breakOff);
      if (options.json) terminal.out(`${JSON.stringify(result, undefined, 2)}\n`);
      if (result.kind === 'refused')
        throw new UsageError(`${result.obstacles.map(obstacleText).join('\n')}\nNothing was changed.`);
      if (result.kind === 'put back') {
        const ending =
          result.trouble.length === 0
            ? 'Everything is as it was.'
            : `NOT everything is as it was:\n${result.trouble.join('\n')}\nRun ${programText()} rollback --backup ${result.backup}`;
        terminal.err(`The cut-over failed: ${result.message}\n${ending}\n`);
        finish(PUT_BACK);
        return;
      }
      const { sites, unsteady, logs, silentLogs, backup } = result;
      say(
        `${sites} sites answer as before${unsteady.length === 0 ? '' : ` (by status alone: ${unsteady.join(', ')})`}`,
      );
      if (logs.length > 0) say(`the address of the client arrives: ${logs.join(', ')}`);
      if (silentLogs.length > 0) say(`no line of the proof was found in ${silentLogs.join(', ')}: look there yourself`);
      say(`To go back: ${programText()} rollback --backup ${backup}`);
    });
}

/** What is asked before anything is changed. */
function preflightOf(
  plan: Cutover,
  commands: Commands,
  file: string,
  { backups, unit, user }: { backups: string; unit: Unit | undefined; user: string | undefined },
): Preflight {
  return {
    plan,
    files: filesCommand(file, user),
    folder: resolve(backups),
    ...(commands.test && { test: commands.test }),
    ...(unit && { unit }),
  };
}

/** The service that systemd would start; undefined where it is not asked to. */
function unitOf(file: string, { startOutrigger }: Options): Unit | undefined {
  return isSystemd() && startOutrigger === undefined ? findUnit(resolve(file), programWords()) : undefined;
}

/** Whether the rules take port 80, over which most certificates are renewed. */
function portEighty({ listen }: RuleSet): PortEighty {
  return listen.some(({ address }) => parseListenAddress(address)?.port === 80) ? 'outrigger' : 'stays';
}

function documentOf(plan: Cutover, steps: readonly Step[], obstacles: readonly Obstacle[]): string {
  const { files, notes, doors, sites } = plan;
  const document = { files: files.map(shownChange), diff: unifiedDiff(files), steps, notes, doors, sites, obstacles };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function obstacleText({ message, code }: Obstacle): string {
  return `${message} [${code}]`;
}

/** A change without the whole file around it, which may hold passwords. */
function shownChange(change: FileChange): Partial<FileChange> {
  if (change.kind !== 'edit') return change;
  const { before: _before, after: _after, ...shown } = change;
  return shown;
}
