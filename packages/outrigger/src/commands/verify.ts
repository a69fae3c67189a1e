// Room: `outrigger verify`: the rules held against the installed Squid, on a private copy of the file they came from.
import { diskReader } from '@outrigger/importer';
import { verifiedJson, verifiedText, verifySquid } from '@outrigger/verify';
import { Command, InvalidArgumentError } from 'commander';
import { collect } from '../options.ts';
import type { Finish } from '../program.ts';
import { progressBar } from '../progress.ts';
import { printDiagnostics, readRules, UsageError } from '../rulesfile.ts';
import type { Terminal } from '../terminal.ts';

/** Exit codes of product.md: 0 same, 4 differs, 1 cannot run. */
const DIFFERS = 4;

/** By these a person breaks it off: the copy is cleared away first. */
const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];

type Options = { squid: string[]; probes: number; seed: number; json?: true };

export function verifyCommand(terminal: Terminal, finish: Finish): Command {
  return new Command('verify')
    .summary('ask the installed Squid and Outrigger the same, and print every difference')
    .description(
      'Starts the installed Squid on a private copy of FILE, with stand-ins for its peers, and Outrigger on the rules beside it;\n' +
        'puts the same requests to both and compares upstream, status and forwarded head. The running Squid is not touched,\n' +
        'no command of the file is run, nothing leaves this machine and nothing is left behind.\n' +
        'Exit 0: no difference that the import does not announce. 4: they differ. 1: cannot run.',
    )
    .argument('<file>', 'the rules file')
    .requiredOption(
      '--squid <file>',
      'the squid.conf it stands for; includes are followed (may be repeated)',
      collect,
      [],
    )
    .option('--probes <number>', 'requests put to both, at most', positive, 1_000)
    .option('--seed <number>', 'choose other requests where there are more', positive, 1)
    .option('--json', 'the result as JSON on stdout, announced differences with it')
    .addHelpText('after', '\nExample:\n  outrigger verify outrigger.yaml --squid /etc/squid/squid.conf')
    .action(async (file: string, options: Options) => {
      const { rules, diagnostics } = readRules(file);
      if (rules === undefined) {
        printDiagnostics(diagnostics, terminal);
        throw new UsageError(`${file}: not usable`);
      }
      const bar = progressBar(terminal, 'probes');
      const ending = new AbortController();
      const breakOff = (): void => ending.abort();
      for (const signal of STOP_SIGNALS) process.once(signal, breakOff);
      const result = await verifySquid({
        files: options.squid,
        reader: diskReader(),
        rules,
        seed: options.seed,
        most: options.probes,
        progress: bar.show,
        signal: ending.signal,
      });
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
