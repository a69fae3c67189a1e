import { expect, it } from 'vitest';
import {
  importApache,
  importSquid,
  memoryReader,
  reportHtml,
  reportJson,
  reportText,
  type Translation,
} from './index.ts';

const REPORTS: readonly ((translation: Translation) => string)[] = [reportText, reportJson, reportHtml];

/** The bytes of `text` as a file of these letters holds them, one character a byte. */
function bytes(text: string, letters: 'utf8' | 'latin1'): string {
  return Buffer.from(text, letters).toString('latin1');
}

it.each(['utf8', 'latin1'] as const)('shows the letters of a squid.conf in %s in each report', (letters) => {
  const conf = bytes('# Büro\nrefresh_pattérn é\n', letters);
  const translation = importSquid({ files: ['squid.conf'], reader: memoryReader({ 'squid.conf': conf }) });
  for (const report of REPORTS) expect(report(translation)).toContain('refresh_pattérn é');
  expect(reportHtml(translation)).toContain('# Büro');
});

it.each(['utf8', 'latin1'] as const)('shows the letters of an Apache configuration in %s in each report', (letters) => {
  const conf = bytes('# Büro\nServerAdmin jérôme@example.org\nBogüs on\n', letters);
  const translation = importApache({ path: '/a/apache2.conf', reader: memoryReader({ '/a/apache2.conf': conf }) });
  for (const report of REPORTS) expect(report(translation)).toContain('jérôme');
  expect(reportHtml(translation)).toContain('# Büro');
});

it('decides for each file on its own', () => {
  const reader = memoryReader({
    'squid.conf': bytes('include old.conf\nfoo_bar Grüße\n', 'utf8'),
    'old.conf': bytes('foo_bar Straße\n', 'latin1'),
  });
  const report = reportText(importSquid({ files: ['squid.conf'], reader }));
  expect(report).toContain('foo_bar Grüße');
  expect(report).toContain('foo_bar Straße');
});

it('shows the quotation marks and dashes of Windows-1252, which is no UTF-8, as people see them', () => {
  const reader = memoryReader({ 'squid.conf': 'foo_bar \x93B\xfcro\x94 \x96 \x80\n' });
  const report = reportText(importSquid({ files: ['squid.conf'], reader }));
  expect(report).toContain('foo_bar “Büro” – €');
});

it('shows no byte of a file that is no UTF-8 as a command to the terminal', () => {
  const bytes = Array.from({ length: 0x20 }, (_, index) => String.fromCharCode(0x80 + index)).join('');
  const reader = memoryReader({ 'squid.conf': `foo_bar \xe9${bytes}\n` });
  const report = reportText(importSquid({ files: ['squid.conf'], reader }));
  expect(report).toContain('foo_bar é€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ');
});
