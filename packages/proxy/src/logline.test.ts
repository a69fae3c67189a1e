import { describe, expect, it } from 'vitest';
import type { RequestRecord } from './accesslog.ts';
import { type AccessEntry, compileLogLine } from './logline.ts';
import { echoing, openStage, simpleRules } from './testing/stage.ts';

// Bytes as Apache 2.4.71 and Squid 5.7 wrote them; accesslog.live.test.ts asks both again.

const HOSTILE = 'a b"c\\d\te%41[\xe9]';
const RECORD: RequestRecord = {
  kind: 'request',
  at: Date.UTC(2026, 10, 25, 5, 9, 38, 466),
  milliseconds: 12,
  client: '2001:db8::7:50712',
  listener: '*:443',
  method: 'GET',
  host: 'contoso.com',
  target: '/a?',
  version: '1.1',
  status: 200,
  upstream: 'web',
  server: 'https://10.1.1.14:443',
  bytesUp: 3,
  bytesDown: 5,
  ending: { how: 'complete', by: 'server' },
};
const ENTRY: AccessEntry = {
  record: RECORD,
  client: { address: '2001:db8::7', port: 50712 },
  head: {
    method: 'GET',
    target: '/a?x=1',
    version: '1.1',
    fields: [
      ['X-H', HOSTILE],
      ['Authorization', 'Basic c2VjcmV0'],
      ['Cookie', 'a=b'],
      ['X-H2', 'one'],
      ['x-h2', 'two'],
    ],
    raw: Buffer.alloc(100),
    text: '',
  },
  facts: {
    method: 'GET',
    scheme: 'https',
    host: 'contoso.com',
    port: 443,
    target: '/a?x=1',
    authority: 'contoso.com',
    client: '2001:db8::7',
    connectsFrom: '2001:db8::7',
    connections: 1,
    listener: '*:443',
    time: { day: 'wed', minute: 720 },
    fields: [],
  },
  answered: {
    fields: [
      ['content-type', 'text/html; charset=x'],
      ['Set-Cookie', 'c=d'],
    ],
    headBytes: 277,
    bodyBytes: 5,
  },
};
const line = (format: string, change: Partial<AccessEntry> = {}): string =>
  compileLogLine(format)({ ...ENTRY, ...change });

describe('a line of an access log', () => {
  it.each([
    ['{request:X-H}', 'a b\\"c\\\\d\\te%41[\\xe9]'],
    ['{request:X-H|quoted}', 'a b\\"c\\\\d\\te%41[\xe9]'],
    ['{request:X-H|url}', 'a%20b%22c%5Cd%09e%41%5B%E9%5D'],
    ['{request:X-H|bracketed}', 'a b"c\\\\d%09e%2541%5b%e9%5d'],
    ['{request:x-h2} {request:Nope}', 'one, two -'],
    ['{client} {clientPort}', '2001:db8::7 50712'],
    ['{endTime:seconds}.{endTime:milliseconds,03} {duration:milliseconds,6}', '1795583378.478     12'],
    ['{duration:seconds} {duration:microseconds}', '0 12000'],
    [
      '{target} {path} {query} {url} {urlWithoutQuery}',
      '/a?x=1 /a ?x=1 https://contoso.com/a?x=1 https://contoso.com/a?',
    ],
    ['{requestLine}', 'GET /a?x=1 HTTP/1.1'],
    ['{sent} {sent:head} {sent:body} {received} {received:body} {total}', '282 277 5 103 3 385'],
    [
      '{mimeType} {server} {server:address} {server:port} {upstream}',
      'text/html https://10.1.1.14:443 10.1.1.14 443 web',
    ],
    ['{result}:{hierarchy} {status,03}', 'TCP_MISS:FIRSTUP_PARENT 200'],
    ['{{}} \u00e9', '{} \xc3\xa9'],
  ])('%s', (format, expected) => {
    expect(line(format)).toBe(expected);
  });

  it('tells no secret, whoever asks', () => {
    const all = line('{request:Authorization} {request:cookie} {response:Set-Cookie} {request:authorization|quoted}');
    expect(all).toBe('- - - -');
  });

  it('tells what there is of a request that nobody answered', () => {
    const bare = { ...RECORD, status: undefined, server: undefined, code: 'DENIED' };
    const rest = { record: bare, facts: undefined, answered: undefined };
    expect(line('{status,03} {sent:bodyOrDash} {url} {result}:{hierarchy} {mimeType}', rest)).toBe(
      '000 - /a?x=1 TCP_DENIED:HIER_NONE -',
    );
    const left = { ...RECORD, ending: { how: 'reset', by: 'client' } as const };
    expect(line('{result}', { record: left })).toBe('TCP_MISS_ABORTED');
  });

  it('is the one on stdout where no format is named', () => {
    expect(line('text')).toMatch(/^2026-11-25T05:09:38\.466Z info 2001:db8::7:50712 \*:443 GET contoso\.com \/a\? /);
    expect(JSON.parse(line('json'))).toMatchObject({ level: 'info', record: { target: '/a?' } });
  });
});

describe('the edge', () => {
  it('tells access logs of requests it carries, denies and redirects, sizes included', async () => {
    const stage = openStage();
    const port = await stage.server(echoing('s'));
    const rules = simpleRules(port).replace(
      '[{ allow: {} }]',
      "[{ deny: { path: { prefix: /no } } }, { deny: { path: { prefix: /away } }, answer: { redirect: 'https://{host}/' } }, { allow: {} }]",
    );
    const entries: AccessEntry[] = [];
    const proxy = await stage.proxy(
      `${rules}accessLog: { file: a.log, format: common }\n`,
      undefined,
      undefined,
      (entry) => entries.push(entry),
    );
    try {
      for (const path of ['/yes', '/no', '/away']) {
        const wire = await proxy.wire();
        await wire.send(`GET ${path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`);
        const { bytes } = await wire.inlet.rest(5_000);
        const whole = compileLogLine('{target} {status} {sent} {response:Content-Type}');
        const head = bytes.indexOf('\r\n\r\n') + 4;
        await proxy.request(path);
        const entry = entries.at(-1) as AccessEntry;
        const type = path === '/yes' ? '-' : 'text/plain; charset=utf-8';
        expect(whole(entry)).toBe(`${path} ${entry.record.status} ${bytes.length} ${type}`);
        expect(entry.answered).toMatchObject({ headBytes: head, bodyBytes: bytes.length - head });
      }
      expect(entries.map(({ record }) => record.status)).toEqual([200, 403, 302]);
    } finally {
      await stage.close();
    }
  });
});
