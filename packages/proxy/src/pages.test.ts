import { formatDiagnostic, loadRules, PAGE_MAX } from '@outrigger/rules';
import { field } from '@outrigger/tools/message';
import { expectResponse } from '@outrigger/tools/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { startEdge } from './edge.ts';
import { checkFiles } from './files.ts';
import { browse, site } from './http2/testing/site.ts';
import { loadPages } from './pages.ts';
import { openStage, PATIENCE, readerOf, rulesOf, simpleRules } from './testing/stage.ts';

// Pages that denials are answered with, from their files to the wire.

const stage = openStage();
afterEach(() => stage.close());

const PAGE = '<p>Nö: %M %U for %i, %T</p>\n<style>%l</style>';
const files = new Map([
  ['sorry.html', PAGE],
  ['sorry.css', 'b { width: 100% }'],
]);
const readFile = readerOf(files);
const NOW = Date.parse('2026-11-25T14:06:14Z');
const PAGES =
  "pages: { sorry: { file: sorry.html, language: de, fill: { '%U': '{url}', '%M': '{method}', '%i': '{client}', '%T': '{date}', '%l': { file: sorry.css } } } }\n";
const rules = (answer = '{ page: sorry, status: 404 }', pages = PAGES): string =>
  simpleRules(1).replace('[{ allow: {} }]', `[{ deny: {}, answer: ${answer} }]`) + pages;
const shown = (method: string, target = '/a'): string =>
  `<p>Nö: ${method} http://a.test${target} for 127.0.0.1, Wed, 25 Nov 2026 14:06:14 GMT</p>\n<style>b { width: 100% }</style>`;

describe('a denied request', () => {
  const proxy = () => stage.proxy(rules(), readFile, () => NOW);

  it.each([
    ['GET', 'GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n'],
    ['GET', 'GET /a HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.1\r\nHost: a.test\r\n\r\n'],
    ['GET', 'GET /a HTTP/1.0\r\nHost: a.test\r\n\r\n'],
    ['POST', 'POST /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi'],
    ['RPC_IN_DATA', 'RPC_IN_DATA /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1073741824\r\n\r\n'],
  ])('is shown the page: %s %#', async (method, request) => {
    const wire = await (await proxy()).wire();
    await wire.send(request);
    const { status, fields, body } = await expectResponse(wire);
    expect(status).toBe(404);
    expect(body.toString()).toBe(shown(method));
    expect(fields).toEqual([
      ['Content-Type', 'text/html;charset=utf-8'],
      ['Content-Length', String(Buffer.byteLength(shown(method)))],
      ['Connection', 'close'],
      ['Content-Language', 'de'],
    ]);
    expect((await wire.inlet.exactly(1, PATIENCE)).kind).not.toBe('bytes');
  });

  it('with HEAD hears of the page, and gets none of it', async () => {
    const wire = await (await proxy()).wire();
    await wire.send('HEAD /a HTTP/1.1\r\nHost: a.test\r\n\r\n');
    const { status, fields, body } = await expectResponse(wire, { method: 'HEAD' });
    expect([status, field(fields, 'Content-Length'), body.length]).toEqual([
      404,
      String(Buffer.byteLength(shown('HEAD'))),
      0,
    ]);
    expect((await wire.inlet.exactly(1, PATIENCE)).kind).not.toBe('bytes');
  });

  it('sees what it said itself as text', async () => {
    const wire = await (await proxy()).wire();
    await wire.send('GET /?<script> HTTP/1.1\r\nHost: a.test\r\n\r\n');
    const { body } = await expectResponse(wire);
    expect(body.toString()).toBe(shown('GET', '/?&lt;script&gt;'));
  });

  it('is in the log as denied, with the type of the page', async () => {
    const told: unknown[] = [];
    const proxy = await stage.proxy(
      `${rules()}accessLog: { file: a.log }\n`,
      readFile,
      () => NOW,
      ({ answered }) => told.push(answered?.fields),
    );
    const wire = await proxy.wire();
    await wire.send('GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await expectResponse(wire);
    expect(await proxy.request('/a')).toMatchObject({ status: 404, code: 'DENIED', ending: { how: 'refused' } });
    expect(told).toEqual([[['Content-Type', 'text/html;charset=utf-8']]]);
  });

  it('may be answered 200, and 403 where nothing else is said', async () => {
    for (const [answer, expected] of [
      ['{ page: sorry, status: 200 }', 200],
      ['{ page: sorry }', 403],
    ] as const) {
      const wire = await (await stage.proxy(rules(answer), readFile)).wire();
      await wire.send('GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n');
      expect((await expectResponse(wire)).status).toBe(expected);
    }
  });

  it('is shown the page over HTTP/2', async () => {
    const port = await stage.server(() => {});
    const access = '  - deny: { path: { prefix: /no } }\n    answer: { page: sorry, status: 404 }\n';
    const proxy = await site(stage, port, { access, more: PAGES, files: Object.fromEntries(files) });
    const client = await browse(stage, proxy);
    const { status, headers, body } = await client.fetch('/no');
    expect([status, headers['content-type'], headers['content-language']]).toEqual([
      404,
      'text/html;charset=utf-8',
      'de',
    ]);
    expect(body).toContain(' GET https://www.test/no for 127.0.0.1,');
  });
});

describe('files of pages', () => {
  it('are read anew at each reload, and never in between', async () => {
    const own = new Map(files);
    const proxy = await stage.proxy(rules(), readerOf(own));
    const body = async (): Promise<string> => {
      const wire = await proxy.wire();
      await wire.send('GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n');
      return (await expectResponse(wire)).body.toString();
    };
    own.set('sorry.html', 'another');
    expect(await body()).toContain('Nö');
    expect(await proxy.edge.reload(rulesOf(rules()))).toMatchObject({ kind: 'reloaded' });
    expect(await body()).toBe('another');
    own.delete('sorry.html');
    expect(await proxy.edge.reload(rulesOf(rules()))).toMatchObject({
      kind: 'failed',
      problems: [{ code: 'FILE_UNREADABLE' }],
    });
    expect(await body()).toBe('another');
  });

  it('keep the edge from starting where one is missing or cannot be shown, all told at once', async () => {
    const text = rules(
      undefined,
      `${PAGES.trimEnd().slice(0, -1)}, large: { file: large }, many: { file: many, fill: { x: y } } }\n`,
    );
    const { rules: loaded, diagnostics } = loadRules(text, 'test.yaml');
    if (loaded === undefined) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
    const some = readerOf(
      new Map([
        ['sorry.html', PAGE],
        ['large', 'a'.repeat(PAGE_MAX + 1)],
        ['many', 'x'.repeat(100)],
      ]),
    );
    const started = await startEdge({ rules: loaded, report() {}, readFile: some });
    const problems = started.kind === 'failed' ? started.problems : [];
    expect(problems.map(({ code, message }) => `${code} ${message}`)).toEqual([
      expect.stringMatching(/^FILE_UNREADABLE sorry\.css cannot be read \(ENOENT\)/),
      expect.stringMatching(/^PAGE_UNUSABLE large has 262145 bytes, and a page has 262144 at most/),
      expect.stringMatching(/^PAGE_UNUSABLE the page many cannot be shown: it has 100 places/),
    ]);
    expect(checkFiles(loaded, some)).toEqual(problems.map((problem) => ({ severity: 'error', ...problem })));
  });

  it('are as large as the limit at most', () => {
    const limit = readerOf(new Map([['a', 'a'.repeat(PAGE_MAX)]]));
    const given = rulesOf(rules('{ page: a }', 'pages: { a: { file: a } }\n'));
    expect(loadPages(given, { readFile: limit }).problems).toEqual([]);
  });
});
