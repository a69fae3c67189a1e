// --tighten: what it writes, what it says, and that it only ever takes away. Cases are folders; UPDATE_GOLDEN=1 rewrites rules
// and reports, never the rows that say which of Squid's verdicts change.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CompiledRules,
  compileRules,
  dumpRules,
  http2Offer,
  type Listener,
  loadRules,
  requestFacts,
  route,
} from '@outrigger/rules';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importSquid, memoryReader, reportText, type Translation } from '../index.ts';
import { expectFile, FIXTURES } from '../testing/goldencase.ts';

/** A config, and where its tightened rules and report are kept. */
const CASES: readonly (readonly [config: string, expected: string])[] = [
  ['contoso', 'contoso/tightened'],
  ...readdirSync(join(FIXTURES, 'tighten')).map((name) => [`tighten/${name}`, `tighten/${name}`] as const),
];

describe.each(CASES)('%s', (config, expected) => {
  const translation = importConf(readFileSync(join(FIXTURES, config, 'squid.conf'), 'latin1'), true);
  const text = dumpRules(translation.rules ?? never());

  it('writes tighter rules, which load', () => {
    expectFile(join(FIXTURES, expected, 'outrigger.yaml'), text);
    expect(loadRules(text, 'x.yaml').diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  it('says what changes and what stays', () => {
    expectFile(join(FIXTURES, expected, 'report.txt'), reportText(translation));
  });
});

/** Rows of Squid's verdicts, and what the tightened rules say instead. */
type Row = readonly [method: string, target: string, host: string, upstream: string];
const readRows = (path: string): Row[] =>
  readFileSync(join(FIXTURES, path), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t').slice(0, 4) as unknown as Row);

it('keeps the upstream of every row of the first migration but those that nobody wants', () => {
  const rules = compileRules(
    importConf(readFileSync(join(FIXTURES, 'contoso/squid.conf'), 'latin1'), true).rules ?? never(),
  );
  const rows = readRows('contoso/verdicts.tsv');
  expect(rows).toHaveLength(100);
  const changed = rows.flatMap((row) => {
    const now = upstreamOf(rules, row) ?? 'none';
    return now === row[3] ? [] : [[row[0], row[1], row[2], now]];
  });
  expect(changed).toEqual(readRows('contoso/tightened/changed.tsv'));
});

it('offers HTTP/2 for all names but those of Exchange, and for none without it', () => {
  const conf = readFileSync(join(FIXTURES, 'contoso/squid.conf'), 'latin1');
  const offers = (isTight: boolean, name: string): boolean => {
    const rules = importConf(conf, isTight).rules ?? never();
    return http2Offer(rules, rules.listen[0] ?? never(), name).offered;
  };
  expect(['shop.example', 'contoso.com', 'mail.contoso.com'].map((name) => offers(true, name))).toEqual([
    true,
    false,
    false,
  ]);
  expect(offers(false, 'shop.example')).toBe(false);
});

it('names changes that both rule sets really make', () => {
  const conf = readFileSync(join(FIXTURES, 'contoso/squid.conf'), 'latin1');
  const [exact, tight] = [importConf(conf, false), importConf(conf, true)];
  const changes = tight.tightening?.changes ?? [];
  expect(changes).toHaveLength(5);
  for (const { url, before, after } of changes) {
    const [, host = '', target = ''] = /^https:\/\/([^/]+)(\/.*)$/.exec(url) ?? [];
    const asked = (each: Translation) => upstreamOf(compileRules(each.rules ?? never()), ['GET', target, host, '']);
    expect([asked(exact), asked(tight)], url).toEqual([before, after]);
  }
});

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);

/** Pieces of URLs that patterns and requests share, so that they meet often, with the ways of spelling that confuse. */
const hostPart = fc.constantFrom('contoso.com', 'mail.contoso.com', 'a.test', 'owa.a.test', '.contoso.com');
const segment = fc.constantFrom(
  'owa',
  'OWA',
  'rpc',
  'ecp',
  'owa.x',
  'x',
  '..',
  '.',
  '',
  '%6fwa',
  'ow%61',
  '%2e%2e',
  'owafoo',
  'r%70c',
  '%%6f',
  'owa;x',
  'owa%3f',
);
const pattern = fc
  .record({
    flag: fc.constantFrom('-i ', ''),
    start: fc.constantFrom('', '', '^https://', '^https?://', 'https://', '^http://', '.*', '^.*', '^https?://.*', '^'),
    host: hostPart,
    escapes: fc.boolean(),
    path: fc.array(fc.constantFrom('owa', 'OWA', 'rpc', 'ecp', 'owa.x', 'owa/x', 'rpc\\.x'), {
      minLength: 1,
      maxLength: 2,
    }),
    end: fc.constantFrom('', '', '/', '/?', '.*', '/.*', '$', '(/|$)'),
  })
  .map(({ flag, start, host, escapes, path, end }) => ({
    text: `${flag}${start}${escapes ? host.replaceAll('.', '\\.') : host}/${path.join('/')}${end}`,
    host: host.replace(/^\./, 'www.'),
    path: `/${path.join('/').replaceAll('\\', '')}`,
  }));
const request = fc.record({
  method: fc.constantFrom('GET', 'RPC_IN_DATA'),
  host: fc.constantFrom(
    'contoso.com',
    'CONTOSO.com',
    'mail.contoso.com',
    'notcontoso.com',
    'contosoXcom',
    'a.test',
    'owa.a.test',
    'www.example.org',
  ),
  port: fc.constantFrom('', '', '', ':443', ':80', ':8443'),
  absolute: fc.constantFrom('', '', '', 'http://contoso.com', 'https://mail.contoso.com:80'),
  segments: fc.array(segment, { minLength: 1, maxLength: 4 }),
  separator: fc.constantFrom('/', '/', '/', '//', '\\', '%2f'),
  /** Written for the pattern of that number, and then spelled in some way; what stands above otherwise. */
  like: fc.option(
    fc.record({
      pattern: fc.nat(2),
      before: fc.constantFrom('', '', '', '/', '/.', '/x/..', '\\'),
      behind: fc.constantFrom('', '', '/', '/x', 'foo', '/../x', ';x', '%2f..', '%00', '/%2e%2e/x'),
    }),
  ),
  query: fc.constantFrom('', '', '?x', '?u=contoso.com/owa', '?u=https://a.test/rpc', '?/../owa'),
});

it(`sends nothing to Exchange that the exact rules did not send there (seed ${SEED})`, () => {
  let sent = 0;
  let tightened = 0;
  fc.assert(
    fc.property(
      fc.array(pattern, { minLength: 1, maxLength: 3 }),
      fc.array(request, { minLength: 30, maxLength: 60 }),
      (patterns, requests) => {
        const conf = [
          'https_port 203.0.113.10:443 accel cert=/c.crt key=/c.key vhost',
          'cache_peer 10.0.0.1 parent 80 0 originserver name=web',
          'cache_peer 10.0.0.2 parent 443 0 originserver front-end-https=on name=exchange',
          ...patterns.map(({ text }) => `acl exch url_regex ${text}`),
          'cache_peer_access exchange allow exch',
          'cache_peer_access web deny exch',
          'http_access allow all',
        ].join('\n');
        const [exact, tight] = [importConf(conf, false), importConf(conf, true)];
        if (exact.rules === undefined || tight.rules === undefined) return;
        if ((tight.tightening?.routes.length ?? 0) > 0) tightened += 1;
        const [exactRules, tightRules] = [compileRules(exact.rules), compileRules(tight.rules)];
        for (const { method, host, port, absolute, segments, separator, query, like } of requests) {
          const model = like === null ? undefined : patterns[like.pattern];
          const path =
            model === undefined ? `/${segments.join(separator)}` : `${like?.before}${model.path}${like?.behind}`;
          const row: Row = [method, `${absolute}${path}${query}`, `${model?.host ?? host}${port}`, ''];
          if (upstreamOf(tightRules, row) !== 'exchange') continue;
          sent += 1;
          expect(upstreamOf(exactRules, row), `${conf}\n${row.join(' ')}`).toBe('exchange');
        }
      },
    ),
    { seed: SEED, numRuns: 150 },
  );
  // A test that never meets a tightened route proves nothing.
  expect(tightened).toBeGreaterThan(50);
  expect(sent).toBeGreaterThan(120);
});

function importConf(text: string, tighten: boolean): Translation {
  return importSquid({ files: ['squid.conf'], reader: memoryReader({ 'squid.conf': text }), tighten });
}

function upstreamOf(rules: CompiledRules, [method, target, host]: Row): string | undefined {
  const listener: Listener = rules.ruleSet.listen[0] ?? never();
  const version = host === '(none)' ? '1.0' : '1.1';
  const fields = host === '(none)' ? [] : [['Host', host] as const];
  const result = requestFacts(
    { method, target, version, fields },
    { listener, client: '192.0.2.1', time: { day: 'wed', minute: 720 } },
  );
  return result.kind === 'bad' ? undefined : route(rules, result.facts).upstream;
}

function never(): never {
  throw new Error('the import wrote no rules');
}
