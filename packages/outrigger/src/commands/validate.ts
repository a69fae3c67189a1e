// Room: `outrigger validate`: every problem of a rules file, with its place.

import type { RuleSet } from '@outrigger/rules';
import { Command } from 'commander';
import { exchangeSettings } from '../exchangesettings.ts';
import type { Finish } from '../program.ts';
import { printDiagnostics, readRules } from '../rulesfile.ts';
import type { Terminal } from '../terminal.ts';

export function validateCommand(terminal: Terminal, finish: Finish): Command {
  return new Command('validate')
    .summary('print every problem of a rules file')
    .description(
      'Loads a rules file and prints every problem as file:line:column. Exit 0: good (warnings may remain). 1: not usable.',
    )
    .argument('<file>', 'the rules file')
    .option('--exchange', 'also print what must be set on Exchange, to be pasted into its Management Shell')
    .option('--json', 'findings as JSON on stdout')
    .addHelpText(
      'after',
      '\nExamples:\n  outrigger validate /etc/outrigger/outrigger.yaml\n  outrigger validate --exchange /etc/outrigger/outrigger.yaml > exchange.ps1',
    )
    .action((file: string, options: { json?: true; exchange?: true }) => {
      const { rules, diagnostics } = readRules(file);
      const exchange = options.exchange && rules ? exchangeSettings(rules) : undefined;
      if (options.json) {
        terminal.out(`${JSON.stringify({ usable: rules !== undefined, diagnostics, exchange }, undefined, 2)}\n`);
      } else {
        for (const { upstream, mode, lines } of exchange ?? []) {
          terminal.out(`${[`# ${upstream}: ${mode}`, ...lines].join('\n')}\n`);
        }
        if (exchange?.length === 0)
          terminal.err('no way leads to an upstream with rpcOverHttp: nothing to set on Exchange\n');
        printDiagnostics(diagnostics, terminal);
        terminal.err(`${file}: ${rules === undefined ? terminal.paint('red', 'not usable') : describe(rules)}\n`);
      }
      finish(rules === undefined ? 1 : 0);
    });
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
