import { describe, expect, it } from 'vitest';
import { loadRules } from './load.ts';
import { findings, load, rulesText } from './testing/rules.ts';

describe('a rules file of the right shape', () => {
  it('gets its defaults', () => {
    const rules = load(rulesText());
    expect(rules.upstreams.get('exchange')).toMatchObject({
      rpcOverHttp: true,
      frontEndHttps: false,
      timeouts: { connect: 10_000, answer: 3_900_000, idle: 3_900_000, tunnelIdle: 36_000_000 },
    });
    expect(rules.limits).toEqual({
      requestLine: 65_536,
      head: 131_072,
      headTime: 60_000,
      keepAlive: 180_000,
      connectionsPerClient: 4_096,
      waitingConnections: 4_096,
    });
    expect(rules.tunnelMethods).toContain('RPC_ECHO_DATA');
  });

  it('takes one value where a list may stand', () => {
    const [first] = load(
      rulesText({ routes: '[{ when: { hosts: a.test, path: { prefix: /x } }, to: exchange }, { to: apache }]' }),
    ).routes;
    expect(first?.when).toEqual({ hosts: ['a.test'], path: [{ prefix: '/x' }] });
  });

  it('keeps the place of each rule and the lines it came from', () => {
    const text = `${rulesText({ routes: '' })}  # from /etc/squid/squid.conf:26 cache_peer_access web deny exch_url\n  # from conf.d/a.conf:3 acl x url_regex a:9 b (included from squid.conf:7)\n  - to: exchange\n  # a person's own words\n  - to: apache\n`;
    const [first, second] = load(text).routes;
    expect(first).toMatchObject({
      at: { file: 'outrigger.yaml', line: 7, column: 5 },
      from: [
        { file: '/etc/squid/squid.conf', line: 26, directive: 'cache_peer_access web deny exch_url' },
        { file: 'conf.d/a.conf', line: 3, directive: 'acl x url_regex a:9 b', via: { file: 'squid.conf', line: 7 } },
      ],
    });
    expect(second?.from).toBeUndefined();
  });
});

describe('errors name the place, the finding and the way out', () => {
  it.each([
    [
      'an unknown key',
      rulesText({ routes: '[{ when: { hots: a.test }, to: apache }]' }),
      /^outrigger.yaml:4:20: error: hots is not a key here. Did you mean hosts\? \[RULES_UNKNOWN_KEY\]$/,
    ],
    [
      'an unknown key far from all',
      rulesText({ routes: '[{ zzzzzz: 1, to: apache }]' }),
      /Known here: when, to, fallback, timeouts, rewrite, requestHeaders, responseHeaders\. \[RULES_UNKNOWN_KEY\]/,
    ],
    [
      'an unknown key deep in a negation',
      rulesText({ access: '[{ deny: { not: { any: [{ metods: GET }] } } }]' }),
      /:3:\d+: error: metods is not a key here. Did you mean methods/,
    ],
    [
      'a path condition of two kinds',
      rulesText({ routes: '[{ when: { path: {} }, to: apache }]' }),
      /exactly one of prefix, exact or regex/,
    ],
    [
      'a missing key',
      rulesText({ listen: '[{ tls: { certificates: [{ cert: a, key: b }] } }]' }),
      /:1:\d+: error: address is missing here \[RULES_SHAPE\]/,
    ],
    [
      'a value of the wrong kind',
      rulesText({
        upstreams:
          '{ exchange: { servers: ["https://a:1"], timeouts: { idle: 5 } }, apache: { servers: ["http://a:1"] } }',
      }),
      /:2:\d+: error: idle must be a string/,
    ],
    [
      'a duration without a unit',
      rulesText({
        upstreams:
          '{ exchange: { servers: ["https://a:1"], timeouts: { idle: "5" } }, apache: { servers: ["http://a:1"] } }',
      }),
      /a duration is a whole number and a unit/,
    ],
    ['an access line that neither allows nor denies', rulesText({ access: '[{ permit: {} }]' }), /holds allow or deny/],
    [
      'an unquoted negation',
      rulesText({ access: '[{ deny: { clients: !10.0.0.0/8 } }]' }),
      /:3:\d+: error: YAML reads .* Put it in quotes/,
    ],
    ['an unquoted star', rulesText({ access: '[{ allow: { hosts: * } }]' }), /Put it in quotes/],
    [
      'an upstream nobody defined',
      rulesText({ routes: '[{ to: exchnge }, { to: apache }]' }),
      /there is no upstream exchnge. Did you mean exchange\?/,
    ],
    [
      'a listener nobody defined',
      rulesText({ routes: '[{ when: { listeners: "127.0.0.1:444" }, to: exchange }, { to: apache }]' }),
      /there is no listener 127.0.0.1:444. Did you mean 127.0.0.1:443\?/,
    ],
    [
      'an address that is none',
      rulesText({ listen: '[{ address: 443 port }]' }),
      /443 port is not an address to listen on/,
    ],
    [
      'a server with a path',
      rulesText({ upstreams: '{ exchange: { servers: ["https://a/x"] }, apache: { servers: ["http://a:1"] } }' }),
      /https:\/\/a\/x is not a server/,
    ],
    [
      'a name for TLS that is none',
      rulesText({
        upstreams:
          '{ exchange: { servers: [https://a], tls: { sni: 10.1.1.14 } }, apache: { servers: ["http://a:1"] } }',
      }),
      /10\.1\.1\.14 is no name that can be sent in TLS.*RULES_BAD_TLS/,
    ],
    [
      'an address to connect from that is none',
      rulesText({ access: '[{ allow: { connectsFrom: lb1 } }]' }),
      /lb1 is not an address.*RULES_BAD_CLIENTS/,
    ],
    [
      'a client that is no address',
      rulesText({ access: '[{ allow: { clients: localhost } }]' }),
      /localhost is not an address/,
    ],
    [
      'a pattern with a back-reference',
      rulesText({ routes: '[{ when: { url: { regex: "(a)\\\\1" } }, to: exchange }, { to: apache }]' }),
      /not a pattern of the RE2 dialect/,
    ],
    [
      'a range of ports that ends before it begins',
      rulesText({ access: '[{ deny: { ports: 90-80 } }]' }),
      /two of them: 8000-8999/,
    ],
    [
      'a path as it is spelled on the wire',
      rulesText({ access: '[{ deny: { path: { prefix: /a%20b } } }]' }),
      /never matches: conditions see the path decoded/,
    ],
    [
      'a host with a port',
      rulesText({ access: '[{ deny: { hosts: "a.test:443" } }]' }),
      /never matches: a host is a name without/,
    ],
    [
      'an endpoint without a port',
      rulesText({
        upstreams:
          '{ exchange: { servers: ["https://a:1"], rpcOverHttp: true, rpcEndpoints: [mbx1] }, apache: { servers: ["http://a:1"] } }',
      }),
      /:2:\d+: error: mbx1 is not an RPC endpoint. Write mbx1:6001.*RULES_BAD_ENDPOINT/,
    ],
    ['a host with a star inside', rulesText({ access: '[{ deny: { hosts: "*.a.test" } }]' }), /write \.a\.test/],
    [
      'a name that would reach into the runtime',
      rulesText({ upstreams: '{ __proto__: { servers: ["http://a:1"] } }', routes: '[{ to: apache }]' }),
      /error/,
    ],
  ])('%s', (_, text, expected) => {
    const { rules } = loadRules(text, 'outrigger.yaml');
    expect(rules).toBeUndefined();
    expect(findings(text).join('\n')).toMatch(expected);
  });

  it('never throws, whatever the text is', () => {
    for (const text of [
      '',
      'a',
      '[]',
      '{',
      '\0',
      '- &a [*a]',
      'a: &x [1]\nb: *y',
      `a: ${'['.repeat(200)}`,
      '? [a]\n: b',
    ]) {
      expect(loadRules(text, 'x').rules).toBeUndefined();
      expect(loadRules(text, 'x').diagnostics.length).toBeGreaterThan(0);
    }
  });
});

describe('warnings about what works and is dangerous', () => {
  it.each([
    ['no access line', rulesText({ access: '[]' }), /every request is denied.*\[RULES_NO_ACCESS\]/],
    [
      'a rule behind one that always holds',
      rulesText({ access: '[{ allow: {} }, { deny: { hosts: a.test } }]' }),
      /:3:\d+: warning: this access line can never match/,
    ],
    [
      'Exchange over plain HTTP',
      rulesText({
        upstreams: '{ exchange: { servers: ["http://a:80"], rpcOverHttp: true }, apache: { servers: ["http://a:1"] } }',
      }),
      /Extended Protection/,
    ],
    [
      'a server nobody checks',
      rulesText({
        upstreams:
          '{ exchange: { servers: ["https://a:1"], tls: { verify: false } }, apache: { servers: ["http://a:1"] } }',
      }),
      /RULES_TLS_UNVERIFIED/,
    ],
    [
      'endpoints of an upstream without tunnels',
      rulesText({
        upstreams:
          '{ exchange: { servers: ["https://a:1"], rpcEndpoints: "*:6001" }, apache: { servers: ["http://a:1"] } }',
      }),
      /no tunnel leads to exchange.*RULES_UNUSED_ENDPOINTS/,
    ],
    ['an upstream without a route', rulesText({ routes: '[{ to: apache }]' }), /no route leads to upstream exchange/],
  ])('%s', (_, text, expected) => {
    expect(loadRules(text, 'outrigger.yaml').rules).toBeDefined();
    expect(findings(text).join('\n')).toMatch(expected);
  });
});
