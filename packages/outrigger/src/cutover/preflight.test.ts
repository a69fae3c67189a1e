import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBackup, reach } from './backup.ts';
import type { Cutover } from './cutover.ts';
import type { Holder, Listening } from './listening.ts';
import { type Machine, obstaclesOf, type Preflight } from './preflight.ts';

const GIGABYTE = 1_000_000_000;
const TRUE = { argv: ['true'] } satisfies Preflight['files'];
const COMMANDS = { leave: TRUE, comeBack: TRUE, startOutrigger: TRUE };
const APACHE: Holder = { pid: 99_999_001, parent: 1, program: '/usr/sbin/apache2' };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outrigger-preflight-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const plan = (more: Partial<Cutover> = {}): Cutover => ({
  holder: 'Apache',
  files: [],
  notes: [],
  sites: [],
  logs: [],
  doors: [{ taken: '*:443', place: '127.0.0.1:8443' }],
  fresh: [],
  ...more,
});

/** A machine on which these addresses are held; by Apache where nobody else is named. */
function machine(held: Record<string, Holder | undefined> = { '*:443': APACHE }, free = GIGABYTE): Machine {
  const sockets = Object.keys(held).map((inode): Listening => {
    const colon = inode.lastIndexOf(':');
    return { host: inode.slice(0, colon), port: Number(inode.slice(colon + 1)), inode };
  });
  return {
    listening: () => sockets,
    holders: (asked) => asked.flatMap(({ inode }) => held[inode] ?? []),
    free: () => free,
  };
}

async function found(given: Partial<Preflight>, on: Machine): Promise<string[]> {
  const all = await obstaclesOf({ plan: plan(), files: TRUE, folder, ...given }, on);
  return all.map(({ code, message }) => `${code}: ${message}`);
}

describe('what is in the way of a cut-over', () => {
  it('is nothing where that Apache alone has the address and all else is well', async () => {
    expect(await found({ test: TRUE }, machine())).toEqual([]);
  });

  it.each<[string, Machine, Partial<Cutover>, RegExp]>([
    ['nobody on the port', machine({}), {}, /^PREFLIGHT_NOBODY: nobody listens on \*:443/],
    [
      'another program on it',
      machine({ '*:443': { pid: 7, parent: 1, program: '/usr/sbin/nginx' } }),
      {},
      /^PREFLIGHT_OTHER_HOLDER: \*:443 is held by nginx, process 7 \(\/usr\/sbin\/nginx\)/,
    ],
    [
      'another program beside Apache, on one address of it',
      machine({ '10.0.0.1:443': APACHE, '10.0.0.2:443': { pid: 8, parent: 1, program: '/usr/bin/stunnel' } }),
      {},
      /^PREFLIGHT_OTHER_HOLDER: .*stunnel, process 8/,
    ],
    [
      'Apache where Squid should be',
      machine(),
      { holder: 'Squid', doors: [{ taken: '*:443' }] },
      /^PREFLIGHT_OTHER_HOLDER: .*not by Squid/,
    ],
    [
      'somebody on the place of Apache',
      machine({ '*:443': APACHE, '*:8443': { pid: 9, parent: 1, program: '/usr/bin/java' } }),
      {},
      /^PREFLIGHT_ADDRESS_TAKEN: java, process 9 .* listens on 127\.0\.0\.1:8443 already/,
    ],
    [
      'somebody on a port that only the rules have',
      machine({ '*:443': APACHE, '127.0.0.1:80': undefined }),
      { fresh: ['*:80'] },
      /^PREFLIGHT_ADDRESS_TAKEN: somebody listens on \*:80/,
    ],
    ['a full disk', machine({ '*:443': APACHE }, 1_000), {}, /^PREFLIGHT_NO_ROOM: .* has 1000 bytes free/],
  ])('is %s', async (_, on, more, expected) => {
    const all = await found({ plan: plan(more) }, on);
    expect(all).toHaveLength(1);
    expect(all[0]).toMatch(expected);
  });

  it('is an Apache of other files, by the pid that ours wrote down', async () => {
    const pidFile = join(folder, 'apache2.pid');
    writeFileSync(pidFile, `${process.pid}\n`);
    expect((await found({ plan: plan({ pidFile }) }, machine()))[0]).toMatch(/OTHER_HOLDER: .*another Apache/);
    const child = { ...APACHE, parent: process.pid };
    expect(await found({ plan: plan({ pidFile }) }, machine({ '*:443': child }))).toEqual([]);
  });

  it('is no holder that nobody lets us see', async () => {
    expect(await found({}, machine({ '*:443': undefined }))).toEqual([]);
  });

  it('is a test or a file that fails, in the words of the program', async () => {
    const says = (text: string): Preflight['files'] => ({ argv: ['sh', '-c', `echo '${text}'; exit 1`] });
    const all = await found({ test: says('AH00526'), files: says('key.pem cannot be read') }, machine());
    expect(all[0]).toMatch(/^PREFLIGHT_FILES: [\s\S]*key\.pem cannot be read$/);
    expect(all[1]).toMatch(/^PREFLIGHT_TEST_FAILS: [\s\S]*AH00526$/);
  });

  it('is a cut-over that was broken off, and none that was done or taken back', async () => {
    const backup = createBackup(folder, plan(), COMMANDS, new Date(0));
    for (const [stage, count] of [
      ['editing', 1],
      ['starting', 1],
      ['applied', 0],
      ['rolled back', 0],
    ] as const) {
      reach(backup, stage);
      expect(await found({}, machine()), stage).toHaveLength(count);
    }
  });
});

describe('the codes of what is in the way', () => {
  it('have a line each in the README', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const source = readFileSync(new URL('./preflight.ts', import.meta.url), 'utf8');
    const codes = [...source.matchAll(/^ {2}\| '(\w+)'/gm)].map(([, code]) => code);
    expect(codes.length).toBeGreaterThan(9);
    for (const code of codes) expect(readme).toContain(`\`${code}\``);
  });
});
