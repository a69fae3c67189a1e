import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { everyFile } from '../filetree.ts';
import { createLedger } from '../ledger.ts';
import { createRedactor } from '../redact.ts';
import { memoryReader } from '../source.ts';
import { readTree } from './expand.ts';
import { findLayout, type Layout } from './layout.ts';
import { APACHE_SECRETS } from './secrets.ts';
import { filesToWrite, ourAnswer, QUIRKS } from './testing/quirks.ts';

const RECORDED: Record<string, string[]> = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../../fixtures/apache-expansion-2.4.71.json'), 'utf8'),
);

describe('a tree as Apache 2.4.71 read it', () => {
  it.each(QUIRKS)('%s', (name, files) => {
    const root = '/etc/httpd';
    const reader = memoryReader({ '/etc/hosts': '', ...filesToWrite(files, root) });
    expect(ourAnswer(reader, root)).toEqual(RECORDED[name]);
  });
});

const [T, LOG_DIR] = ['T', 'APACHE_LOG_DIR'].map((name) => `$\{${name}}`);

type Read = ReturnType<typeof readTree> & { ledger: ReturnType<typeof createLedger> };

function read(files: Record<string, string>, given: string): Read {
  const reader = memoryReader(files);
  const found = findLayout(given, reader);
  const layout: Layout = found.kind === 'layout' ? found.layout : { main: given, root: '' };
  const ledger = createLedger();
  return { ...readTree({ layout, reader, ledger, redactor: createRedactor(APACHE_SECRETS) }), ledger };
}

const texts = ({ nodes }: Read): string[] => nodes.map(({ name, rest }) => `${name} ${rest}`);

describe('the ledger of a tree', () => {
  it('has each line once, and a remark on each line that Apache obeyed or skipped while reading', () => {
    const { ledger } = read(
      {
        'httpd.conf':
          'Define A b\n<IfModule x_module>\n<X>\nY z\n</X>\n</IfModule>\nLoadModule x_module x\nTimeout 5\nInclude more',
        more: 'LoadModule macro_module y\n<Macro m>\nTimeout 6\n</Macro>',
      },
      'httpd.conf',
    );
    expect(ledger.entries.map(({ text, remarks: [remark] }) => [text, remark?.code])).toEqual([
      ['Define A b', 'APACHE_CONTROL'],
      ['<IfModule x_module>', 'APACHE_CONDITION'],
      ['<X>', 'APACHE_DEAD_BRANCH'],
      ['Y z', 'APACHE_DEAD_BRANCH'],
      ['LoadModule x_module x', 'APACHE_FOREIGN_MODULE'],
      ['Timeout 5', undefined],
      ['Include more', 'APACHE_CONTROL'],
      ['LoadModule macro_module y', 'APACHE_CONTROL'],
      ['<Macro m>', 'APACHE_CONTROL'],
      ['Timeout 6', 'APACHE_DEAD_BRANCH'],
    ]);
  });

  it('names the Includes and the Use that led to a line', () => {
    const { nodes } = read({ 'httpd.conf': 'Include a', a: '<Macro m>\nTimeout 6\n</Macro>\n\nUse m\n' }, 'httpd.conf');
    expect(nodes[0]?.at).toMatchObject({
      file: 'a',
      line: 2,
      via: { file: 'a', line: 5, via: { file: 'httpd.conf' } },
    });
  });

  it('says once that a variable has no value', () => {
    const { ledger } = read({ 'httpd.conf': `Timeout ${T}\nKeepAliveTimeout ${T}` }, 'httpd.conf');
    expect(ledger.entries.map(({ remarks }) => remarks.length)).toEqual([1, 0]);
  });

  it('tells no secret', () => {
    const secret = 'AuthLDAPBindPassword s3cret\nProxyPass / ajp://b:9/ secret=s3cret\nDefine DB_PASSWORD s3cret';
    const { ledger } = read({ 'httpd.conf': secret }, 'httpd.conf');
    expect(JSON.stringify(ledger.entries)).not.toContain('s3cret');
  });
});

describe('where a configuration is', () => {
  it('is found in the folder of Debian, with envvars and links to sites', () => {
    const files = {
      '/etc/apache2/apache2.conf': `ErrorLog ${LOG_DIR}/x\nIncludeOptional sites-enabled/*.conf`,
      '/etc/apache2/sites-enabled/b.conf': 'ServerName b',
      '/etc/apache2/sites-enabled/a.conf': 'ServerName a',
      '/etc/apache2/sites-available/c.conf': 'ServerName c',
      '/etc/apache2/envvars': 'export APACHE_LOG_DIR=/var/log/apache2$SUFFIX',
    };
    const tree = read(files, '/etc/apache2/');
    expect(texts(tree)).toEqual(['ErrorLog /var/log/apache2/x', 'ServerName a', 'ServerName b']);
    expect(everyFile(tree.files).map(({ file }) => file.replace('/etc/apache2/', ''))).toEqual([
      'envvars',
      'apache2.conf',
      'sites-enabled/a.conf',
      'sites-enabled/b.conf',
    ]);
  });

  it('is found in the folder of Red Hat', () => {
    const files = {
      '/etc/httpd/conf/httpd.conf':
        'ServerRoot "/etc/httpd"\nInclude conf.modules.d/*.conf\nIncludeOptional conf.d/*.conf',
      '/etc/httpd/conf.modules.d/00.conf': 'LoadModule ssl_module modules/mod_ssl.so',
      '/etc/httpd/conf.d/ssl.conf': '<IfModule mod_ssl.c>\nListen 443 https\n</IfModule>',
    };
    expect(texts(read(files, '/etc/httpd'))).toEqual(['Listen 443 https']);
  });

  it('is read in a copy, whatever folder its files name', () => {
    const files = {
      'old/conf/httpd.conf': 'ServerRoot /etc/httpd\nInclude /etc/httpd/conf.d/a',
      'old/conf.d/a': 'Timeout 1',
    };
    expect(texts(read(files, 'old'))).toEqual(['Timeout 1']);
    const debian = { 'old/apache2.conf': 'Include /etc/apache2/a', 'old/a': 'Timeout 1' };
    expect(texts(read(debian, 'old'))).toEqual(['Timeout 1']);
  });

  it('is the ServerRoot of a single site', () => {
    const files = { '/etc/apache2/sites-enabled/a.conf': 'Include conf-x', '/etc/apache2/conf-x': 'Timeout 1' };
    expect(texts(read(files, '/etc/apache2/sites-enabled/a.conf'))).toEqual(['Timeout 1']);
  });

  it('is not there where no main file is', () => {
    const found = findLayout('/etc', memoryReader({ '/etc/hosts': '' }));
    expect(found).toMatchObject({ kind: 'missing', message: expect.stringContaining('conf/httpd.conf') });
    expect(read({}, '/etc/none.conf').refusal).toMatchObject({ at: { file: '/etc/none.conf' } });
  });
});

describe('limits', () => {
  it('stops Defines that double each other', () => {
    const lines = Array.from({ length: 40 }, (_, index) => `Define A${index + 1} $\{A${index}}$\{A${index}}`);
    const { refusal } = read({ 'httpd.conf': ['Define A0 xx', ...lines].join('\n') }, 'httpd.conf');
    expect(refusal?.message).toContain('1048576 bytes');
  });

  it('stops macros that double each other', () => {
    const macros = Array.from({ length: 40 }, (_, n) => `<Macro m${n + 1}>\nUse m${n}\nUse m${n}\n</Macro>`);
    const text = ['<Macro m0>\nTimeout 1\n</Macro>', ...macros, 'Use m40'].join('\n');
    expect(read({ 'httpd.conf': text }, 'httpd.conf').refusal?.message).toContain('macros counted at each use');
  });
});
