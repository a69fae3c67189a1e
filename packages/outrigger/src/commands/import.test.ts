import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { outrigger, withFolder } from '../testing/terminal.ts';

const CONTOSO = fileURLToPath(new URL('../../../../fixtures/contoso/', import.meta.url));
const SQUID_CONF = join(CONTOSO, 'squid.conf');

describe('outrigger import', () => {
  it.each([
    ['report.html', [], /^<!doctype html>/],
    ['report.HTM', [], /^<!doctype html>/],
    ['report.json', [], /^\{\n {2}"version": 1,/],
    ['report.txt', [], /^27 directives: /],
    ['report.html', ['--report-format', 'text'], /^27 directives: /],
    ['report', ['--report-format', 'html'], /^<!doctype html>/],
  ])('writes %s with %j in the form that was meant', async (name, more, form) => {
    await withFolder({}, async (path) => {
      const ran = await outrigger(
        'import',
        '--squid',
        SQUID_CONF,
        '-o',
        path('o.yaml'),
        '--report',
        path(name),
        ...more,
      );
      expect(ran).toEqual({ code: 0, out: '', err: '' });
      expect(readFileSync(path(name), 'utf8')).toMatch(form);
    });
  });

  it('writes tighter rules where it is asked to, and explain sends what slipped elsewhere', async () => {
    await withFolder({}, async (path) => {
      const slip = ['GET', 'https://203.0.113.10/owafoo', '--header', 'Host: contoso.com', '--json'];
      const sent: string[] = [];
      for (const more of [[], ['--tighten']]) {
        await outrigger('import', '--squid', SQUID_CONF, '-o', path('o.yaml'), '--report', path('r.txt'), ...more);
        const { out } = await outrigger('explain', path('o.yaml'), ...slip);
        sent.push((JSON.parse(out) as { upstream: string }).upstream);
      }
      expect(sent).toEqual(['exchangeServer', 'webServer']);
      const rules = readFileSync(path('o.yaml'), 'utf8')
        .replace(/^#.*\n/gm, '')
        .trimStart();
      const golden = readFileSync(join(CONTOSO, 'tightened/outrigger.yaml'), 'utf8');
      expect(rules.replaceAll(SQUID_CONF, 'squid.conf')).toBe(golden);
    });
  });

  it('imports an export of TMG, and takes it alone', async () => {
    const file = fileURLToPath(new URL('../../../../fixtures/tmg/exchange/export.xml', import.meta.url));
    await withFolder({}, async (path) => {
      const ran = await outrigger('import', '--tmg', file, '-o', path('o.yaml'), '--report', path('r.json'));
      expect(ran).toEqual({ code: 2, out: '', err: '' });
      expect(readFileSync(path('r.json'), 'utf8')).toContain('TMG_PRE_AUTHENTICATION');
    });
    const { code, err } = await outrigger('import', '--tmg', file, '--squid', SQUID_CONF);
    expect(code).not.toBe(0);
    expect(err).toContain('--tmg is an import of its own');
  });

  it('names the options and shows both ways in its help', async () => {
    const { out } = await outrigger('import', '--help');
    for (const piece of ['--tighten', '"text", "json", "html"', 'Examples: outrigger import', '--report report.html'])
      expect(out.replaceAll(/\s+/g, ' ')).toContain(piece);
  });
});
