import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dumpRules, type RuleSet } from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { importSquid, memoryReader, reportHtml, type Translation } from '../index.ts';
import { rulePaths } from '../rulepaths.ts';
import { FIXTURES } from '../testing/goldencase.ts';
import { createLinks } from './links.ts';
import { map } from './map.ts';
import { html, textOf } from './markup.ts';
import { ruleBlocks } from './rulelist.ts';

const CONTOSO = readFileSync(join(FIXTURES, 'contoso/squid.conf'), 'latin1');

describe('the page', () => {
  const page = reportHtml(importFiles({ 'squid.conf': CONTOSO }));

  it('shows every line of the file, and what became of it as a word', () => {
    for (const line of CONTOSO.trimEnd()
      .split('\n')
      .filter((each) => each !== ''))
      expect(page).toContain(`<code>${textOf(html`${line}`)}</code>`);
    expect(
      page.match(/<span class="sign \w+"><span aria-hidden="true">.<\/span> (?:translated|irrelevant)<\/span>/g),
    ).toHaveLength(27);
  });

  it('leads from a line to its rules and back, by ids that are there once', () => {
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id ?? '');
    expect(new Set(ids).size).toBe(ids.length);
    const targets = [...page.matchAll(/ (?:href="#|data-with="|aria-labelledby="|for=")([^"]*)"/g)].flatMap(
      ([, list]) => (list ?? '').split(' '),
    );
    expect(targets.filter((target) => target !== '' && !ids.includes(target))).toEqual([]);
    const line18 =
      /<div class="directive translated" id="(line-\d+)" data-with="([^"]*)"><div class="source"><div><a class="number" href="#line-\d+" aria-label="line 18">/.exec(
        page,
      );
    expect(line18?.[2]).toBe('rule-routes-0 rule-routes-1');
    const route = /id="rule-routes-0" data-with="([^"]*)"/.exec(page)?.[1]?.split(' ');
    expect(route).toContain(line18?.[1]);
  });

  it('allows its own style and script and nothing else', () => {
    const policy =
      /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]?.replaceAll('&#39;', "'") ?? '';
    expect(policy).toMatch(/^default-src 'none'; /);
    for (const [tag, directive] of [
      ['style', 'style-src'],
      ['script', 'script-src'],
    ] as const) {
      const [text, ...others] = [...page.matchAll(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, 'g'))].map(
        ([, inner]) => inner ?? '',
      );
      expect(others).toEqual([]);
      expect(policy).toContain(
        `${directive} 'sha256-${createHash('sha256')
          .update(text ?? '')
          .digest('base64')}'`,
      );
    }
    expect(page).not.toMatch(/ (?:style|on\w+)=|(?:src|href|action)="(?!#|data:,")/);
  });

  it('is the same page every time', () => {
    expect(reportHtml(importFiles({ 'squid.conf': CONTOSO }))).toBe(page);
  });
});

it('shows included files in sections of their own, and lines of a continued directive together', () => {
  const page = reportHtml(
    importFiles({
      'squid.conf': 'include conf.d/*.conf\nhttp_port 80 accel vhost\n',
      'conf.d/a.conf': '# sites\nacl s dstdomain \\\n  a.test \\\n  b.test\nhttp_access allow s\n',
    }),
  );
  expect([...page.matchAll(/<h3 id="file-\d+">([^<]*)</g)].map(([, path]) => path)).toEqual([
    'squid.conf',
    'conf.d/a.conf',
  ]);
  expect(page).toMatch(/included from <a href="#line-1">squid\.conf:1<\/a>/);
  expect(page).toMatch(
    /aria-label="line 2">2<\/a><code>acl s dstdomain \\<\/code><\/div><div><span class="number">3<\/span><code> {2}a\.test/,
  );
});

it('names a file that could not be read', () => {
  expect(reportHtml(importSquid({ files: ['gone.conf'], reader: memoryReader({}) }))).toMatch(
    /gone\.conf cannot be read/,
  );
});

it('keeps text of the config text: no tag, no attribute, no end of a script comes of it', () => {
  const evil = '</script></style><img src=x onerror=pwn()>"\'><svg/onload=pwn()>&lt;b&gt;\u202e\u0007';
  const conf = `# ${evil}\nhttp_port 80 accel vhost name=${evil.replaceAll(' ', '')}\ncache_peer 10.0.0.1 parent 80 0 originserver name=${evil.replaceAll(' ', '')}\nacl x url_regex ${evil}\n${evil} ${evil}\nhttp_access allow x\n`;
  const page = reportHtml(importFiles({ [`${evil}.conf`]: Buffer.from(conf).toString('latin1') }));
  for (const piece of ['<img', '<svg/', '\u202e', '\u0007']) expect(page).not.toContain(piece);
  expect(page.match(/<script/g)).toHaveLength(1);
  expect(page.match(/<\/script/g)).toHaveLength(1);
  expect(page.match(/<svg/g)?.length ?? 0).toBeLessThanOrEqual(1);
  expect(page.match(/<\/style/g)).toHaveLength(1);
});

it('cuts rules as they are dumped: every rule once, in order, and no line lost', () => {
  for (const name of ['contoso', 'squid/many-sites', 'squid/peer-tls', 'squid/port-tls', 'squid/myportname-given']) {
    const translation = importFiles({ 'squid.conf': readFileSync(join(FIXTURES, name, 'squid.conf'), 'latin1') });
    const rules = translation.rules as RuleSet;
    const yaml = dumpRules(rules);
    const blocks = ruleBlocks(yaml);
    expect(blocks.flatMap(({ rule }) => rule ?? [])).toEqual(rulePaths(rules).map(([path]) => path));
    const uncommented = yaml.split('\n').filter((line) => !/^ {2}#/.test(line) && line !== '');
    expect(blocks.flatMap(({ lines }) => lines)).toEqual(uncommented);
  }
});

describe('the map', () => {
  const boxesOf = (rules: RuleSet): { x: number; y: number; width: number; height: number }[] =>
    [
      ...textOf(map(rules, createLinks([])).drawing).matchAll(
        /<rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"/g,
      ),
    ].map(([, x, y, width, height]) => ({ x: Number(x), y: Number(y), width: Number(width), height: Number(height) }));

  it.each([1, 2, 50])('has a box for each listener, route and upstream, none over another, for %i routes', (count) => {
    const rules = hosting(count, (index) => `site${index}`);
    expect(boxesOf(rules)).toHaveLength(1 + 2 * count);
    expectApart(boxesOf(rules));
  });

  it('finds places for upstreams whose routes are scattered', () => {
    const rules = hosting(50, (index) => `site${index % 7}`);
    expect(boxesOf(rules)).toHaveLength(1 + 50 + 7);
    expectApart(boxesOf(rules));
  });

  it('cuts what does not fit, and says how much more there is', () => {
    const translation = importFiles({ 'squid.conf': CONTOSO });
    const drawing = textOf(map(translation.rules as RuleSet, createLinks([])).drawing);
    expect(drawing).toMatch(
      />1 {2}URL ~ contoso\.com\/exchange, contoso\.com\/exchweb,<.*> {3}contoso\.com\/public, contoso\.com\/owa and 5 more</,
    );
    expect(drawing).toContain('everything else');
  });

  it('says who stands in', () => {
    const conf = [
      'http_port 80 accel vhost',
      'cache_peer 10.0.0.1 parent 80 0 originserver name=app forceddomain=app.test',
      'cache_peer 10.0.0.2 parent 80 0 originserver name=sorry',
      'acl app dstdomain app.test',
      'cache_peer_access app allow app',
      'http_access allow all',
    ].join('\n');
    const drawing = textOf(map(importFiles({ 'squid.conf': conf }).rules as RuleSet, createLinks([])).drawing);
    expect(drawing).toMatch(/>1 {2}app\.test<.*> {3}else to sorry</);
    expect(drawing).toContain('sorry where app cannot be reached');
  });
});

function expectApart(boxes: readonly { x: number; y: number; width: number; height: number }[]): void {
  const over = boxes.flatMap((a, index) =>
    boxes
      .slice(index + 1)
      .filter((b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height),
  );
  expect(over).toEqual([]);
}

function hosting(count: number, upstream: (index: number) => string): RuleSet {
  const numbers = Array.from({ length: count }, (_, index) => index);
  const peers = [...new Set(numbers.map(upstream))];
  const conf = [
    'http_port 80 accel vhost',
    ...peers.map((name, index) => `cache_peer 10.0.0.${index + 1} parent 80 0 originserver name=${name}`),
    ...numbers.flatMap((index) => [
      `acl s${index} dstdomain www.site${index}.example`,
      `cache_peer_access ${upstream(index)} allow s${index}`,
    ]),
    'http_access allow all',
  ];
  const rules = importFiles({ 'squid.conf': `${conf.join('\n')}\n` }).rules as RuleSet;
  // One route for each host, as a person may write them: an import joins those of one peer.
  return {
    ...rules,
    routes: numbers.map((index) => ({ when: { hosts: [`www.site${index}.example`] }, to: upstream(index) })),
  };
}

function importFiles(files: Record<string, string>): Translation {
  return importSquid({ files: [Object.keys(files)[0] ?? ''], reader: memoryReader(files) });
}
