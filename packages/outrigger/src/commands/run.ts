// Room: `outrigger run`: the proxy, until a signal ends it.
import cluster from 'node:cluster';
import { dirname, resolve } from 'node:path';
import {
  type Edge,
  type LogRecord,
  recordLevel,
  recordText,
  reportExtendedProtection,
  startEdge,
} from '@outrigger/proxy';
import { type CertificateFiles, type Listener, parseDuration, type RuleSet } from '@outrigger/rules';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Logger } from 'winston';
import { createLog, type LogFormat } from '../log.ts';
import type { Finish } from '../program.ts';
import { printDiagnostics, readRules, UsageError } from '../rulesfile.ts';
import type { Terminal } from '../terminal.ts';
import { superviseWorkers } from '../workers.ts';

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
        'Relative file names in the rules are taken from the folder of the rules file.',
    )
    .argument('<file>', 'the rules file')
    .option('--workers <number>', 'processes that share the listeners', parseWorkers, 1)
    .addOption(new Option('--log-format <format>', 'form of the log').choices(['text', 'json']).default('text'))
    .option('--grace <duration>', 'how long requests in flight may go on after the first signal', parseGrace, 10_000)
    .addHelpText('after', '\nExample:\n  outrigger run /etc/outrigger/outrigger.yaml')
    .action(async (file: string, options: Options) => {
      const { rules, diagnostics } = readRules(file);
      if (!cluster.isWorker) printDiagnostics(diagnostics, terminal);
      if (rules === undefined) throw new UsageError(`${file}: not usable`);
      const log = createLog(options.logFormat);
      if (options.workers > 1 && cluster.isPrimary) {
        finish(await superviseWorkers(options.workers, STOP_SIGNALS, (text) => log.warn(text)));
      } else {
        finish(await runEdge(withAbsoluteFiles(rules, dirname(resolve(file))), options.grace, log, terminal));
      }
    });
}

/** Runs until a signal; resolves to the exit code. */
async function runEdge(rules: RuleSet, grace: number, log: Logger, terminal: Terminal): Promise<number> {
  const report = (record: LogRecord): void =>
    void log.log({ level: recordLevel(record), message: recordText(record), record });
  const started = await startEdge({ rules, report });
  if (started.kind === 'failed')
    throw new UsageError(started.problems.map(({ message, code }) => `${message} [${code}]`).join('\noutrigger: '));
  const { edge } = started;
  for (const { host, port, listener } of edge.addresses) terminal.err(`listening on ${host}:${port} (${listener})\n`);
  const stopped = new AbortController();
  // One of several workers is enough to look; those that replace others have higher numbers.
  if ((cluster.worker?.id ?? 1) === 1) void reportExtendedProtection({ rules, report, cancel: stopped.signal });
  await stopSignal(edge, grace, terminal);
  stopped.abort('the proxy was stopped');
  return 0;
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

/** Certificate and key files as absolute names, so that they mean the same from whatever folder the proxy is started. */
export function withAbsoluteFiles(rules: RuleSet, folder: string): RuleSet {
  const pair = (files: CertificateFiles): CertificateFiles => {
    const passphraseFile = files.passphraseFile && { passphraseFile: resolve(folder, files.passphraseFile) };
    return 'pkcs12' in files
      ? { pkcs12: resolve(folder, files.pkcs12), ...passphraseFile }
      : { cert: resolve(folder, files.cert), key: resolve(folder, files.key), ...passphraseFile };
  };
  const clients = ({ clientCertificates: asked }: NonNullable<Listener['tls']>): Partial<Listener['tls']> =>
    asked === undefined ? {} : { clientCertificates: { ...asked, ca: resolve(folder, asked.ca) } };
  return {
    ...rules,
    listen: rules.listen.map((listener) =>
      listener.tls === undefined
        ? listener
        : {
            ...listener,
            tls: { ...listener.tls, certificates: listener.tls.certificates.map(pair), ...clients(listener.tls) },
          },
    ),
    upstreams: new Map(
      [...rules.upstreams].map(([name, upstream]) => {
        if (upstream.tls === undefined) return [name, upstream];
        const { ca, certificate } = upstream.tls;
        const files = {
          ...(ca !== undefined && { ca: resolve(folder, ca) }),
          ...(certificate && { certificate: pair(certificate) }),
        };
        return [name, { ...upstream, tls: { ...upstream.tls, ...files } }];
      }),
    ),
  };
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
