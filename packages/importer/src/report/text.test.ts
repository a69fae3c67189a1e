import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dumpRules } from '@outrigger/rules';
import { expect, it } from 'vitest';
import { CODES, importSquid, memoryReader, reportJson, reportText } from '../index.ts';

const importText = (text: string) =>
  importSquid({ files: ['squid.conf'], reader: memoryReader({ 'squid.conf': text }) });

it('prints no secret of the file, neither in reports nor in rules', () => {
  const translation = importText(
    [
      'http_port 80 accel vhost',
      'cache_peer 10.0.0.1 parent 80 0 originserver login=admin:Tr0ub4dor name=a',
      'cachemgr_passwd Tr0ub4dor all',
      'auth_param basic program /usr/lib/squid/basic_ldap_auth -D cn=x -w Tr0ub4dor ldap://x',
      'external_acl_type x /bin/x --url=http://admin:Tr0ub4dor@x/ password=Tr0ub4dor',
      'http_access allow all',
    ].join('\n'),
  );
  const printed =
    reportText(translation) + reportJson(translation) + (translation.rules ? dumpRules(translation.rules) : '');
  expect(printed).toContain('login=admin:***');
  expect(printed).not.toContain('Tr0ub4dor');
});

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

it('gives scripts the same findings as people', () => {
  const json = JSON.parse(reportJson(importText('foo_bar\n')));
  expect(json).toMatchObject({ outcome: 'failed', summary: { directives: 1, unknown: 1 } });
  expect(json.directives[0].findings[0].code).toBe('SQUID_UNKNOWN_DIRECTIVE');
});

it('has a line in the README for every code', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8').replaceAll(/ +\|/g, ' |');
  expect(Object.entries(CODES).filter(([code, meaning]) => !readme.includes(`| \`${code}\` | ${meaning} |`))).toEqual(
    [],
  );
});
