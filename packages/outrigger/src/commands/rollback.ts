// Room: `outrigger rollback`: the way back from a cut-over, finished or not.
import { resolve } from 'node:path';
import { Command } from 'commander';
import { openBackups, readBackup } from '../cutover/backup.ts';
import { takeLock } from '../cutover/lock.ts';
import { putBack } from '../cutover/rollback.ts';
import type { Finish } from '../program.ts';
import { UsageError } from '../rulesfile.ts';
import type { Terminal } from '../terminal.ts';
import { BACKUPS } from './plan.ts';

/** Something could not be put back. */
const TROUBLE = 5;

type Options = { backup?: string; backups: string };

export function rollbackCommand(terminal: Terminal, finish: Finish): Command {
  return new Command('rollback')
    .summary('put everything back as it was before plan --apply')
    .description(
      'Puts the files of Apache back to the same bytes, stops Outrigger and reloads Apache, from whatever point the cut-over came to.\n' +
        'A file that was changed since is kept beside the backup. Exit 0: all is as it was. 5: something is not, and is named. 1: cannot run.',
    )
    .option('--backup <folder>', 'the backup to go back to (default: the newest that was not taken back)')
    .option('--backups <folder>', 'where backups are kept', BACKUPS)
    .addHelpText('after', '\nExample:\n  outrigger rollback')
    .action(async (options: Options) => {
      const folder = resolve(options.backups);
      const backup = options.backup === undefined ? openBackups(folder)[0] : readBackup(resolve(options.backup));
      if (backup === undefined) throw new UsageError(`${options.backup ?? folder}: there is nothing to go back to`);
      if (backup.manifest.stage === 'rolled back') throw new UsageError(`${backup.folder}: it was taken back already`);
      const lock = takeLock(resolve(backup.folder, '..'));
      if (lock.kind === 'held') throw new UsageError(`another cut-over is under way, process ${lock.by}`);
      try {
        const { trouble } = await putBack(backup, (text) => terminal.err(`${text}\n`));
        if (trouble.length === 0) return;
        terminal.err(`NOT everything is as it was:\n${trouble.join('\n')}\n`);
        finish(TROUBLE);
      } finally {
        lock.release();
      }
    });
}
