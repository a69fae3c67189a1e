import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Condition } from './condition.ts';
import { http2Offer } from './http2.ts';
import type { LocalTime } from './localtime.ts';
import { compileRules, fallbackDecisions, route } from './route.ts';
import type { Listener, RuleSet } from './schema.ts';
import { factsOf, load, rulesText } from './testing/rules.ts';

function offer(text: string, name: string): ReturnType<typeof http2Offer> {
  const rules = load(text);
  return http2Offer(rules, rules.listen[0] as Listener, name);
}

/** A rules file with these routes. */
const routed = (routes: string): string => rulesText({ routes });
const listening = (tls: string): string =>
  rulesText({
    listen: `[{ address: 127.0.0.1:443, tls: { certificates: [{ cert: a.crt, key: a.key }]${tls} } }]`,
    routes: '[{ to: apache }]',
    upstreams: '{ apache: { servers: [http://127.0.0.1:8080] } }',
  });

describe('http2Offer', () => {
  it.each([
    ['a route bound to another host', '[{ when: { hosts: mail.contoso.com }, to: exchange }, { to: apache }]'],
    ['a route bound to a domain', '[{ when: { hosts: .contoso.com }, to: exchange }, { to: apache }]'],
    ['a host and a path of it', '[{ when: { hosts: mail.x, path: { prefix: /rpc } }, to: exchange }, { to: apache }]'],
    ['a negated host', '[{ when: { hosts: ["!www.example.org"] }, to: exchange }, { to: apache }]'],
    ['not', '[{ when: { not: { hosts: www.example.org } }, to: exchange }, { to: apache }]'],
    [
      'any',
      '[{ when: { any: [{ hosts: a.x }, { hosts: b.x, url: { regex: /owa } }] }, to: exchange }, { to: apache }]',
    ],
    ['all', '[{ when: { all: [{ url: { regex: /owa } }, { hosts: b.x }] }, to: exchange }, { to: apache }]'],
    ['a route before it that takes all', '[{ when: { hosts: .example.org }, to: apache }, { to: exchange }]'],
  ])('offers it where %s keeps the name from Exchange', (_what, routes) => {
    expect(offer(routed(routes), 'www.example.org')).toEqual({ offered: true });
    expect(offer(routed(routes), 'WWW.example.ORG.')).toEqual({ offered: true });
  });

  it.each([
    ['a route for all hosts', '[{ when: { path: { prefix: /owa } }, to: exchange }, { to: apache }]', 0],
    [
      'a URL pattern, whatever it says',
      '[{ when: { url: { regex: ^https://mail/ } }, to: exchange }, { to: apache }]',
      0,
    ],
    ['its own name', '[{ when: { hosts: www.example.org }, to: exchange }, { to: apache }]', 0],
    ['not, of what only some requests are', '[{ when: { not: { methods: GET } }, to: exchange }, { to: apache }]', 0],
    ['one of any', '[{ when: { any: [{ hosts: a.x }, { clients: 10.0.0.0/8 }] }, to: exchange }]', 0],
    ['a route behind one that takes a part', '[{ when: { path: { prefix: /a } }, to: apache }, { to: exchange }]', 1],
  ])('withholds it, and names the route, where %s may lead to Exchange', (_what, routes, index) => {
    expect(offer(routed(routes), 'www.example.org')).toMatchObject({
      offered: false,
      because: 'rpc',
      route: { at: { line: 4 }, to: 'exchange' },
    });
    expect(load(routed(routes)).routes[index]?.to).toBe('exchange');
  });

  it('knows on which listener a client is', () => {
    const listen =
      '[{ address: 127.0.0.1:443, name: a, tls: { certificates: [{ cert: c, key: k }] } }, { address: 127.0.0.1:444, name: b }]';
    const routes = '[{ when: { listeners: b }, to: exchange }, { to: apache }]';
    expect(offer(rulesText({ listen, routes }), 'x.test')).toEqual({ offered: true });
    const mine = routes.replace('listeners: b', 'listeners: a');
    expect(offer(rulesText({ listen, routes: mine }), 'x.test')).toMatchObject({ because: 'rpc' });
  });

  it.each([
    ['off', ', http2: false', 'x.test'],
    ['tls', ', ciphers: AES128-SHA', 'x.test'],
    ['tls', ", minVersion: '1.0', maxVersion: '1.1', http2: true", 'x.test'],
    ['nameless', '', ''],
  ])('says %s where%s and name %j', (because, tls, name) => {
    expect(offer(listening(tls), name)).toEqual({ offered: false, because });
  });

  it('offers it in spite of own ciphers where the rules say so', () => {
    expect(offer(listening(', ciphers: AES128-GCM-SHA256, http2: true'), 'x.test')).toEqual({ offered: true });
  });

  it('is not offered without TLS', () => {
    const listen = '[{ address: 127.0.0.1:80 }]';
    expect(offer(rulesText({ listen }), 'x.test')).toEqual({ offered: false, because: 'plain' });
  });
});

const host = fc.constantFrom('a.test', 'b.test', 'www.a.test');
const entry = fc.constantFrom('a.test', 'b.test', '.a.test', '*', '!a.test', '!.a.test', '!b.test');
const leaf = fc.record(
  {
    hosts: fc.array(entry, { minLength: 1, maxLength: 2 }),
    path: fc.constantFrom([{ prefix: '/owa' }], [{ regex: 'x' }]),
    methods: fc.constantFrom(['GET'], ['!GET']),
    url: fc.constantFrom([{ regex: 'a.test/' }], [{ regex: '^https://b' }]),
    ports: fc.constantFrom([443], [8443]),
    time: fc.constantFrom([{ to: '11:59' }], [{ from: '12:00' }]),
    listeners: fc.constantFrom(['127.0.0.1:443'], ['!127.0.0.1:443']),
  },
  { requiredKeys: [] },
);
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.record({ any: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ all: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ not: tie('condition') }),
  ) as fc.Arbitrary<Condition>,
}));
const destination = fc.constantFrom('exchange', 'apache');
const standIn = fc.record({ to: destination, when: condition }, { requiredKeys: ['to'] });
const routes = fc.array(
  fc.record(
    { when: condition, to: destination, fallback: fc.array(standIn, { minLength: 1, maxLength: 2 }) },
    { requiredKeys: ['when', 'to'] },
  ),
  { minLength: 1, maxLength: 5 },
);
const request = fc.record({
  method: fc.constantFrom('GET', 'POST', 'RPC_IN_DATA'),
  target: fc.constantFrom('/', '/owa/x', '/owa?x', '/a.test/', '//owa'),
  port: fc.constantFrom('', ':443', ':8443'),
  time: fc.constantFrom({ day: 'mon', minute: 0 }, { day: 'sun', minute: 900 }) as fc.Arbitrary<LocalTime>,
});

it('never offers it for a host of which any request is routed to Exchange', () => {
  const rules: RuleSet = load(rulesText());
  fc.assert(
    fc.property(routes, host, fc.array(request, { minLength: 8, maxLength: 8 }), (given, name, requests) => {
      const ruleSet = { ...rules, routes: given };
      fc.pre(http2Offer(ruleSet, rules.listen[0] as Listener, name).offered);
      const compiled = compileRules(ruleSet);
      for (const { port, ...asked } of requests) {
        const facts = factsOf(ruleSet, { ...asked, host: `${name}${port}` });
        const reached = [route(compiled, facts), ...fallbackDecisions(compiled, facts)];
        expect(reached.map(({ upstream }) => upstream)).not.toContain('exchange');
      }
    }),
    { numRuns: 500 },
  );
});
