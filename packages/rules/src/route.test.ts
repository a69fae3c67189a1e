import { describe, expect, it } from 'vitest';
import { compileRules, route } from './route.ts';
import { type Asked, factsOf, load, rulesText } from './testing/rules.ts';

/** `upstream` of an allowed request, `deny`, or the code of the refusal. */
function verdict(text: string, asked: Asked): string {
  const rules = load(text);
  const decision = route(compileRules(rules), factsOf(rules, asked));
  if (decision.access === 'deny') return 'deny';
  return decision.refusal?.code ?? decision.upstream ?? 'none';
}

/** Whether a request meets a condition. */
function holds(when: string, asked: Asked): boolean {
  return verdict(rulesText({ routes: `[{ when: ${when}, to: exchange }, { to: apache }]` }), asked) !== 'apache';
}

describe('hosts', () => {
  it.each([
    ['.contoso.com', 'contoso.com', true],
    ['.contoso.com', 'a.b.contoso.com', true],
    ['.contoso.com', 'notcontoso.com', false],
    ['.contoso.com', 'MAIL.CONTOSO.COM', true],
    ['.contoso.com', 'contoso.com.', true],
    ['.contoso.com', 'contoso.com:8080', true],
    ['contoso.com', 'mail.contoso.com', false],
    ["'*'", 'anything.example', true],
    ["['.contoso.com', '!old.contoso.com']", 'mail.contoso.com', true],
    ["['.contoso.com', '!old.contoso.com']", 'old.contoso.com', false],
    ["['!old.contoso.com']", 'other.example', true],
  ])('%s for %s: %s (as dstdomain, SQ-50 and SQ-51)', (hosts, host, expected) => {
    expect(holds(`{ hosts: ${hosts} }`, { host })).toBe(expected);
  });
});

describe('paths', () => {
  it.each([
    ['{ prefix: /rpc }', '/rpc', true],
    ['{ prefix: /rpc }', '/rpc/rpcproxy.dll?mbx1:6001', true],
    ['{ prefix: /rpc }', '/rpcfoo', false],
    ['{ prefix: /rpc }', '/RPC/x', true],
    ['{ prefix: /rpc, ignoreCase: false }', '/RPC/x', false],
    ['{ prefix: /rpc }', '/rpc;v=1/x', true],
    ['{ prefix: / }', '/anything', true],
    ['{ prefix: /caf\u00e9 }', '/caf%C3%A9/x', true],
    ['{ exact: /owa/ }', '/owa/', true],
    ['{ exact: /owa/ }', '/owa', false],
    ['{ regex: "^/(owa|ecp)(/|$)" }', '/ECP/x', true],
    ['{ regex: "^/(owa|ecp)(/|$)" }', '/owax', false],
    ['[{ prefix: /a }, { prefix: /b }]', '/b', true],
  ])('%s for %s: %s', (path, target, expected) => {
    expect(holds(`{ path: ${path} }`, { target })).toBe(expected);
  });

  it('keeps case apart for an upstream that does', () => {
    const text = rulesText({ routes: '[{ when: { path: { prefix: /blog } }, to: apache }, { to: exchange }]' });
    expect(verdict(text, { target: '/blog' })).toBe('apache');
    expect(verdict(text, { target: '/BLOG' })).toBe('exchange');
  });
});

describe('other conditions', () => {
  it.each([
    ['{ methods: [POST, PUT] }', { method: 'PUT' }, true],
    ['{ methods: [POST] }', { method: 'post' }, false],
    ["{ methods: ['!POST'] }", { method: 'GET' }, true],
    ['{ ports: 8443 }', { host: 'contoso.com:8443' }, true],
    ['{ ports: 443 }', { host: 'contoso.com' }, true],
    ['{ ports: [80, 8000-8443] }', { host: 'contoso.com:8443' }, true],
    ['{ ports: [80, 8000-8442] }', { host: 'contoso.com:8443' }, false],
    ['{ ports: 443-443 }', {}, true],
    ['{ clients: 192.0.2.0/24 }', { client: '::ffff:192.0.2.9' }, true],
    ["{ clients: ['192.0.2.0/24', '!192.0.2.9'] }", { client: '192.0.2.9' }, false],
    ['{ clients: 192.0.2.1-192.0.2.5 }', { client: '192.0.2.6' }, false],
    ['{ connectsFrom: 192.0.2.7 }', {}, true],
    ['{ connectsFrom: 10.0.0.0/8 }', { client: '192.0.2.7', connectsFrom: '10.0.0.5' }, true],
    ['{ connectsFrom: 192.0.2.7 }', { client: '192.0.2.7', connectsFrom: '10.0.0.5' }, false],
    ["{ connectsFrom: '!10.0.0.5', clients: 192.0.2.7 }", { client: '192.0.2.7', connectsFrom: '10.0.0.5' }, false],
    [
      "{ connectsFrom: '!10.0.0.5', clients: 192.0.2.7 }",
      { client: '192.0.2.7', connectsFrom: '::ffff:10.0.0.6' },
      true,
    ],
    ['{ connectionsOver: 60 }', { connections: 60 }, false],
    ['{ connectionsOver: 60 }', { connections: 61 }, true],
    ['{ listeners: "127.0.0.1:443" }', {}, true],
    ["{ listeners: '!127.0.0.1:443' }", {}, false],
    ['{ headers: [{ name: user-agent, regex: ^MSRPC$ }] }', { fields: [['User-Agent', 'MSRPC']] }, true],
    ['{ headers: [{ name: user-agent, regex: msrpc, ignoreCase: true }] }', {}, false],
    [
      '{ headers: [{ name: x-a, regex: "^1, 2$" }] }',
      {
        fields: [
          ['X-A', '1'],
          ['x-a', '2'],
        ],
      },
      true,
    ],
    ['{ url: { regex: "^https://contoso.com/A b" } }', { target: '/A%20b' }, true],
    ['{ url: [{ regex: one }, { regex: TWO, ignoreCase: true }] }', { target: '/two' }, true],
    ['{ url: [{ regex: ONE }, { regex: TWO, ignoreCase: true }] }', { target: '/one' }, false],
    ['{ url: { regex: "a.b" } }', { target: '/a%0Ab' }, true],
    ['{ any: [{ methods: GET, ports: 1 }, { methods: GET }] }', {}, true],
    ['{ all: [{ methods: GET }, { not: { hosts: contoso.com } }] }', {}, false],
    ['{ methods: GET, not: { path: { prefix: /x } } }', { target: '/y' }, true],
  ] as [string, Asked, boolean][])('%s: %j is %s', (when, asked, expected) => {
    expect(holds(when, asked)).toBe(expected);
  });
});

describe('access', () => {
  const text = rulesText({
    access:
      "[{ deny: { path: { prefix: /ecp }, clients: ['!10.0.0.0/8'] }, answer: reset }, { allow: { hosts: .contoso.com } }]",
    routes: '[{ when: { hosts: mail.contoso.com }, to: exchange }, { to: apache }]',
  });
  const host = 'mail.contoso.com';

  it.each([
    '/ecp',
    '//ecp',
    '/./ecp',
    '/rpc/../ecp',
    '/%65cp',
    '/ECP',
    '/ecp;x',
    '/ecp/',
    '/a\\..\\ecp',
    '/%2e%2e/eCp/x',
    '/x%2f..%2fecp',
    '/ecp%2fx',
  ])('a deny line on /ecp holds for %s', (target) => {
    expect(verdict(text, { host, target })).toBe('deny');
  });

  it('lets the excepted client through', () => {
    expect(verdict(text, { host, target: '/ecp', client: '10.1.2.3' })).toBe('exchange');
  });

  it('denies what no line matches', () => {
    const rules = load(text);
    const decision = route(compileRules(rules), factsOf(rules, { host: 'foreign.example' }));
    expect(decision).toMatchObject({ access: 'deny', answer: 'forbidden', upstream: 'apache' });
    expect(decision.accessLine).toBeUndefined();
  });

  it('names the line that decided, and how its denial is answered', () => {
    const rules = load(text);
    const decision = route(compileRules(rules), factsOf(rules, { host, target: '/ecp' }));
    expect(decision).toMatchObject({
      access: 'deny',
      answer: 'reset',
      accessLine: { at: { line: 3 } },
      route: { at: { line: 4 } },
    });
    expect(decision.refusal).toBeUndefined();
  });

  it('reads the path as the chosen server does: another case is another page to Apache', () => {
    expect(verdict(text, { host: 'www.contoso.com', target: '/ECP' })).toBe('apache');
    expect(verdict(text, { host: 'www.contoso.com', target: '/ecp' })).toBe('deny');
  });
});

describe('refusals', () => {
  it.each(['RPC_IN_DATA', 'RPC_OUT_DATA', 'RPC_CONNECT', 'RPC_ECHO_DATA', 'RDG_IN_DATA', 'RDG_OUT_DATA'])(
    '%s is tunnelled only to an upstream with rpcOverHttp',
    (method) => {
      expect(verdict(rulesText(), { method, target: '/owa' })).toBe('exchange');
      expect(verdict(rulesText(), { method, target: '/site' })).toBe('METHOD_NOT_TUNNELLED');
    },
  );

  it('still names the upstream that was chosen', () => {
    const rules = load(rulesText());
    const decision = route(compileRules(rules), factsOf(rules, { method: 'RPC_IN_DATA' }));
    expect(decision).toMatchObject({ access: 'allow', upstream: 'apache', lane: 'relay', refusal: { status: 405 } });
  });

  it('tells a request no route matches', () => {
    expect(verdict(rulesText({ routes: '[{ when: { hosts: a.test }, to: apache }]' }), {})).toBe('NO_ROUTE');
  });

  it('refuses a path with two readings for Exchange, and passes it to Apache', () => {
    expect(verdict(rulesText(), { target: '/owa/a%2Fb' })).toBe('PATH_AMBIGUOUS');
    expect(verdict(rulesText(), { target: '/a%2Fb' })).toBe('apache');
  });

  it('passes such a path where the upstream says so', () => {
    const upstreams = '{ exchange: { servers: [https://a:443], rpcOverHttp: true, ambiguousPaths: pass } }';
    expect(verdict(rulesText({ upstreams, routes: '[{ to: exchange }]' }), { target: '/owa%00' })).toBe('exchange');
  });
});

describe('lanes', () => {
  it('rewrites only on routes that say so, and never a tunnel method', () => {
    const rules = load(rulesText({ routes: '[{ to: exchange, rewrite: { path: { from: /a, to: /b } } }]' }));
    const compiled = compileRules(rules);
    expect(route(compiled, factsOf(rules, { target: '/a' })).lane).toBe('rewrite');
    expect(route(compiled, factsOf(rules, { target: '/a', method: 'RPC_IN_DATA' })).lane).toBe('relay');
    expect(route(compileRules(load(rulesText())), factsOf(rules, {})).lane).toBe('relay');
  });
});

it('never backtracks: a pattern that hangs other engines is linear here', () => {
  const text = rulesText({ routes: '[{ when: { url: { regex: "(a+)+$" } }, to: exchange }, { to: apache }]' });
  // 50,000 letters would keep a backtracking engine busy for longer than the age of the universe.
  expect(verdict(text, { target: `/${'a'.repeat(50_000)}!` })).toBe('apache');
});
