import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileChange } from '@outrigger/importer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBackup, makeChanges, openBackups, reach, restoreFiles } from './backup.ts';
import { commandOf, commandText, runCommandToEnd } from './command.ts';
import { takeLock } from './lock.ts';

let folder: string;
let changes: FileChange[];
const COMMANDS = {
  leave: { argv: ['true'] },
  comeBack: { argv: ['true'] },
  startOutrigger: { argv: ['true'] },
} satisfies Parameters<typeof createBackup>[2];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outrigger-backup-'));
  mkdirSync(join(folder, 'etc'));
  writeFileSync(join(folder, 'etc/ports.conf'), Buffer.from([0x4c, 0xe9, 0x0a]));
  chmodSync(join(folder, 'etc/ports.conf'), 0o640);
  symlinkSync('ports.conf', join(folder, 'etc/linked.conf'));
  const at = (name: string): string => join(folder, 'etc', name);
  changes = [
    { kind: 'edit', path: at('linked.conf'), before: 'L\xe9\n', after: 'L\xe9\nmore\n', changes: [] },
    { kind: 'create', path: at('made.conf'), after: 'made\n' },
    { kind: 'link', path: at('made.link'), target: 'made.conf' },
  ];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const backedUp = (): ReturnType<typeof createBackup> =>
  createBackup(
    join(folder, 'kept'),
    { holder: 'Apache', files: changes, notes: [], sites: [], logs: [], doors: [], fresh: [] },
    COMMANDS,
    new Date(0),
  );
/** Names, bytes and modes of the folder. */
function seen(): string[] {
  return readdirSync(join(folder, 'etc')).map((name) => {
    const path = join(folder, 'etc', name);
    return `${name} ${lstatSync(path).mode.toString(8)} ${readFileSync(path).toString('hex')}`;
  });
}

describe('the backup of a cut-over', () => {
  it('brings every byte and mode back, and takes away what was made', () => {
    const before = seen();
    const backup = backedUp();
    makeChanges(changes);
    expect(readFileSync(join(folder, 'etc/ports.conf'), 'latin1')).toBe('L\xe9\nmore\n');
    expect(lstatSync(join(folder, 'etc/linked.conf')).isSymbolicLink()).toBe(true);
    expect(restoreFiles(backup)).toEqual([]);
    expect(seen()).toEqual(before);
  });

  it.each([0, 1, 2])('does so after %i of its changes, with half a file beside them', (made) => {
    const before = seen();
    const backup = backedUp();
    makeChanges(changes.slice(0, made));
    writeFileSync(join(folder, 'etc/.ports.conf.outrigger'), 'ha');
    restoreFiles(backup);
    restoreFiles(backup);
    expect(seen()).toEqual(before);
  });

  it('keeps what was changed since', () => {
    const backup = backedUp();
    makeChanges(changes);
    writeFileSync(join(folder, 'etc/ports.conf'), 'by hand\n');
    expect(restoreFiles(backup)).toEqual([join(folder, 'etc/ports.conf')]);
    expect(readFileSync(join(backup.folder, 'replaced-0-ports.conf'), 'utf8')).toBe('by hand\n');
  });

  it('is found as long as it was not taken back', () => {
    const backup = backedUp();
    expect(openBackups(join(folder, 'kept')).map(({ manifest }) => manifest.stage)).toEqual(['begun']);
    reach(backup, 'rolled back');
    expect(openBackups(join(folder, 'kept'))).toEqual([]);
  });
});

describe('the lock', () => {
  it('is held once, and not by the dead', () => {
    const first = takeLock(folder);
    expect(takeLock(folder)).toEqual({ kind: 'held', by: process.pid });
    if (first.kind === 'taken') first.release();
    // Beyond the highest pid Linux gives (proc(5), pid_max).
    writeFileSync(join(folder, 'lock'), '99999999');
    expect(takeLock(folder).kind).toBe('taken');
  });
});

describe('commands', () => {
  it.each([
    ['systemctl reload apache2', ['systemctl', 'reload', 'apache2']],
    [`a 'b c' "d 'e'" f'g'`, ['a', 'b c', "d 'e'", 'fg']],
    ['a; rm $X', ['a;', 'rm', '$X']],
  ])('are words: %s', (text, argv) => {
    expect(commandOf(text)).toEqual({ argv });
  });

  it('are heard to their end, and leave a daemon be that goes on talking', async () => {
    const file = join(folder, 'spoken');
    const script = `(sleep 0.3; echo later; echo later; touch ${file}) & echo now; exit 3`;
    expect(await runCommandToEnd({ argv: ['sh', '-c', script] })).toEqual({ code: 3, said: 'now' });
    await expect.poll(() => existsSync(file), { timeout: 10_000 }).toBe(true);
    expect(await runCommandToEnd({ argv: [join(folder, 'absent')] })).toMatchObject({ code: null });
  });

  it('are shown so that a shell takes the same words', () => {
    expect(commandText({ argv: ['a', "it's", '$X'], env: { N: 'b c' } })).toBe(`N='b c' a 'it'\\''s' '$X'`);
  });
});
