import { describe, expect, it } from 'vitest';
import { compilePage, dumpRules, PAGE_PLACES_MAX, type Page, type PageFor } from './index.ts';
import { type Asked, factsOf, findings, load, rulesText } from './testing/rules.ts';

const rules = load(rulesText());
const NOW = new Date('2026-11-25T14:06:14Z');

function shown(given: Partial<Page>, content: string, asked: Asked = {}, files: Record<string, string> = {}): string {
  const made = compilePage(
    { file: 'p.html', type: 'text/html', ...given },
    Buffer.from(content).toString('latin1'),
    (file) => Buffer.from(files[file] ?? '').toString('latin1'),
  );
  if (made.kind === 'bad') throw new Error(made.message);
  return Buffer.from(made.pageFor(factsOf(rules, asked), NOW), 'latin1').toString();
}

describe('a page', () => {
  it('is its file byte for byte where nothing is filled in', () => {
    const content = '<p style="width: 100%">é {client} {{x}} %U</p>\r\n';
    expect(shown({}, content)).toBe(content);
    expect(shown({ fill: { '%Z': 'x' } }, content)).toBe(content);
  });

  it('has values of the request, the date, and texts of the rules in place of marks', () => {
    const fill = {
      '%U': '{url}',
      '%u': '{urlWithoutQuery}',
      '%T': '{date}',
      '%w': 'käse {{@}}',
      '%%': '%',
      '[[ip]]': '{client}',
    };
    const page = '%U|%u|%T|%w|%%U|[[ip]]|%Up';
    expect(shown({ fill }, page, { target: '/a?b=c' })).toBe(
      'https://contoso.com/a?b=c|https://contoso.com/a?|Wed, 25 Nov 2026 14:06:14 GMT|käse {@}|%U|192.0.2.7|https://contoso.com/a?b=cp',
    );
  });

  it('takes the longest of marks that begin at one place, and the first of those that overlap', () => {
    expect(shown({ fill: { '%': '1', '%a': '2', ab: '3' } }, '%ab%b')).toBe('2b1b');
  });

  it('has another file in place of a mark, and looks for no marks in there', () => {
    expect(
      shown({ fill: { '%l': { file: 'a.css' }, '%U': 'x' } }, '<style>%l</style>', {}, { 'a.css': 'b{} %U é' }),
    ).toBe('<style>b{} %U é</style>');
  });

  it('shows what the request says as text and nothing else', () => {
    const target = '/<script>alert("1")</script>&\'\xe9\x80';
    expect(shown({ fill: { U: '{target}' } }, 'U', { target })).toBe(
      '/&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;&#233;&#128;',
    );
    expect(shown({ fill: { U: '<b>{target}</b>' } }, 'U', { target: '/<' })).toBe('<b>/&lt;</b>');
    expect(shown({ fill: { U: '{target}' }, type: 'text/plain; charset=utf-8' }, 'U', { target: '/<' })).toBe('/<');
  });

  it('is no longer for it than a bound: neither a value nor the number of places', () => {
    expect(shown({ fill: { U: '{target}' } }, 'U', { target: `/${'a'.repeat(20_000)}` })).toHaveLength(8_192);
    const many = (places: number) =>
      compilePage({ file: 'p', type: 'text/html', fill: { U: '{url}' } }, 'U'.repeat(places), () => '');
    expect(many(PAGE_PLACES_MAX).kind).toBe('page');
    expect(many(PAGE_PLACES_MAX + 1)).toEqual({
      kind: 'bad',
      message: 'it has 65 places to be filled in, and 64 are the most',
    });
  });

  it('is read in one pass, however many marks nearly match', () => {
    const fill = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`${'a'.repeat(60)}${index}`, 'x']));
    const made = compilePage({ file: 'p', type: 'text/html', fill }, 'a'.repeat(256 * 1_024), () => '');
    expect((made as { pageFor: PageFor }).pageFor(factsOf(rules, {}), NOW)).toHaveLength(256 * 1_024);
  });
});

describe('pages in a rules file', () => {
  const PAGES = "{ sorry: { file: /etc/sorry.html, language: de-AT, fill: { '%U': '{url}', '%l': { file: a.css } } } }";
  const showing = (pages: string, answer = '{ page: sorry, status: 404 }'): string =>
    `${rulesText({ access: `[{ deny: { methods: PUT }, answer: ${answer} }, { allow: {} }]` })}pages: ${pages}\n`;

  it.each<[string, RegExp | undefined]>([
    [PAGES, undefined],
    ['{ sorry: { file: a, type: text/plain } }', undefined],
    ['{ sory: { file: a } }', /there is no page sorry. Did you mean sory\?.*RULES_UNKNOWN_PAGE/],
    ['{ sorry: { file: a }, other: { file: b } }', /no answer shows the page other.*RULES_UNUSED_PAGE/],
    [
      "{ sorry: { file: a, fill: { x: '{user}' } } }",
      /\{user\} is not known here; there are \{client\}.*\{date\}.*RULES_BAD_PAGE/,
    ],
    ["{ sorry: { file: a, fill: { x: '{' } } }", /is no placeholder.*RULES_BAD_PAGE/],
    ['{ sorry: { file: a, fill: { x: 1 } } }', /what stands for a mark is a text/],
    ['{ sorry: { file: a, language: "de,en" } }', /a language is a tag/],
    ['{ sorry: { file: a, type: "x\\r\\ny" } }', /a type is one line/],
    ['{ sorry: {} }', /RULES_SHAPE/],
  ])('%s', (pages, finding) => {
    const found = findings(showing(pages)).join('\n');
    if (finding === undefined) expect(found).toBe('');
    else expect(found).toMatch(finding);
  });

  it('come back from a dump', () => {
    const loaded = load(showing(PAGES));
    const again = load(dumpRules(loaded));
    const { at: _at, ...page } = again.pages?.get('sorry') ?? {};
    expect(page).toEqual({
      file: '/etc/sorry.html',
      type: 'text/html;charset=utf-8',
      language: 'de-AT',
      fill: { '%U': '{url}', '%l': { file: 'a.css' } },
    });
    expect(again.access[0]?.answer).toEqual({ page: 'sorry', status: 404 });
  });
});
