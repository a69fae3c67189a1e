// Room: `outrigger run`: the proxy, until a signal ends it.
import cluster from 'node:cluster';
import {
  type Edge,
  type LogRecord,
  recordLevel,
  recordText,
  reportExtendedProtection,
  startEdge,
} from '@outrigger/proxy';
import { parseDuration, type RuleSet } from '@outrigger/rules';
import { Command, InvalidArgumentError, Option } from 'commander';
import { openAccessFiles } from '../accessfiles.ts';
import { createLog, type LogFormat } from '../log.ts';
import type { Finish } from '../program.ts';
import { onReloadSignal, readAgain, reloadEdge } from '../reload.ts';
import { printDiagnostics, readRules, UsageError, withAbsoluteFiles } from '../rulesfile.ts';
import type { Terminal } from '../terminal.ts';
import { followSupervisor, type Reload, superviseWorkers } from '../workers.ts';

/** Ctrl-C, and what service managers send. */
const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];
/** Workers beyond the cores of any machine this is for only cost memory. */
const MAX_WORKERS = 64;

type Options = { workers: number; logFormat: LogFormat; grace: number };

export function runCommand(terminal: Terminal, finish: Finish): Command {
  return new Command('run')
    .summary('run the proxy')
    .description(
      'Runs the proxy until SIGINT or SIGTERM. The first signal lets requests in flight finish, the second ends them.\n' +
        'SIGHUP reads rules and certificates again and opens access logs anew: connections stay, and where anything is\n' +
        'wrong the old rules do.\n' +
        'Relative file names in the rules are taken from the folder of the rules file.',
    )
    .argument('<file>', 'the rules file')
    .option('--workers <number>', 'processes that share the listeners', parseWorkers, 1)
    .addOption(new Option('--log-format <format>', 'form of the log').choices(['text', 'json']).default('text'))
    .option(
      '--grace <duration>',
      'how long requests in flight may go on after the first signal, or on a listener that a reload closes',
      parseGrace,
      10_000,
    )
    .addHelpText('after', '\nExample:\n  outrigger run /etc/outrigger/outrigger.yaml')
    .action(async (file: string, options: Options) => {
      const { rules, diagnostics } = readRules(file);
      if (!cluster.isWorker) printDiagnostics(diagnostics, terminal);
      if (rules === undefined) throw new UsageError(`${file}: not usable`);
      const log = createLog(options.logFormat);
      const report = (record: LogRecord): void =>
        void log.log({ level: recordLevel(record), message: recordText(record), record });
      if (options.workers > 1 && cluster.isPrimary) {
        const warn = (text: string): void => void log.warn(text);
        finish(await superviseWorkers(options.workers, STOP_SIGNALS, warn, () => readAgain(file, report)));
      } else {
        finish(await runEdge(file, withAbsoluteFiles(rules, file), options.grace, report, terminal));
      }
    });
}

/** Runs until a signal; resolves to the exit code. `file`: the rules file, to be read again. */
async function runEdge(
  file: string,
  rules: RuleSet,
  grace: number,
  report: (record: LogRecord) => void,
  terminal: Terminal,
): Promise<number> {
  const files = openAccessFiles(rules, report);
  const started = await startEdge({ rules, report, logAccess: files.log });
  if (started.kind === 'failed')
    throw new UsageError(started.problems.map(({ message, code }) => `${message} [${code}]`).join('\noutrigger: '));
  const { edge } = started;
  for (const { host, port, listener } of edge.addresses) terminal.err(`listening on ${host}:${port} (${listener})\n`);
  // One of several workers is enough to look; those that replace others have higher numbers.
  const look = certificateLook(edge, report);
  if ((cluster.worker?.id ?? 1) === 1) look.at(rules);
  const adopt = async ({ text, looks }: Reload): Promise<void> => {
    // A rotation must not wait for rules to be mended.
    files.reopen();
    if (text === undefined) return;
    const reloaded = await reloadEdge(edge, file, text, grace, report);
    if (reloaded === undefined) return;
    files.adopt(reloaded);
    if (looks) look.at(reloaded);
  };
  const orders = cluster.isWorker
    ? followSupervisor(adopt)
    : onReloadSignal(async () => {
        const text = readAgain(file, report);
        await adopt({ ...(text !== undefined && { text }), looks: true });
      });
  await stopSignal(edge, grace, terminal);
  orders.stop();
  files.close();
  look.stop();
  return 0;
}

/** Compares certificates that clients see with those of Exchange, for the rules it was given last. */
function certificateLook(edge: Edge, report: (record: LogRecord) => void): { at(rules: RuleSet): void; stop(): void } {
  let underWay = new AbortController();
  const stop = (): void => underWay.abort('the proxy was stopped, or its rules read again');
  return {
    at(rules) {
      stop();
      underWay = new AbortController();
      void reportExtendedProtection({ rules, report, cancel: underWay.signal, readFile: edge.readFile });
    },
    stop,
  };
}

function stopSignal(edge: Edge, grace: number, terminal: Terminal): Promise<void> {
  return new Promise((done) => {
    let closing = false;
    const stop = (): void => {
      if (!closing)
        terminal.err(`stopping: ${edge.connections()} connections open; a second signal ends them at once\n`);
      const closed = edge.close(closing ? 0 : grace);
      if (closing) return;
      closing = true;
      void closed.then(() => {
        for (const signal of STOP_SIGNALS) process.off(signal, stop);
        done();
      });
    };
    for (const signal of STOP_SIGNALS) process.on(signal, stop);
  });
}

function parseWorkers(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > MAX_WORKERS)
    throw new InvalidArgumentError(`Give a number from 1 to ${MAX_WORKERS}.`);
  return number;
}

function parseGrace(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) throw new InvalidArgumentError('Give a whole number and a unit: 500ms, 10s, 2m.');
  return milliseconds;
}
