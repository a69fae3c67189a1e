// Room: `outrigger validate`: every problem of a rules file, with its place.
import { checkFiles, type FileFinding } from '@outrigger/proxy';
import type { RuleSet } from '@outrigger/rules';
import { Command } from 'commander';
import { type AccessFileCode, accessFileFindings } from '../accessfiles.ts';
import { exchangeSettings } from '../exchangesettings.ts';
import type { Finish } from '../program.ts';
import { printDiagnostics, readRules, withAbsoluteFiles } from '../rulesfile.ts';
import type { Terminal } from '../terminal.ts';
import { becomeUser, unreadableProgram } from '../user.ts';

type Options = { json?: true; exchange?: true; files?: true; user?: string };

export function validateCommand(terminal: Terminal, finish: Finish): Command {
  return new Command('validate')
    .summary('print every problem of a rules file')
    .description(
      'Loads a rules file and prints every problem as file:line:column. Exit 0: good (warnings may remain). 1: not usable.\n' +
        'With --files, certificates, keys, passphrases and pages are read as `run` would read them, and access logs must be writable;\n' +
        '--user asks as the user that Outrigger runs as, and needs root.',
    )
    .argument('<file>', 'the rules file')
    .option('--exchange', 'also print what must be set on Exchange, to be pasted into its Management Shell')
    .option('--files', 'also read every file that the rules name, as run would')
    .option('--user <name>', 'with --files: as this user, whose rights and groups are taken on')
    .option('--json', 'findings as JSON on stdout')
    .addHelpText(
      'after',
      '\nExamples:\n  outrigger validate /etc/outrigger/outrigger.yaml\n  outrigger validate --exchange /etc/outrigger/outrigger.yaml > exchange.ps1\n  outrigger validate --files --user outrigger /etc/outrigger/outrigger.yaml',
    )
    .action((file: string, options: Options) => {
      if (options.user !== undefined) becomeUser(options.user);
      const { rules, diagnostics } = readRules(file);
      const files = (options.files || options.user !== undefined) && rules ? fileFindings(file, rules) : [];
      const isUsable = rules !== undefined && !files.some(({ severity }) => severity === 'error');
      const exchange = options.exchange && rules ? exchangeSettings(rules) : undefined;
      if (options.json) {
        terminal.out(`${JSON.stringify({ usable: isUsable, diagnostics, files, exchange }, undefined, 2)}\n`);
      } else {
        for (const { upstream, mode, lines } of exchange ?? []) {
          terminal.out(`${[`# ${upstream}: ${mode}`, ...lines].join('\n')}\n`);
        }
        if (exchange?.length === 0)
          terminal.err('no way leads to an upstream with rpcOverHttp: nothing to set on Exchange\n');
        printDiagnostics(diagnostics, terminal);
        for (const { severity, message, code } of files) terminal.err(`${severity}: ${message} [${code}]\n`);
        const seen = isUsable ? describe(rules) : terminal.paint('red', 'not usable');
        terminal.err(`${file}: ${seen}${isUsable && options.files ? ', every file is readable' : ''}\n`);
      }
      finish(isUsable ? 0 : 1);
    });
}

type Finding = Omit<FileFinding, 'code'> & { code: FileFinding['code'] | AccessFileCode };

/** What is wrong with the files that rules name, for the user of this process. */
function fileFindings(file: string, rules: RuleSet): Finding[] {
  const absolute = withAbsoluteFiles(rules, file);
  const program = unreadableProgram().map((path): Finding => {
    const message = `${path} is part of Outrigger itself and cannot be read. Install it where that user can, as below /opt or /usr.`;
    return { severity: 'error', code: 'FILE_UNREADABLE', message };
  });
  return [...program, ...checkFiles(absolute), ...accessFileFindings(absolute)];
}

/** `1 listener, 2 upstreams, …`: enough to see that the right file was read. */
export function describe(rules: RuleSet): string {
  return [
    count(rules.listen.length, 'listener'),
    count(rules.upstreams.size, 'upstream'),
    count(rules.access.length, 'access line'),
    count(rules.routes.length, 'route'),
  ].join(', ');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
