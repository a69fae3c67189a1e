import { describe, expect, it } from 'vitest';
import { dumpRules, fallbackDecisions, http2Offer, loadRules } from './index.ts';
import { compileRules } from './route.ts';
import { type Asked, factsOf, findings, load, rulesText } from './testing/rules.ts';

const ROUTES = '[{ when: { path: { prefix: /owa } }, to: exchange, fallback: [apache, spare] }, { to: apache }]';
const UPSTREAMS =
  '{ exchange: { servers: [https://127.0.0.3], rpcOverHttp: true }, apache: { servers: [http://127.0.0.1:8080], requestHeaders: { remove: Authorization } }, spare: { servers: [https://127.0.0.4], rpcOverHttp: true, responseHeaders: { set: { X-Spare: yes } } } }';

/** Upstreams of the fallback, each with what keeps the request from it. */
function verdicts(text: string, asked: Asked): string[] {
  const rules = load(text);
  return fallbackDecisions(compileRules(rules), factsOf(rules, asked)).map(
    ({ upstream, access, refusal }) => `${upstream} ${access === 'deny' ? 'deny' : (refusal?.code ?? 'ok')}`,
  );
}

describe('the fallback of a route', () => {
  const text = rulesText({ upstreams: UPSTREAMS, routes: ROUTES });

  it('stands in order, and only on the route that has it', () => {
    expect(verdicts(text, { target: '/owa' })).toEqual(['apache ok', 'spare ok']);
    expect(verdicts(text, { target: '/' })).toEqual([]);
  });

  it('judges the request by the settings of each upstream', () => {
    expect(verdicts(text, { method: 'RPC_IN_DATA', target: '/owa' })).toEqual([
      'apache METHOD_NOT_TUNNELLED',
      'spare ok',
    ]);
    expect(verdicts(text, { target: '/owa/%00' })).toEqual(['apache ok', 'spare PATH_AMBIGUOUS']);
  });

  it('reads access lines as each upstream reads paths', () => {
    const guarded = rulesText({
      upstreams: UPSTREAMS,
      routes: ROUTES,
      access: '[{ deny: { path: { prefix: /owa/admin } } }, { allow: {} }]',
    });
    expect(verdicts(guarded, { target: '/owa/ADMIN' })).toEqual(['apache ok', 'spare deny']);
  });

  it('changes the fields that each upstream says', () => {
    const rules = load(text);
    const [apache, spare] = fallbackDecisions(compileRules(rules), factsOf(rules, { target: '/owa' }));
    expect([...(apache?.requestEdits?.removed ?? [])]).toEqual(['authorization']);
    expect([spare?.requestEdits, spare?.responseEdits?.added]).toEqual([undefined, [['X-Spare', 'yes']]]);
  });

  it('may be one name, and comes back as it was written', () => {
    const one = load(text.replace('[apache, spare]', 'apache'));
    expect(one.routes[0]?.fallback).toEqual([{ to: 'apache' }]);
    expect(dumpRules(one)).toContain('fallback: apache\n');
    const again = loadRules(dumpRules(load(text)), 'again.yaml').rules;
    expect(again?.routes[0]?.fallback).toEqual([{ to: 'apache' }, { to: 'spare' }]);
  });

  it('has upstreams for some requests of the route alone, each reading paths as its servers do', () => {
    const some = text.replace('[apache, spare]', '[{ when: { path: { prefix: /owa/a } }, to: apache }, spare]');
    expect(verdicts(some, { target: '/owa/a' })).toEqual(['apache ok', 'spare ok']);
    expect(verdicts(some, { target: '/owa/A' })).toEqual(['spare ok']);
    expect(dumpRules(load(some))).toContain('fallback: [ { when: { path: { prefix: /owa/a } }, to: apache }, spare ]');
  });

  it('keeps HTTP/2 from names whose fallback carries RPC', () => {
    const routes = '[{ when: { hosts: [a.test] }, to: apache, fallback: spare }, { to: apache }]';
    const rules = load(
      rulesText({
        upstreams: UPSTREAMS,
        routes: routes.replace('}, {', '}, { when: { hosts: [b.test] }, to: exchange }, {'),
      }),
    );
    const offered = (name: string): boolean => {
      const [listener] = rules.listen;
      return listener !== undefined && http2Offer(rules, listener, name).offered;
    };
    expect(['a.test', 'b.test', 'c.test'].map(offered)).toEqual([false, false, true]);
  });
});

describe('a fallback that is wrong', () => {
  const told = (routes: string, upstreams = UPSTREAMS): string[] => findings(rulesText({ upstreams, routes }));

  it('names an upstream that there is not', () => {
    expect(told('[{ to: exchange, fallback: [spare, apachee] }, { to: apache }]')[0]).toMatch(
      /there is no upstream apachee.*apache.*RULES_UNKNOWN_UPSTREAM/,
    );
  });

  it('asks in a condition for what no condition says', () => {
    expect(told('[{ to: exchange, fallback: [{ when: { clients: x }, to: spare }] }, { to: apache }]')[0]).toMatch(
      /x is not an address.*RULES_BAD_CLIENTS/,
    );
    expect(told('[{ to: exchange, fallback: [{ when: { methods: GET }, too: spare }] }, { to: apache }]')[0]).toMatch(
      /to is missing here/,
    );
  });

  it('tries one twice', () => {
    expect(told('[{ to: exchange, fallback: [spare, exchange, apache] }]')).toEqual([
      expect.stringMatching(/exchange is tried twice.*\[RULES_FALLBACK\]/),
    ]);
  });

  it('stands on a route that rewrites', () => {
    expect(
      told('[{ to: apache, fallback: spare, rewrite: { path: { from: /a, to: /b } } }, { to: exchange }]')[0],
    ).toMatch(/error: a route that rewrites has no fallback.*RULES_FALLBACK/);
  });

  it('takes logins of Exchange elsewhere, unless they are taken away', () => {
    const plain = UPSTREAMS.replace(', requestHeaders: { remove: Authorization }', '');
    const routes = '[{ to: exchange, fallback: [spare, apache] }]';
    expect(told(routes)).toEqual([]);
    expect(told(routes, plain)).toEqual([expect.stringMatching(/apache is no Exchange.*RULES_FALLBACK/)]);
  });
});
