import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileChange } from '@outrigger/importer';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createBackup, makeChanges, openBackups, reach, restoreFiles } from './backup.ts';
import type { Cutover } from './cutover.ts';

// What a kill -9 or a power cut leaves: the call that would have changed something is not made, and none after it.

const life = vi.hoisted(() => ({ calls: Number.POSITIVE_INFINITY }));
vi.mock('node:fs', async (load) => {
  const fs = await load<typeof import('node:fs')>();
  const CHANGING = [
    'chmodSync',
    'chownSync',
    'mkdirSync',
    'renameSync',
    'rmSync',
    'symlinkSync',
    'utimesSync',
    'writeFileSync',
  ] as const;
  const mortal = CHANGING.map((name) => {
    const call = (...args: unknown[]): unknown => {
      if (life.calls <= 0) throw new Error('killed');
      life.calls -= 1;
      return (fs[name] as (...args: unknown[]) => unknown)(...args);
    };
    return [name, call];
  });
  // The power stays on here: what was written is there for who reads next.
  return { ...fs, fsyncSync: () => {}, ...Object.fromEntries(mortal) };
});

const COMMAND = { argv: ['true'] as [string] };
const COMMANDS = { leave: COMMAND, comeBack: COMMAND, startOutrigger: COMMAND };
/** More changes than there are between the first and the last byte. */
const CALLS_MAX = 200;

let folder: string;
let changes: FileChange[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outrigger-killed-'));
  const at = (name: string): string => join(folder, 'etc', name);
  mkdirSync(join(folder, 'etc'));
  for (const [name, mode] of [
    ['ports.conf', 0o640],
    ['site.conf', 0o604],
  ] as const) {
    writeFileSync(at(name), `old ${name}\n`, { mode });
    utimesSync(at(name), 1_000_000_000, 1_000_000_000);
  }
  symlinkSync('site.conf', at('enabled.conf'));
  changes = [
    { kind: 'edit', path: at('ports.conf'), before: 'old ports.conf\n', after: 'new\n', changes: [] },
    { kind: 'edit', path: at('enabled.conf'), before: 'old site.conf\n', after: 'new\n', changes: [] },
    { kind: 'create', path: at('made.conf'), after: 'made\n' },
    { kind: 'link', path: at('made.link'), target: 'made.conf' },
  ];
});
afterEach(() => {
  life.calls = Number.POSITIVE_INFINITY;
  rmSync(folder, { recursive: true, force: true });
});

/** Names with bytes or target, mode, owner and time of change. */
function seen(): string[] {
  return readdirSync(join(folder, 'etc')).map((name) => {
    const path = join(folder, 'etc', name);
    const { mode, uid, gid, mtimeMs } = lstatSync(path);
    const isLink = lstatSync(path).isSymbolicLink();
    const held = isLink ? readlinkSync(path) : readFileSync(path, 'latin1');
    return `${name} ${mode.toString(8)} ${uid}:${gid} ${isLink ? '' : mtimeMs} ${held}`;
  });
}

function cutOver(): void {
  const plan: Cutover = { holder: 'Apache', files: changes, notes: [], sites: [], logs: [], doors: [], fresh: [] };
  const backup = createBackup(join(folder, 'kept'), plan, COMMANDS, new Date(0));
  reach(backup, 'editing');
  makeChanges(changes);
  reach(backup, 'reloading');
  reach(backup, 'starting');
  reach(backup, 'applied');
}

function wayBack(): void {
  for (const backup of openBackups(join(folder, 'kept'))) {
    restoreFiles(backup);
    reach(backup, 'rolled back');
  }
}

/** Does it with so many changing calls to live; whether it was killed. */
function killedAfter(calls: number, act: () => void): boolean {
  life.calls = calls;
  try {
    act();
    return false;
  } catch (error) {
    if ((error as Error).message !== 'killed') throw error;
    return true;
  } finally {
    life.calls = Number.POSITIVE_INFINITY;
  }
}

describe('a cut-over that is killed between any two changes', () => {
  it('is taken back to the same bytes, modes, owners and times, wherever it was', () => {
    const before = seen();
    let calls = 0;
    while (killedAfter(calls, cutOver)) {
      wayBack();
      expect(seen(), `killed after ${calls} changes`).toEqual(before);
      rmSync(join(folder, 'kept'), { recursive: true, force: true });
      calls += 1;
      if (calls > CALLS_MAX) throw new Error('it does not end');
    }
    expect(calls).toBeGreaterThan(20);
    expect(seen()).not.toEqual(before);
  });

  it('is taken back also where the way back is killed, wherever that was', () => {
    const before = seen();
    let calls = 0;
    do {
      rmSync(join(folder, 'kept'), { recursive: true, force: true });
      cutOver();
      if (!killedAfter(calls, wayBack)) break;
      wayBack();
      expect(seen(), `killed after ${calls} changes`).toEqual(before);
      calls += 1;
    } while (calls <= CALLS_MAX);
    expect(calls).toBeGreaterThan(8);
    expect(seen()).toEqual(before);
  });
});
