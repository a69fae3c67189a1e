import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { outrigger, withFolder } from './testing/terminal.ts';

// The first migration through the command line, held against what Squid 5.7 did with the same file.

const CONTOSO = fileURLToPath(new URL('../../../fixtures/contoso/', import.meta.url));

type Row = { method: string; target: string; host: string; upstream: string };

function verdicts(): Row[] {
  return readFileSync(join(CONTOSO, 'verdicts.tsv'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'))
    .map(([method = '', target = '', host = '', upstream = '']) => ({ method, target, host, upstream }));
}

/** The request of a row as a person would ask about it: at the address of the old host, with the Host of the row. */
function question({ method, target, host }: Row): string[] {
  const header = ['--header', host === '(none)' ? 'Host:' : `Host: ${host}`];
  if (target.startsWith('/')) return [method, `https://203.0.113.10${target}`, ...header];
  return [method, 'https://203.0.113.10/', ...header, '--target', target];
}

describe('the Squid-before-Apache host', () => {
  it('imports with a ledger that adds up, and explain agrees with Squid on every row', async () => {
    await withFolder({}, async (path) => {
      const imported = await outrigger(
        'import',
        '--squid',
        join(CONTOSO, 'squid.conf'),
        '-o',
        path('rules.yaml'),
        '--report',
        path('report.json'),
        '--report-format',
        'json',
      );
      expect(imported).toEqual({ code: 0, out: '', err: '' });
      const { summary } = JSON.parse(readFileSync(path('report.json'), 'utf8')) as { summary: Record<string, number> };
      const directives = readFileSync(join(CONTOSO, 'squid.conf'), 'utf8')
        .split('\n')
        .filter((line) => /^\s*[a-z]/.test(line)).length;
      const {
        translated = 0,
        approximated = 0,
        irrelevant = 0,
        untranslated = 0,
        unknown = 0,
        malformed = 0,
      } = summary;
      expect(summary.directives).toBe(directives);
      expect(translated + approximated + irrelevant + untranslated + unknown + malformed).toBe(directives);

      const rows = verdicts();
      expect(rows).toHaveLength(100);
      const differences: string[] = [];
      for (const row of rows) {
        const { code, out } = await outrigger('explain', path('rules.yaml'), ...question(row), '--json');
        const { access, upstream, lane } = JSON.parse(out) as { access: string; upstream: string; lane: string };
        if (code !== 0 || access !== 'allow' || upstream !== row.upstream || lane !== 'relay')
          differences.push(`${JSON.stringify(row)}: ${out}`);
      }
      expect(differences).toEqual([]);
    });
  });

  it('says where the rules came from', async () => {
    const { out, err, code } = await outrigger('import', '--squid', join(CONTOSO, 'squid.conf'));
    expect(code).toBe(0);
    expect(out).toMatch(/# from \S+squid\.conf:25 cache_peer_access exchangeServer allow exch_url\n {2}- when:/);
    expect(err).toMatch(/cert=… and key=… are ignored by every Squid since 3\.4/);
  });

  it('cannot run on a file that is not there, nor write into a folder that is not', async () => {
    expect(await outrigger('import', '--squid', '/nonexistent/squid.conf')).toMatchObject({ code: 1, out: '' });
    const { code, err } = await outrigger(
      'import',
      '--squid',
      join(CONTOSO, 'squid.conf'),
      '-o',
      '/nonexistent/rules.yaml',
      '--report',
      '/dev/null',
    );
    expect({ code, err }).toEqual({
      code: 1,
      err: 'outrigger: /nonexistent/rules.yaml: cannot be written: there is no such file or folder\n',
    });
  });
});
