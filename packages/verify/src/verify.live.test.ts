import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { memoryReader } from '@outrigger/importer';
import { loadRules } from '@outrigger/rules';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import { describe, expect, it } from 'vitest';
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
    const before = readdirSync('/tmp').filter((name) => name.startsWith('outrigger-verify-'));
    const conf = 'http_port 80 accel\ncache_peer 10.0.0.1 parent 80 0 originserver\nhttp_access allow all\n';
    const result = await verifySquid({
      files: ['/etc/squid.conf'],
      reader: memoryReader({ '/etc/squid.conf': `${conf}acl x url_regx /\n` }),
    });
    expect(result).toMatchObject({ kind: 'failed', problem: { code: 'CONFIG_REFUSED' } });
    expect(result.kind === 'failed' && result.problem.said).toContain('/etc/squid.conf line 4');
    expect(readdirSync('/tmp').filter((name) => name.startsWith('outrigger-verify-'))).toEqual(before);
    expect(existsSync('/dev/shm') ? readdirSync('/dev/shm').filter((name) => name.startsWith('verify')) : []).toEqual(
      [],
    );
  });
});
