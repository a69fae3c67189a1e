import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CODES, importSquid, memoryReader, reportText } from '../index.ts';

const importText = (text: string) =>
  importSquid({ files: ['squid.conf'], reader: memoryReader({ 'squid.conf': text }) });

it('begins with three lines: what there was, what became of it, what to do', () => {
  const lines = reportText(
    importText(
      'http_port 80 accel vhost\ncache_peer 10.0.0.1 parent 80 0 originserver login=PASS\nhttp_access allow all\n',
    ),
  ).split('\n');
  expect(lines.slice(0, 4)).toEqual([
    '3 directives: 3 translated.',
    '1 listener, 1 upstream, 1 access line, 1 route.',
    'Everything was carried over. Read the warnings, then ask outrigger explain about the requests you care about.',
    '',
  ]);
});

it('says what is missing where no rules were written', () => {
  const translation = importText('http_access allow all\n');
  expect(translation.outcome).toBe('failed');
  expect(translation.rules).toBeUndefined();
  expect(reportText(translation)).toContain('No rules were written: no port line became a listener.');
});

it('fails on a file that is not there, with its path', () => {
  const translation = importSquid({ files: ['gone.conf'], reader: memoryReader({}) });
  expect(translation.outcome).toBe('failed');
  expect(translation.diagnostics[0]).toMatchObject({
    code: 'IMPORT_FILE',
    message: 'gone.conf cannot be read: there is no such file',
  });
});

it('has a line in the README for every code', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8').replaceAll(/ +\|/g, ' |');
  expect(Object.entries(CODES).filter(([code, meaning]) => !readme.includes(`| \`${code}\` | ${meaning} |`))).toEqual(
    [],
  );
});

it('obeys no command to the terminal that stands in the file', () => {
  const commands = '\x1b[2J\x1b]0;title\x07\x08\x9b';
  const squid = importSquid({
    files: ['squid.conf'],
    reader: memoryReader({ 'squid.conf': `foo_bar ${commands} end\n` }),
  });
  const report = reportText(squid);
  expect(report).toContain('foo_bar');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  expect(report).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
});
