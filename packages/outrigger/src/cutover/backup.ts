// Room: what was, so that it can be again: copies of the files a cut-over changes, and how far it came. Written before each change,
// so that whoever finds it can finish the way back, whatever ended the first process.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { FileChange } from '@outrigger/importer';
import { keepAttributes } from './attributes.ts';
import type { Commands } from './command.ts';
import type { Cutover } from './cutover.ts';

/** How far a cut-over came; each is written before what it names is done. */
export type Stage = 'begun' | 'editing' | 'reloading' | 'starting' | 'applied' | 'rolled back';

/** One path as it was. `absent`: there was nothing. `after`: sha256 of what the cut-over wrote. `mode` and owner as stat(2) has them. */
export type Kept =
  | {
      kind: 'file';
      path: string;
      copy: string;
      sha256: string;
      after: string;
      mode: number;
      uid: number;
      gid: number;
      mtime: number;
    }
  | { kind: 'absent'; path: string; after: string };

export type Manifest = {
  version: 1;
  created: string;
  stage: Stage;
  /** Who held the addresses: as a person calls it. */
  holder: string;
  kept: Kept[];
  commands: Commands;
  /** Addresses that change hands. */
  taken: string[];
  /** What of a file the copy has not, a sentence each; such a thing is gone for good. */
  notKept: string[];
  /** The Outrigger that was started as a process of its own, and when by the kernel's clock, so that a pid met again is known. */
  outrigger?: { pid: number; born: string };
};

export type Backup = { folder: string; manifest: Manifest };

const MANIFEST = 'manifest.json';

/** Makes the folder of a cut-over with a copy of each file that will change. Nothing else is touched. */
export function createBackup(folder: string, plan: Cutover, commands: Commands, now: Date): Backup {
  const created = now.toISOString();
  const own = join(folder, created.replaceAll(':', '-'));
  mkdirSync(own, { recursive: true, mode: 0o700 });
  const notKept: string[] = [];
  const kept = plan.files.map((change, index): Kept => {
    const after = sha256(contentOf(change));
    if (change.kind !== 'edit') return { kind: 'absent', path: change.path, after };
    const path = realpathSync(change.path);
    const bytes = readFileSync(path);
    const { mode, uid, gid, mtimeMs } = lstatSync(path);
    const copy = `${index}-${basename(path)}`;
    write(join(own, copy), bytes, 0o600);
    const lost = keepAttributes(path, join(own, copy));
    if (lost !== undefined) notKept.push(lost);
    return {
      kind: 'file',
      path,
      copy,
      sha256: sha256(bytes),
      after,
      mode: mode & 0o7777,
      uid,
      gid,
      mtime: mtimeMs / 1000,
    };
  });
  const backup: Backup = {
    folder: own,
    manifest: {
      version: 1,
      created,
      stage: 'begun',
      holder: plan.holder,
      kept,
      commands,
      taken: plan.doors.map(({ taken }) => taken),
      notKept,
    },
  };
  save(backup);
  return backup;
}

/** Writes down how far it came, before it goes on. */
export function reach(backup: Backup, stage: Stage, more: Pick<Manifest, 'outrigger'> = {}): void {
  Object.assign(backup.manifest, more, { stage });
  save(backup);
}

function save({ folder, manifest }: Backup): void {
  replace(join(folder, MANIFEST), Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`), { mode: 0o600 });
}

/** The backup in this folder; undefined where there is none. */
export function readBackup(folder: string): Backup | undefined {
  try {
    return { folder, manifest: JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')) as Manifest };
  } catch {
    return undefined; // no folder of ours, or one whose first line never reached the disk: nothing was changed then
  }
}

/** Backups under `folder` that were not taken back, the newest first. */
export function openBackups(folder: string): Backup[] {
  if (!existsSync(folder)) return [];
  const all = readdirSync(folder).sort().reverse();
  return all
    .flatMap((name) => readBackup(join(folder, name)) ?? [])
    .filter(({ manifest }) => manifest.stage !== 'rolled back');
}

/** Makes the changes, each file whole or not at all. Throws where the system refuses one. */
export function makeChanges(changes: readonly FileChange[]): void {
  for (const change of changes) {
    if (change.kind === 'link') symlinkSync(change.target, change.path);
    else if (change.kind === 'create') {
      if (current(change.path) !== undefined)
        throw new Error(`${change.path} is there already, and was not when it was planned`);
      replace(change.path, contentOf(change), { mode: 0o644 });
    } else {
      const path = realpathSync(change.path);
      const { mode, uid, gid } = lstatSync(path);
      replace(path, contentOf(change), { mode: mode & 0o7777, uid, gid, like: path });
    }
  }
}

/** Puts every file back to the same bytes, mode, owner and time of change. What was changed since is kept in the backup; its paths are given back. */
export function restoreFiles({ folder, manifest }: Backup): string[] {
  const replaced: string[] = [];
  for (const [index, kept] of manifest.kept.entries()) {
    rmSync(freshName(kept.path), { force: true });
    const now = current(kept.path);
    if (now !== undefined && sha256(now) !== kept.after && !(kept.kind === 'file' && sha256(now) === kept.sha256)) {
      write(join(folder, `replaced-${index}-${basename(kept.path)}`), now, 0o600);
      replaced.push(kept.path);
    }
    if (kept.kind === 'absent') {
      if (now !== undefined) rmSync(kept.path, { force: true });
    } else if (now === undefined || sha256(now) !== kept.sha256) {
      const bytes = readFileSync(join(folder, kept.copy));
      if (sha256(bytes) !== kept.sha256) throw new Error(`${join(folder, kept.copy)} is not the copy that was made`);
      replace(kept.path, bytes, { ...kept, like: join(folder, kept.copy) });
    }
  }
  return replaced;
}

function contentOf(change: FileChange): Buffer {
  return Buffer.from(change.kind === 'link' ? change.target : change.after, 'latin1');
}

/** Bytes of a file, the target of a link; undefined where there is nothing. */
function current(path: string): Buffer | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  return stat.isSymbolicLink() ? Buffer.from(readlinkSync(path), 'latin1') : readFileSync(path);
}

/** What a folder lists reaches the disk: without it a name may be gone after the power was. */
function syncFolder(folder: string): void {
  const file = openSync(folder, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** What a file is beside its bytes. `mtime` in seconds since 1970. `like`: a file whose access lists and attributes it has, too. */
type Attributes = { mode: number; uid?: number; gid?: number; mtime?: number; like?: string };

/** A file in place of another at once, so that nobody ever reads half of it, nor one that is not yet as it shall be. */
function replace(path: string, bytes: Buffer, { mode, uid, gid, mtime, like }: Attributes): void {
  const fresh = freshName(path);
  rmSync(fresh, { force: true });
  write(fresh, bytes, mode, 'wx');
  // What cannot be kept was told when the copy was made.
  if (like !== undefined) keepAttributes(like, fresh);
  chmodSync(fresh, mode);
  if (uid !== undefined && gid !== undefined && process.getuid?.() === 0) chownSync(fresh, uid, gid);
  if (mtime !== undefined) utimesSync(fresh, mtime, mtime);
  renameSync(fresh, path);
  syncFolder(dirname(path));
}

/** What a file is called until it is whole. No Include of Debian or Red Hat matches it. */
function freshName(path: string): string {
  return join(dirname(path), `.${basename(path)}.outrigger`);
}

function write(path: string, bytes: Buffer, mode: number, flag = 'w'): void {
  const file = openSync(path, flag, mode);
  try {
    writeFileSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
