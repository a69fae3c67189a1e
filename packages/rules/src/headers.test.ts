import { describe, expect, it } from 'vitest';
import { compileRules, dumpRules, type HeaderEdits, route } from './index.ts';
import { type Asked, factsOf, findings, load, rulesText } from './testing/rules.ts';

const upstreams = (settings: string): string => `{ apache: { servers: [http://127.0.0.1:8080], ${settings} } }`;
const changing = (changes: string, onRoute = ''): string =>
  rulesText({ upstreams: upstreams(`requestHeaders: ${changes}`), routes: `[{ to: apache${onRoute} }]` });

function editsFor(text: string, asked: Asked = {}): HeaderEdits | undefined {
  const rules = load(text);
  return route(compileRules(rules), factsOf(rules, asked)).requestEdits;
}

describe('what header changes come to', () => {
  it('is nothing where there are none, and where none holds', () => {
    expect(editsFor(rulesText())).toBeUndefined();
    expect(editsFor(changing('{ when: { methods: PUT }, remove: A }'))).toBeUndefined();
  });

  it('is lines that go, and lines that come last', () => {
    expect(editsFor(changing('{ remove: [A], set: { B: x }, add: { C: [y, z] } }'))).toEqual({
      removed: new Set(['a', 'b']),
      replaced: new Map(),
      added: [
        ['B', 'x'],
        ['C', 'y'],
        ['C', 'z'],
      ],
    });
  });

  it('goes in order: upstream, then route; the last set wins, whatever its case', () => {
    const text = changing('[{ set: { A: one } }, { add: { A: two } }]', ', requestHeaders: { set: { a: three } }');
    expect(editsFor(text)).toEqual({
      removed: new Set(['a']),
      replaced: new Map(),
      added: [['a', 'three']],
    });
  });

  it('is fields that stay, those of body and connection always among them', () => {
    const { kept, removed } = editsFor(changing('{ keep: [Accept, X-A] }')) ?? {};
    expect([...(kept ?? [])].sort()).toEqual([
      'accept',
      'connection',
      'content-length',
      'expect',
      'host',
      'http2-settings',
      'keep-alive',
      'proxy-connection',
      'te',
      'trailer',
      'transfer-encoding',
      'upgrade',
      'x-a',
    ]);
    expect(removed).toEqual(new Set());
    expect(editsFor(changing('{ keep: [] }'))?.kept?.has('accept')).toBe(false);
  });

  it('keeps what every change keeps, and of what was put in before what is kept', () => {
    const text = changing('[{ set: { A: one, B: two } }, { keep: [A, C] }, { add: { D: three } }, { keep: [A, D] }]');
    const { kept, added } = editsFor(text) ?? {};
    expect(['a', 'c', 'd', 'host'].map((name) => kept?.has(name))).toEqual([true, false, false, true]);
    expect(added).toEqual([
      ['A', 'one'],
      ['D', 'three'],
    ]);
  });

  it('is another value for what is there, and for what was put in before', () => {
    const text = changing("[{ add: { A: one } }, { replace: { a: '{host}', B: x } }, { add: { B: two } }]");
    expect(editsFor(text, { host: 'contoso.com' })).toEqual({
      removed: new Set(),
      replaced: new Map([
        ['a', 'contoso.com'],
        ['b', 'x'],
      ]),
      added: [
        ['A', 'contoso.com'],
        ['B', 'two'],
      ],
    });
  });

  it('tells values of the request, each from its facts alone', () => {
    const text = changing("{ set: { X: '{client} {host} {port} {scheme} {method} {target} {url} {{x}}' } }");
    expect(editsFor(text, { method: 'PUT', target: '/a?b', host: 'Contoso.COM:8443' })?.added).toEqual([
      ['X', '192.0.2.7 contoso.com 8443 https PUT /a?b https://contoso.com:8443/a?b {x}'],
    ]);
  });

  it('reads paths in conditions as the server behind does', () => {
    const text = changing('{ when: { path: { prefix: /owa } }, remove: A }').replace(
      'servers:',
      'ignoreCase: true, servers:',
    );
    expect(editsFor(text, { target: '/OWA/x' })?.removed).toEqual(new Set(['a']));
  });
});

describe('header changes in a rules file', () => {
  it.each<[string, RegExp]>([
    [
      '{ set: { Content-Length: "1" } }',
      /Content-Length cannot be changed. It says how the body comes.*RULES_BAD_HEADER/,
    ],
    ['{ remove: [host] }', /host cannot be changed. Set host of the upstream instead.*RULES_BAD_HEADER/],
    ['{ add: { Connection: close } }', /Connection cannot be changed/],
    ...['Transfer-Encoding', 'Upgrade', 'TE', 'Trailer', 'Keep-Alive', 'Expect'].map((name): [string, RegExp] => [
      `{ remove: ${name} }`,
      /cannot be changed/,
    ]),
    ['{ set: { A: "x\\r\\nB: y" } }', /one line of visible characters.*RULES_SHAPE/],
    ['{ set: { A: "x\\0" } }', /one line of visible characters/],
    ['{ set: { A: "x " } }', /one line of visible characters/],
    ['{ set: { "A B": x } }', /a field name is letters/],
    ['{ set: { A: "{user}" } }', /\{user\} is not known here; there are \{client\}.*RULES_BAD_HEADER/],
    ['{ set: { A: "{client,5}" } }', /\{client,5\} is not known here/],
    ['{ set: { A: "{" } }', /is no placeholder/],
    ['{ when: {} }', /this changes nothing. Give keep, remove, replace, set or add/],
    ['{ when: { clients: x }, remove: A }', /x is not an address.*RULES_BAD_CLIENTS/],
    ['{ replace: { Host: x } }', /Host cannot be changed/],
    ['{ replace: { A: "{user}" } }', /\{user\} is not known here/],
    ['{ keep: "A B" }', /a field name is letters/],
    ['{ unset: A }', /unset is not a key here/],
  ])('%s', (changes, finding) => {
    expect(findings(changing(changes)).join('\n')).toMatch(finding);
  });

  it('warn where nobody could log in at Exchange', () => {
    const exchange = (changes: string): string =>
      rulesText({
        upstreams: `{ exchange: { servers: [https://10.1.1.14], rpcOverHttp: true, ${changes} } }`,
        routes: '[{ to: exchange }]',
      });
    const found = findings(exchange('requestHeaders: { keep: Accept }, responseHeaders: { keep: [Server] }')).join(
      '\n',
    );
    expect(found).toMatch(/Authorization is not among the fields that stay.*RULES_NO_LOGIN/);
    expect(found).toMatch(/WWW-Authenticate is not among the fields that stay.*RULES_NO_LOGIN/);
    const well = 'requestHeaders: [{ keep: [authorization] }, { when: { methods: PUT }, keep: [] }]';
    expect(findings(exchange(well)).join('\n')).not.toMatch(/RULES_NO_LOGIN/);
    expect(findings(changing('{ keep: [] }')).join('\n')).not.toMatch(/RULES_NO_LOGIN/);
  });

  it('are found on routes and in answers as well', () => {
    const text = rulesText({ routes: '[{ to: apache, responseHeaders: { remove: Trailer } }]' });
    expect(findings(text).join('\n')).toMatch(/^outrigger.yaml:4:\d+: error: Trailer cannot be changed/m);
  });

  it('come back from a dump as they went', () => {
    const text = changing(
      "[{ when: { path: { prefix: /a } }, remove: [A, B] }, { set: { C: '{client}' }, add: { D: [x, y], E: z } }, { keep: [] }, { keep: [A], replace: { A: b } }]",
      ', responseHeaders: { remove: Server, keep: Server }',
    );
    const rules = load(text);
    const again = load(dumpRules(rules));
    expect(again.upstreams.get('apache')?.requestHeaders).toEqual(rules.upstreams.get('apache')?.requestHeaders);
    expect(again.routes[0]?.responseHeaders).toEqual(rules.routes[0]?.responseHeaders);
  });
});

describe('X-Forwarded-For in a rules file', () => {
  const policy = (value: string): string[] =>
    findings(rulesText({ upstreams: upstreams(`forwardedFor: ${value}`), routes: '[{ to: apache }]' }));

  it('may be replaced, removed or hidden, and warns where clients are believed', () => {
    for (const value of ['replace', 'remove', 'unknown']) expect(policy(value)).toEqual([]);
    expect(policy('pass')).toEqual([
      expect.stringMatching(/a server that believes it believes anybody.*RULES_BELIEVES_CLIENTS/),
    ]);
    expect(policy('transparent').join()).toMatch(/RULES_SHAPE/);
  });
});
