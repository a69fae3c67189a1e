import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAuthority, saveLeaf } from '@outrigger/tools/certs';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CASES, type FixtureApache, startFixtureApache } from './fixtureapache.ts';
import { mayHaveNetwork, type Network, openNetwork } from './network.ts';
import { type Finished, runToEnd } from './witness.ts';

// The whole cut-over of every case under fixtures/cutover/, on port 443 of a network of its own: the lines that change are those recorded,
// the installed Apache takes them, its own account of its sites stays the same, and the way back ends at the same bytes.

const BIN = fileURLToPath(new URL('../../bin/outrigger.js', import.meta.url));
const ADDRESSES = ['203.0.113.10', '203.0.113.11', '2001:db8::10'];
/** Milliseconds for a whole cut-over and the way back: three seconds on a quiet machine. */
const PATIENCE = 120_000;

const apache2 = daemonOrSkip('apache2');
const alone = mayHaveNetwork();
if (!alone && process.env.CI === 'true') throw new Error('no network namespace can be had: live tests must run in CI');
if (!alone) console.error('SKIPPED: no network namespace can be had (unshare -n): no cut-over was done');

describe.skipIf(apache2 === undefined || !alone)('a cut-over', () => {
  let network: Network;
  let certificates: string;
  let files: { cert: string; key: string };
  let folder: string;
  let apache: FixtureApache;
  let isBack: boolean;

  beforeAll(async () => {
    network = await openNetwork(ADDRESSES);
    certificates = mkdtempSync(join(tmpdir(), 'outrigger-certificates-'));
    const authority = await createAuthority();
    files = await saveLeaf(
      await authority.issue({ names: ['www.contoso.com', 'mail.contoso.com'] }),
      certificates,
      'x',
    );
  }, PATIENCE);
  afterAll(async () => {
    await network?.close();
    rmSync(certificates, { recursive: true, force: true });
  });
  afterEach(async () => {
    try {
      // Where a test broke off in the middle.
      if (!isBack) await outrigger('rollback', '--backups', join(folder, 'backups'));
      await apache?.stop();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, PATIENCE);

  function outrigger(...args: string[]): Promise<Finished> {
    const path = `PATH=${apache.bin}:${process.env.PATH}`;
    const [program, ...rest] = network.inside('env', path, process.execPath, BIN, ...args);
    return runToEnd(program, rest);
  }

  async function listening(): Promise<string> {
    const [program, ...args] = network.inside('ss', '-ltnpH');
    const { out } = await runToEnd(program, args);
    return out
      .split('\n')
      .map((line) => line.split(/\s+/)[3] + (/"(\w+)"/.exec(line)?.[1] ?? ''))
      .sort()
      .join(' ');
  }

  /** What patch has against taking a diff back, without doing it. */
  function reversed(diff: string): string {
    const { status, stdout } = spawnSync('patch', ['-R', '--dry-run', '-p1', '-d', folder], {
      input: diff,
      encoding: 'utf8',
    });
    return status === 0 && !stdout.includes('fuzz') ? '' : stdout;
  }

  it.each(readdirSync(CASES))(
    'of %s is the change that is recorded, which Apache takes, and goes back to the same bytes',
    async (name) => {
      isBack = false;
      folder = mkdtempSync(join(tmpdir(), 'outrigger-layout-'));
      apache = startFixtureApache(name, folder, network, files);
      const rules = join(folder, 'outrigger.yaml');
      const before = { sums: apache.sums(), sites: sitesOf(apache.run('-S')), listening: await listening() };
      const imported = await outrigger('import', '--apache', apache.tree, '-o', rules);
      expect([0, 2], imported.err).toContain(imported.code);
      const applied = await outrigger(
        ...['plan', rules, '--apache', apache.tree, '--apply', '--backups', join(folder, 'backups')],
        ...['--start-outrigger', `${process.execPath} ${BIN} run ${rules}`],
      );
      expect(applied.code, applied.err).toBe(0);
      expect(reversed(apache.here(readFileSync(join(CASES, name, 'cutover.diff'), 'utf8')))).toBe('');
      expect(apache.run('-t')).toContain('Syntax OK');
      const places = Object.entries(sitesOf(apache.run('-S'))).filter(([address]) =>
        /^127\.0\.0\.1:[89]443$/.test(address),
      );
      expect(places.length).toBeGreaterThan(0);
      for (const [, sites] of places) expect(Object.values(before.sites)).toContainEqual(sites);

      const back = await outrigger('rollback', '--backups', join(folder, 'backups'));
      expect(back.code, back.err).toBe(0);
      isBack = true;
      expect(apache.sums()).toEqual(before.sums);
      expect(sitesOf(apache.run('-S'))).toEqual(before.sites);
      expect(await listening()).toBe(before.listening);
    },
    PATIENCE,
  );
});

/** `apache2 -S`: names by address, in the order in which they answer, without the lines they stand on. */
function sitesOf(said: string): Record<string, string[]> {
  const sites: Record<string, string[]> = {};
  let own: string[] = [];
  for (const line of said.split('\n')) {
    const [, address, name] = /^(\S+:\S+)\s+(?:is a NameVirtualHost|(\S+) \()/.exec(line) ?? [];
    if (address !== undefined) {
      own = name === undefined ? [] : [name];
      sites[address] = own;
      continue;
    }
    const [, , named] = /^\s+(default server|port \S+ namevhost) (\S+) \(/.exec(line) ?? [];
    if (named !== undefined) own.push(named);
  }
  return sites;
}
