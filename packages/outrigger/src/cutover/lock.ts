// Room: one cut-over at a time. The lock names its process and when that was born, so that one that died holds nobody up, and a pid met
// again is not taken for it.
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { born } from './process.ts';

/** Takes the lock of a folder of backups: gives back how to let go, or the pid that has it. */
export function takeLock(folder: string): { kind: 'taken'; release(): void } | { kind: 'held'; by: number } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'lock');
  const own = join(folder, `.lock.${process.pid}`);
  // Linked into place whole: nobody ever reads a lock without its pid.
  writeFileSync(own, `${process.pid} ${born(process.pid) ?? ''}`);
  try {
    for (;;) {
      try {
        linkSync(own, file);
        return { kind: 'taken', release: () => rmSync(file, { force: true }) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const [pid = '', since = ''] = textOf(file).split(' ');
      if (since !== '' && born(Number(pid)) === since) return { kind: 'held', by: Number(pid) };
      rmSync(file, { force: true });
    }
  } finally {
    rmSync(own, { force: true });
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // it was let go meanwhile
  }
}
