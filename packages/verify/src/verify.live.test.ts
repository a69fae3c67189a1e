import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryReader } from '@outrigger/importer';
import { loadRules } from '@outrigger/rules';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import { afterAll, describe, expect, it } from 'vitest';
import { type Difference, probeText, verifySquid } from './index.ts';

// The rules of each case held against the installed Squid. What it finds must be announced, or it is a fault of the import.

const FIXTURES = join(import.meta.dirname, '../../../fixtures');
const squid = daemonOrSkip('squid');
const SEED = Number(process.env.VERIFY_SEED ?? 1);

function filesOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'latin1')]));
}

/** A temporary folder of this file's own, so that nobody else's work is taken for a copy that was left. */
const TEMPORARY = mkdtempSync(join(tmpdir(), 'outrigger-verify-test-'));
chmodSync(TEMPORARY, 0o755);
const usual = process.env.TMPDIR;
process.env.TMPDIR = TEMPORARY;
afterAll(() => {
  if (usual === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = usual;
  rmSync(TEMPORARY, { recursive: true });
});

/** Folders of copies, and shared memory, which is named for the process. */
function left(): string[] {
  const segments = existsSync('/dev/shm') ? readdirSync('/dev/shm') : [];
  return [...readdirSync(TEMPORARY), ...segments.filter((name) => name.startsWith(`verify${process.pid}n`))];
}

const told = ({ probe, aspects }: Difference): string => `${probeText(probe)}: ${JSON.stringify(aspects)}`;

describe.skipIf(squid === undefined)(`verify, seed ${SEED}`, () => {
  it('finds no difference on contoso that the import does not announce', async () => {
    const result = await verifySquid({
      files: ['squid.conf'],
      reader: memoryReader(filesOf(join(FIXTURES, 'contoso'))),
      seed: SEED,
    });
    if (result.kind === 'failed') throw new Error(`${result.problem.message}\n${result.problem.said}`);
    expect(result.probes).toBeGreaterThan(500);
    expect(result.differences.map(told)).toEqual([]);
    expect(
      new Set(result.announced.flatMap(({ aspects }) => aspects.map(({ announced }) => announced?.code))),
    ).toContain('DIFFERS_METHOD_REFUSED');
  });

  it('finds a route that was changed, and names the lines', async () => {
    const folder = join(FIXTURES, 'contoso');
    const { rules } = loadRules(
      readFileSync(join(folder, 'outrigger.yaml'), 'utf8').replace('contoso.com/owa', 'contoso.com/0wa'),
      'outrigger.yaml',
    );
    if (rules === undefined) throw new Error('the rules do not load');
    const result = await verifySquid({
      files: ['squid.conf'],
      reader: memoryReader(filesOf(folder)),
      rules,
      most: 400,
    });
    if (result.kind === 'failed') throw new Error(`${result.problem.message}\n${result.problem.said}`);
    const found = result.differences.find(({ probe }) => /^\/owa/i.test(probe.target));
    expect(found?.aspects).toEqual([{ kind: 'upstream', theirs: 'exchangeServer', ours: 'webServer' }]);
    expect(found?.rules.map(({ file, line }) => `${file}:${line}`)).not.toHaveLength(0);
    expect(found?.old.map(({ directive }) => directive).join()).toMatch(/cache_peer/);
  });

  it('leaves nothing behind, and says what Squid said where it refuses the file', async () => {
    const conf = 'http_port 80 accel\ncache_peer 10.0.0.1 parent 80 0 originserver\nhttp_access allow all\n';
    const result = await verifySquid({
      files: ['/etc/squid.conf'],
      reader: memoryReader({ '/etc/squid.conf': `${conf}acl x url_regx /\n` }),
    });
    expect(result).toMatchObject({ kind: 'failed', problem: { code: 'CONFIG_REFUSED' } });
    expect(result.kind === 'failed' && result.problem.said).toContain('/etc/squid.conf line 4');
    expect(left()).toEqual([]);
  });

  it('clears everything away where it is broken off', async () => {
    const ending = new AbortController();
    const result = await verifySquid({
      files: ['squid.conf'],
      reader: memoryReader(filesOf(join(FIXTURES, 'contoso'))),
      signal: ending.signal,
      progress: (done) => done === 3 && ending.abort(),
    });
    expect(result).toMatchObject({ kind: 'failed', problem: { code: 'BROKEN_OFF' } });
    expect(left()).toEqual([]);
  });
});
