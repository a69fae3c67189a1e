import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  diskReader,
  importApache,
  importSquid,
  memoryReader,
  reportDocument,
  reportHtml,
  reportText,
} from './index.ts';

/** The lines of the tree in the text report. */
function treeOf(report: string): string[] {
  const [, tree = ''] = /Files read\n-+\n([\s\S]*?)\n\n/.exec(report) ?? [];
  return tree.split('\n');
}

it('shows what an Include read, what was not there, where a link leads and which section was skipped', () => {
  const root = mkdtempSync(join(tmpdir(), 'outrigger-tree-'));
  try {
    for (const folder of ['sites-available', 'sites-enabled']) mkdirSync(join(root, folder));
    writeFileSync(
      join(root, 'apache2.conf'),
      'Listen 443\nIncludeOptional sites-enabled/*.conf\nIncludeOptional none/*.conf\n<IfModule x_module>\nTimeout 5\n</IfModule>\n<IfFile key.pem>\n</IfFile>\n',
    );
    writeFileSync(join(root, 'key.pem'), 'not for reports\n');
    writeFileSync(join(root, 'sites-available/mail.conf'), '# nothing yet\nTimeout 60\n');
    symlinkSync('../sites-available/mail.conf', join(root, 'sites-enabled/mail.conf'));
    symlinkSync('../sites-available/gone.conf', join(root, 'sites-enabled/old.conf'));
    const translation = importApache({ path: root, reader: diskReader() });
    const lines = treeOf(reportText(translation)).map((line) => line.replaceAll(root, ''));
    expect(lines.map((line) => line.replace(/( {2}\d+ directives?:) .*/, '$1'))).toEqual([
      '/apache2.conf  6 directives:',
      '  2: IncludeOptional sites-enabled/*.conf',
      '    /sites-enabled/mail.conf -> /sites-available/mail.conf  1 directive:',
      '    /sites-enabled/old.conf -> /sites-available/gone.conf  not read: there is no such file',
      '  3: IncludeOptional none/*.conf  there is nothing to read',
      '  4: <IfModule x_module>  does not hold: 1 directive skipped',
    ]);
    const page = reportHtml(translation);
    expect(page).toMatch(/<a href="#file-1">[^<]*sites-enabled\/mail\.conf<\/a> → [^<]*sites-available\/mail\.conf/);
    // A file that is only asked for may be a key: it is no part of the report.
    expect(page).not.toContain('not for reports');
    expect(reportDocument(translation).tree).toMatchObject([
      { branches: [{ outcome: 'read' }, { outcome: 'nothing', files: [] }, { outcome: 'skipped', skipped: 1 }] },
    ]);
  } finally {
    rmSync(root, { recursive: true });
  }
});

it('shows the includes of a squid.conf, files of values, and a file that is read twice once with its counts', () => {
  const translation = importSquid({
    files: ['squid.conf'],
    reader: memoryReader({
      'squid.conf': 'include a.conf a.conf\ninclude none.conf\n',
      'a.conf': 'acl s dstdomain "sites"\n',
      sites: 'a.test\nb.test\n',
    }),
  });
  expect(treeOf(reportText(translation))).toEqual([
    'squid.conf  2 directives: 1 translated, 1 malformed',
    '  1: include a.conf a.conf',
    '    a.conf  2 directives: 2 translated',
    '      1: acl s dstdomain "sites"',
    '        sites  2 values',
    '    a.conf  read again',
    '  2: include none.conf  could not be followed to its end',
  ]);
});

it('names of thousands of sites those that matter, and counts the rest', () => {
  const names = Array.from({ length: 4_000 }, (_, index) => `sites/${String(index).padStart(4, '0')}.conf`);
  const files = Object.fromEntries(names.map((name) => [name, 'Timeout 60\n']));
  const text = 'Listen 443\nInclude sites/*.conf\n';
  const translation = importApache({
    path: '',
    reader: memoryReader({ 'httpd.conf': text, ...files, 'sites/0777.conf': 'Timeout 60\nNoSuchDirective on\n' }),
  });
  const lines = treeOf(reportText(translation));
  expect(lines.length).toBeLessThan(8);
  expect(lines.join('\n')).toContain('sites/0777.conf');
  expect(lines.at(-1)).toMatch(/^ {4}\d+ files more {2}\d+ directives: /);
});
