import { PAGE_MAX, type RuleSet } from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { importSquid, memoryReader } from '../index.ts';

// Where pages of denials are found, and what is told where they are not. What stands in them is in golden cases.

const CONF = `http_port 80 accel defaultsite=a.test
cache_peer 10.0.0.1 parent 80 0 originserver login=PASS
acl a urlpath_regex ^/a
http_access deny a
http_access allow all
`;

function imported(
  lines: string,
  files: Record<string, string> = {},
): { rules: RuleSet; told: (start: string) => string[] } {
  const { rules, ledger } = importSquid({
    files: ['/etc/squid/squid.conf'],
    reader: memoryReader({ '/etc/squid/squid.conf': `${CONF}${lines}\n`, ...files }),
  });
  if (rules === undefined) throw new Error('no rules');
  const told = (start: string): string[] =>
    ledger
      .filter(({ text }) => text.startsWith(start))
      .flatMap(({ remarks }) => remarks.map(({ disposition, message }) => `${disposition}: ${message}`));
  return { rules, told };
}

const HOME = '/usr/share/squid/errors';

describe('a page that deny_info names', () => {
  it.each([
    ['', `${HOME}/en/ERR_X`, { language: 'en' }],
    ['', `${HOME}/templates/ERR_X`, { language: 'en' }],
    ['', '/usr/local/squid/share/errors/en/ERR_X', { language: 'en' }],
    ['error_default_language de', `${HOME}/de/ERR_X`, { language: 'de' }],
    ['error_directory /etc/squid/errors/', '/etc/squid/errors/ERR_X', {}],
    ['error_directory pages', '/etc/squid/pages/ERR_X', {}],
    ['error_directory /etc/squid', `${HOME}/en/ERR_X`, {}],
  ])('%s: is found as %s', (line, file, more) => {
    const { rules, told } = imported(`${line}\ndeny_info ERR_X a`, { [file]: 'x' });
    expect(rules.pages?.get('ERR_X')).toMatchObject({ file, ...more });
    expect(rules.pages?.get('ERR_X')?.language).toBe('language' in more ? more.language : undefined);
    expect(rules.access[0]?.answer).toEqual({ page: 'ERR_X' });
    expect(told('deny_info')).toEqual([`translated: denials by a are answered 403 with the page ${file}`]);
  });

  it('of Squid itself comes in one language, which is told, but with a status in front Squid has one language, too', () => {
    const files = { [`${HOME}/en/ERR_TOO_BIG`]: '%U' };
    const { rules, told } = imported('deny_info ERR_TOO_BIG a', files);
    expect(rules.pages?.get('ERR_TOO_BIG')?.fill).toEqual({ '%U': '{urlWithoutQuery}' });
    expect(told('deny_info')[1]).toMatch(/^approximated: .* it comes in one language, where Squid went by Accept-Lang/);
    expect(imported('deny_info 404:ERR_TOO_BIG a', files).told('deny_info')).toHaveLength(1);
  });

  it('shares its rule with other statuses where it does not tell how it was called', () => {
    const files = { '/etc/squid/e/ERR_X': 'x', '/etc/squid/e/ERR_Y': '%c' };
    const lines = 'error_directory e\nacl b urlpath_regex ^/b\nhttp_access deny b\ndeny_info 404:ERR_X a\n';
    expect([...(imported(`${lines}`, files).rules.pages?.keys() ?? [])]).toEqual(['ERR_X']);
    expect([...(imported(lines.replace('ERR_X', 'ERR_Y'), files).rules.pages?.keys() ?? [])]).toEqual(['404-ERR_Y']);
  });

  it.each([
    [
      'is nowhere',
      {},
      /^untranslated: the page ERR_X is not at \/usr\/share\/squid\/errors\/en\/ERR_X; Outrigger answers/,
    ],
    [
      'is too large',
      { [`${HOME}/en/ERR_X`]: 'x'.repeat(PAGE_MAX + 1) },
      /^untranslated: the page ERR_X cannot be shown: it is larger/,
    ],
    [
      'has too many codes',
      { [`${HOME}/en/ERR_X`]: '%U'.repeat(65) },
      /^untranslated: the page ERR_X cannot be shown: it has 65 codes/,
    ],
  ])('and that %s leaves a sentence, and says so', (_, files, expected) => {
    const { rules, told } = imported('deny_info 404:ERR_X a', files);
    expect(rules.pages).toBeUndefined();
    expect(rules.access[0]?.answer).toEqual({ status: 404 });
    expect(told('deny_info').join()).toMatch(expected);
  });

  it('is never shown in the report, only named', () => {
    const { ledger } = importSquid({
      files: ['/etc/squid/squid.conf'],
      reader: memoryReader({
        '/etc/squid/squid.conf': `${CONF}error_directory e\ndeny_info ERR_X a\n`,
        '/etc/squid/e/ERR_X': 'password=hunter22',
      }),
    });
    expect(JSON.stringify(ledger.map(({ remarks }) => remarks))).not.toContain('hunter22');
  });
});

describe('error_directory', () => {
  it('that is not there stops Squid, and is told', () => {
    expect(imported('error_directory /nowhere').told('error_directory')).toEqual([
      expect.stringMatching(/^untranslated: there is no folder \/nowhere here, without which Squid does not start/),
    ]);
  });

  it('gives every denial its page, and is told to give no more', () => {
    const { rules, told } = imported('error_directory e', { '/etc/squid/e/ERR_ACCESS_DENIED': '<p>%h</p>' });
    expect(rules.access[0]?.answer).toEqual({ page: 'ERR_ACCESS_DENIED' });
    expect(rules.pages?.get('ERR_ACCESS_DENIED')?.fill).toEqual({ '%h': '{host}' });
    expect(told('error_directory')).toEqual([
      expect.stringMatching(
        /^approximated: denials show \/etc\/squid\/e\/ERR_ACCESS_DENIED, and .*%h.* pages of other errors/,
      ),
    ]);
  });
});

describe('settings of pages', () => {
  it('are of no concern where no page tells them, and the last line counts', () => {
    const { told } = imported('cache_mgr a@b.test\ncache_mgr c@d.test');
    expect(told('cache_mgr')).toEqual([
      expect.stringMatching(/^irrelevant: line 7 says it again/),
      expect.stringMatching(/^irrelevant: says how Squid runs as a process or presents itself/),
    ]);
  });
});
