// Room: `outrigger verify`: the rules held against the installed Squid or Apache, on a private copy of the file they came from.
import { diskReader } from '@outrigger/importer';
import { verifiedJson, verifiedText, verifyApache, verifySquid } from '@outrigger/verify';
import { Command, InvalidArgumentError } from 'commander';
import { collect } from '../options.ts';
import type { Finish } from '../program.ts';
import { progressBar } from '../progress.ts';
import { printDiagnostics, readRules, UsageError, withAbsoluteFiles } from '../rulesfile.ts';
import type { Terminal } from '../terminal.ts';

/** Exit codes of product.md: 0 same, 4 differs, 1 cannot run. */
const DIFFERS = 4;

/** By these a person breaks it off: the copy is cleared away first. */
const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];

type Options = { squid: string[]; apache?: string; probes: number; seed: number; json?: true };

export function verifyCommand(terminal: Terminal, finish: Finish): Command {
  return new Command('verify')
    .summary('ask the installed Squid or Apache and Outrigger the same, and print every difference')
    .description(
      'Starts the installed Squid or Apache on a private copy of FILE, with stand-ins for its servers, and Outrigger on the rules\n' +
        'beside it; puts the same requests to both and compares upstream, status, forwarded head and the page of a denial. Behind Outrigger a second copy of\n' +
        'Apache takes what stays with it. The running daemon is not touched, no command of the file is run, nothing leaves this\n' +
        'machine and nothing is left behind.\n' +
        'Exit 0: no difference that the import does not announce. 4: they differ. 1: cannot run.',
    )
    .argument('<file>', 'the rules file')
    .option('--squid <file>', 'the squid.conf it stands for; includes are followed (may be repeated)', collect, [])
    .option('--apache <path>', 'the Apache configuration it stands for: its main file, or the folder that is in')
    .option('--probes <number>', 'requests put to both, at most', positive, 1_000)
    .option('--seed <number>', 'choose other requests where there are more', positive, 1)
    .option('--json', 'the result as JSON on stdout, announced differences with it')
    .addHelpText(
      'after',
      '\nExamples:\n  outrigger verify outrigger.yaml --squid /etc/squid/squid.conf\n  outrigger verify outrigger.yaml --apache /etc/apache2',
    )
    .action(async (file: string, options: Options) => {
      if (options.squid.length > 0 === (options.apache !== undefined)) {
        throw new UsageError('Say what the rules stand for: --squid FILE or --apache PATH, one of them.');
      }
      const { rules, diagnostics } = readRules(file);
      if (rules === undefined) {
        printDiagnostics(diagnostics, terminal);
        throw new UsageError(`${file}: not usable`);
      }
      const bar = progressBar(terminal, 'probes');
      const ending = new AbortController();
      const breakOff = (): void => ending.abort();
      for (const signal of STOP_SIGNALS) process.once(signal, breakOff);
      const asked = {
        reader: diskReader(),
        rules: withAbsoluteFiles(rules, file),
        seed: options.seed,
        most: options.probes,
        progress: bar.show,
        signal: ending.signal,
      };
      const result =
        options.apache === undefined
          ? await verifySquid({ files: options.squid, ...asked })
          : await verifyApache({ path: options.apache, ...asked });
      for (const signal of STOP_SIGNALS) process.off(signal, breakOff);
      bar.clear();
      if (result.kind === 'failed') {
        const { code, message, said } = result.problem;
        throw new UsageError(`${message} [${code}]${said ? `\n${said}` : ''}`);
      }
      terminal.out(options.json ? verifiedJson(result) : verifiedText(result));
      finish(result.differences.length === 0 ? 0 : DIFFERS);
    });
}

function positive(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('A whole number from 1 on.');
  return Number(text);
}
