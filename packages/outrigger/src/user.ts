// Room: this process as another user, for good: to see with that user's rights what a service could read.
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { UsageError } from './rulesfile.ts';

/** Node has it on POSIX, its types have not. */
const posix = process as { initgroups?: (user: string, group: number) => void };
const USER_NAME = /^[\w.][\w.@-]*\$?$/;

/**
 * Takes on the uid, the gid and all groups of `name`, as systemd does for `User=` (setgroups(2), setgid(2), setuid(2)). Throws a
 * UsageError where there is no such user, or we may not.
 */
export function becomeUser(name: string): void {
  const group = groupOf(name);
  if (group === undefined)
    throw new UsageError(
      `there is no user ${name}: useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin ${name}`,
    );
  try {
    posix.initgroups?.(name, group);
    process.setgid?.(group);
    process.setuid?.(name);
  } catch (error) {
    throw new UsageError(`--user ${name}: only root may become another user (${(error as Error).message})`);
  }
}

/** What of the program itself this user cannot read: node or outrigger below /root, most often. Files, in no order. */
export function unreadableProgram(): string[] {
  return [process.execPath, process.argv[1] ?? ''].filter((file) => {
    try {
      accessSync(file, constants.R_OK);
      return false;
    } catch {
      return file !== '';
    }
  });
}

/** The gid of a user; undefined where there is none. id(1) also knows users that are in no /etc/passwd. */
function groupOf(name: string): number | undefined {
  if (!USER_NAME.test(name)) return undefined;
  try {
    return Number(execFileSync('id', ['-g', name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return undefined; // id(1) ends with 1
  }
}
