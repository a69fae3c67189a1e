import { spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileChange } from '@outrigger/importer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepAttributes } from './attributes.ts';
import { createBackup, makeChanges, restoreFiles } from './backup.ts';

/** Python's os module asks the kernel itself, where setfacl is not installed. The list: owner rw, user 65534 r, group r, mask r, others none. */
const SET = `
import os, struct, sys
entries = [(1, 6, 0xffffffff), (2, 4, 65534), (4, 4, 0xffffffff), (16, 4, 0xffffffff), (32, 0, 0xffffffff)]
os.setxattr(sys.argv[1], 'user.outrigger', b'kept')
os.setxattr(sys.argv[1], 'system.posix_acl_access', struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *each) for each in entries))`;
const GET = `
import os, sys
print({name: os.getxattr(sys.argv[1], name).hex() for name in sorted(os.listxattr(sys.argv[1]))})`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outrigger-attributes-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function python(script: string, path: string): string | undefined {
  const { status, stdout } = spawnSync('python3', ['-c', script, path], { encoding: 'utf8' });
  return status === 0 ? stdout : undefined;
}

function canHaveThem(): boolean {
  const probe = mkdtempSync(join(tmpdir(), 'outrigger-attributes-'));
  try {
    writeFileSync(join(probe, 'x'), '');
    return python(SET, join(probe, 'x')) !== undefined;
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}

const isAble = canHaveThem();
if (!isAble && process.env.CI === 'true') throw new Error('access lists cannot be set here: this test must run in CI');
if (!isAble) console.error('SKIPPED: access lists cannot be set here (python3, or the file system)');

describe.skipIf(!isAble)('access lists and extended attributes', () => {
  it('of a changed file stay, and come back', () => {
    const path = join(folder, 'ports.conf');
    writeFileSync(path, 'old\n', { mode: 0o640 });
    python(SET, path);
    const before = [python(GET, path), lstatSync(path).mode];
    expect(before[0]).toMatch(/posix_acl_access.*user\.outrigger/);
    const change: FileChange = { kind: 'edit', path, before: 'old\n', after: 'new\n', changes: [] };
    const command = { argv: ['true'] as [string] };
    const backup = createBackup(
      join(folder, 'kept'),
      { holder: 'Apache', files: [change], notes: [], sites: [], logs: [], doors: [], fresh: [] },
      { leave: command, comeBack: command, startOutrigger: command },
      new Date(0),
    );
    expect(backup.manifest.notKept).toEqual([]);
    makeChanges([change]);
    expect([python(GET, path), lstatSync(path).mode]).toEqual(before);
    rmSync(path);
    restoreFiles(backup);
    expect([python(GET, path), lstatSync(path).mode]).toEqual(before);
  });
});

it('says so where they cannot be kept', () => {
  expect(keepAttributes(join(folder, 'absent'), join(folder, 'to'))).toMatch(
    /^access lists and extended attributes of .*absent could not be kept: /,
  );
});
