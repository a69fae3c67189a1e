// Room: the command line as a whole. It ends in a number, never in process.exit, so that tests can run it.
import { Command, CommanderError } from 'commander';
import { explainCommand } from './commands/explain.ts';
import { importCommand } from './commands/import.ts';
import { planCommand } from './commands/plan.ts';
import { rollbackCommand } from './commands/rollback.ts';
import { runCommand } from './commands/run.ts';
import { validateCommand } from './commands/validate.ts';
import { verifyCommand } from './commands/verify.ts';
import { UsageError } from './rulesfile.ts';
import type { Terminal } from './terminal.ts';
import { VERSION } from './version.ts';

/** Says with which code the process shall end. */
export type Finish = (code: number) => void;

/** Cannot run: of every command (product.md). */
const CANNOT_RUN = 1;

/** Runs one command line (without node and script name) and resolves to its exit code. */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode = 0;
  const finish: Finish = (code) => {
    exitCode = code;
  };
  const program = new Command('outrigger')
    .description('The Apache-companion sidecar on port 443: Outlook to Exchange, everything else to Apache.')
    .version(VERSION)
    .addCommand(importCommand(terminal, finish))
    .addCommand(validateCommand(terminal, finish))
    .addCommand(explainCommand(terminal, finish))
    .addCommand(runCommand(terminal, finish))
    .addCommand(verifyCommand(terminal, finish))
    .addCommand(planCommand(terminal, finish))
    .addCommand(rollbackCommand(terminal, finish))
    .addHelpText('after', '\nStart with:\n  outrigger import --squid /etc/squid/squid.conf -o outrigger.yaml');
  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .showHelpAfterError('(--help shows an example)')
      .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) });
  }

  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : CANNOT_RUN;
    if (error instanceof UsageError) {
      terminal.err(`outrigger: ${error.message}\n`);
      return CANNOT_RUN;
    }
    throw error;
  }
  return exitCode;
}
