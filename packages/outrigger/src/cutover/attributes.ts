// Room: what a file has beside its bytes, mode and owner: access lists, extended attributes, the label of SELinux. Node cannot read them;
// cp(1) of coreutils carries them over.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** There where SELinux runs, which gives every file a label. */
const SELINUX = '/sys/fs/selinux/enforce';
/** Milliseconds for one file: two are usual. */
const PATIENCE = 10_000;

/** Gives `to` the access lists, attributes and label of `from`, and its mode and owner with them; a sentence where they could not all be given. */
export function keepAttributes(from: string, to: string): string | undefined {
  const kinds = ['mode', 'ownership', 'xattr', ...(existsSync(SELINUX) ? ['context'] : [])];
  // Named one by one, not as `all`: cp then fails where it cannot keep them, rather than leave them out.
  const options = ['--attributes-only', `--preserve=${kinds.join(',')}`, '--', from, to];
  const { status, stderr, error } = spawnSync('cp', options, { encoding: 'utf8', timeout: PATIENCE });
  if (status === 0) return undefined;
  return `access lists and extended attributes of ${from} could not be kept: ${error?.message ?? stderr.trim()}`;
}
