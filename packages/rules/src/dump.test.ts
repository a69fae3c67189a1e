import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Condition, TimeCondition } from './condition.ts';
import { TUNNEL_METHODS } from './defaults.ts';
import { dumpRules } from './dump.ts';
import { defaultLimits, jsonSchema, type RuleSet, upstreamOf } from './schema.ts';
import { load, meaning, rulesText } from './testing/rules.ts';

const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const list = <Item>(item: fc.Arbitrary<Item>) => fc.array(item, { minLength: 1, maxLength: 3 });
const pathCondition = fc.oneof(
  fc.record({ prefix: word.map((name) => `/${name}`) }),
  fc.record({ exact: word.map((name) => `/${name}: # '"`) }),
  fc.record({ regex: fc.constantFrom('^/(owa|ecp)', '\\.php$', '[[:digit:]]+ x') }),
);
const TIMES: readonly TimeCondition[] = [
  { from: '09:00', to: '17:00' },
  { days: ['mon', 'sun'] },
  { days: ['sat'] },
  {},
];
const leaf = {
  hosts: list(
    fc.oneof(
      word,
      word.map((name) => `!.${name}.test`),
      fc.constant('*'),
    ),
  ),
  path: list(pathCondition),
  url: list(
    fc.record({
      regex: fc.constantFrom('contoso.com/owa', '#a: b', 'x {}'),
      ignoreCase: fc.boolean(),
    }),
  ),
  methods: list(fc.constantFrom('GET', '!RPC_IN_DATA')),
  headers: list(fc.record({ name: word, regex: word })),
  clients: list(fc.constantFrom('10.0.0.0/8', '!2001:db8::/32', '192.0.2.1-192.0.2.9')),
  ports: list(fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.constantFrom('1-65535', '8000-8999'))),
  time: list(fc.constantFrom(...TIMES)),
};
const simple = fc.record(leaf, { requiredKeys: [] });
// Unbounded nesting of four recursive keys would grow without end: two levels show every way they combine.
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 2, depthIdentifier: 'condition' },
    simple,
    fc
      .tuple(simple, fc.array(tie('condition'), { minLength: 1, maxLength: 2 }))
      .map(([keys, any]) => ({ ...keys, any })),
    fc
      .tuple(simple, fc.array(tie('condition'), { minLength: 1, maxLength: 2 }))
      .map(([keys, all]) => ({ ...keys, all })),
    fc.tuple(simple, tie('condition')).map(([keys, not]) => ({ ...keys, not })),
  ) as fc.Arbitrary<Condition>,
}));
const source = fc.record({
  file: fc.constantFrom('squid.conf', '/etc/squid/conf.d/a b.conf'),
  line: fc.integer({ min: 1, max: 99_999 }),
  directive: fc.constantFrom('', 'cache_peer_access web deny exch', "acl x url_regex -i a:80 '#'"),
});
const provenance = fc.record({ from: fc.array(source, { minLength: 1, maxLength: 3 }) }, { requiredKeys: [] });
const ruleSet: fc.Arbitrary<RuleSet> = fc
  .record({
    access: fc.array(
      fc.tuple(
        fc.constantFrom('allow' as const, 'deny' as const),
        fc.constantFrom('forbidden' as const, 'misdirected' as const, 'reset' as const),
        condition,
        provenance,
      ),
      { maxLength: 4 },
    ),
    routes: fc.array(fc.tuple(fc.option(condition, { nil: undefined }), fc.constantFrom('a', 'b'), provenance), {
      minLength: 1,
      maxLength: 4,
    }),
    upstream: provenance,
    rpcOverHttp: fc.boolean(),
    idle: fc.integer({ min: 1, max: 1e8 }),
    trusted: fc.option(list(fc.constantFrom('10.0.0.0/8', '2001:db8::/32')), { nil: undefined }),
    http2: fc.constantFrom({}, { http2: true }, { http2: false }),
  })
  .map(
    ({ access, routes, upstream, rpcOverHttp, idle, trusted, http2 }): RuleSet => ({
      listen: [
        {
          address: '127.0.0.1:443',
          tls: { certificates: [{ cert: 'a', key: 'a' }], ...http2 },
          ...(trusted && { proxyProtocol: trusted, proxyProtocolOnly: true as const }),
          ...upstream,
        },
      ],
      upstreams: new Map([
        [
          'a',
          upstreamOf({
            servers: ['https://a:1'],
            rpcOverHttp,
            timeouts: { idle: `${idle}ms` },
            rpcEndpoints: ['mbx1:6001', '*:6001-6004'],
            ...upstream,
          }),
        ],
        [
          'b',
          upstreamOf({
            servers: ['http://b:1', 'http://c:1'],
            host: 'x.test',
            affinity: 'cookie',
            affinityCookie: { name: 'home' },
            weights: [1, 1 + (idle % 1_000)],
            connectionsPerServer: http2.http2 ? [idle, 0] : idle,
            proxyProtocol: 'v2',
            tls: { certificate: { pkcs12: 'c.pfx', passphraseFile: 'c.pass' }, minVersion: '1.1' },
            health: { path: '/ok', interval: `${idle + 100}ms`, timeout: '5s', expect: [200, 401] },
          }),
        ],
      ]),
      access: access.map(([action, answer, when, from]) => ({
        action,
        answer: action === 'deny' ? answer : 'forbidden',
        when,
        ...from,
      })),
      routes: routes.map(([when, to, from], index) => ({
        ...(when !== undefined && { when }),
        to,
        ...(index === 1 && { timeouts: { answer: idle } }),
        ...(index === 2 && {
          fallback: rpcOverHttp ? [{ to: 'b' }] : [{ to: 'b', ...(when !== undefined && { when }) }, { to: 'a' }],
        }),
        ...from,
      })),
      limits: {
        ...defaultLimits(),
        head: 256 * 1024,
        connectionsPerClient: 20_000,
        waitingConnections: 900,
        headsPerSecond: 500,
      },
      tunnelMethods: [...TUNNEL_METHODS],
      ...(trusted && { trustedProxies: trusted }),
    }),
  );

describe('dumpRules', () => {
  it('writes text that loads as the same rules, provenance included', () => {
    fc.assert(
      fc.property(ruleSet, (rules) => {
        expect(meaning(load(dumpRules(rules)))).toEqual(meaning(rules));
      }),
      { numRuns: 60 },
    );
  });

  it('leaves out what stands at its default, and folds what is short', () => {
    const text = dumpRules(load(rulesText({ access: '[{ deny: { path: { prefix: /ecp } } }, { allow: {} }]' })), {
      preamble: 'Kept by hand.',
    });
    expect(text).toBe(`# Kept by hand.

listen:
  - address: 127.0.0.1:443
    tls: { certificates: [ { cert: a.crt, key: a.key } ] }
upstreams:
  exchange:
    servers: [ https://127.0.0.3:443 ]
    rpcOverHttp: true
  apache:
    servers: [ http://127.0.0.1:8080 ]
access:
  - deny: { path: { prefix: /ecp } }
  - allow: {}
routes:
  - when: { path: { prefix: /owa } }
    to: exchange
  - to: apache
`);
  });

  it('writes a list that two rules share out in full, twice', () => {
    const hosts = ['a.test', 'b.test'];
    const rules = load(rulesText());
    rules.routes = [
      { when: { hosts }, to: 'exchange' },
      { when: { all: [{ hosts }] }, to: 'apache' },
    ];
    expect(dumpRules(rules)).not.toMatch(/[&*]a\d/);
  });

  it('publishes the schema that editors use', async () => {
    await expect(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`).toMatchFileSnapshot('../outrigger.schema.json');
  });
});
