import { describe, expect, it } from 'vitest';
import { findings, load, rulesText } from './testing/rules.ts';
import { timeoutsOf } from './timeouts.ts';

const UPSTREAMS =
  '{ exchange: { servers: [https://127.0.0.3:443], rpcOverHttp: true, timeouts: { answer: 20m } }, apache: { servers: ["http://a:1"] } }';

describe('timeoutsOf', () => {
  it('takes what the route says, and the rest from the upstream', () => {
    const rules = load(
      rulesText({
        upstreams: UPSTREAMS,
        routes: '[{ when: { path: { prefix: /owa } }, to: exchange, timeouts: { idle: 2m } }, { to: apache }]',
      }),
    );
    const [first] = rules.routes;
    const exchange = rules.upstreams.get('exchange');
    if (exchange === undefined) throw new Error('the rules of this test have an exchange');
    expect(timeoutsOf(exchange, first)).toEqual({ answer: 1_200_000, idle: 120_000, tunnelIdle: 36_000_000 });
    expect(timeoutsOf(exchange)).toMatchObject({ answer: 1_200_000, idle: 3_900_000 });
  });

  it('leaves connecting to the upstream', () => {
    const text = rulesText({ routes: '[{ to: exchange, timeouts: { connect: 1s } }]' });
    expect(findings(text).join('\n')).toMatch(/connect.*\[RULES_UNKNOWN_KEY\]/);
  });
});

describe('a limit that cuts polls of ActiveSync', () => {
  const SHORT = UPSTREAMS.replace('20m', '5m');
  const found = (routes: string, upstreams = UPSTREAMS): string =>
    findings(rulesText({ routes, upstreams }))
      .filter((line) => line.includes('RULES_SHORT_WAIT'))
      .join('\n');

  it.each([
    [
      'its own route',
      '[{ when: { path: { prefix: /microsoft-server-activesync } }, to: exchange, timeouts: { answer: 90s } }]',
    ],
    ['a route of everything to Exchange', '[{ to: exchange, timeouts: { idle: 14m } }]'],
    [
      'a route of one host',
      '[{ when: { hosts: .contoso.com }, to: exchange, timeouts: { answer: 1m } }, { to: apache }]',
    ],
    [
      'a route by URL, as imports write it',
      "[{ when: { url: { regex: 'contoso\\.com/Microsoft-Server-ActiveSync', ignoreCase: true } }, to: apache, timeouts: { answer: 1m } }]",
    ],
  ])('is told of %s', (_, routes) => {
    expect(found(routes)).toMatch(/^outrigger\.yaml:4:\d+: warning: \d+[ms] ends the polls of phones/);
  });

  it('is told of the upstream where that sets it', () => {
    expect(found('[{ to: exchange }]', SHORT)).toMatch(/^outrigger\.yaml:2:\d+: warning: 5m ends the polls of phones/);
  });

  it('is told once where several routes have it from their upstream', () => {
    const routes = '[{ when: { hosts: a.test }, to: exchange }, { to: exchange }]';
    expect(found(routes, SHORT).split('\n')).toHaveLength(1);
  });

  it('is told of channels, too, wherever a route leads to Exchange', () => {
    const routes = '[{ when: { path: { prefix: /rpc } }, to: exchange, timeouts: { tunnelIdle: 5m } }, { to: apache }]';
    expect(found(routes)).toMatch(/^outrigger\.yaml:4:\d+: warning: 5m ends channels that Outlook keeps open/);
  });

  it.each([
    ['15 minutes', '[{ to: exchange, timeouts: { answer: 15m } }]', UPSTREAMS],
    [
      'another path',
      '[{ when: { path: { prefix: /owa } }, to: exchange, timeouts: { answer: 1m } }, { to: exchange }]',
      UPSTREAMS,
    ],
    ['websites', '[{ to: apache, timeouts: { answer: 1m } }, { to: exchange }]', UPSTREAMS],
    [
      'a longer one on the route before',
      '[{ when: { path: { prefix: /Microsoft-Server-ActiveSync } }, to: exchange, timeouts: { answer: 65m, idle: 65m } }, { to: exchange }]',
      SHORT,
    ],
  ])('is not told of %s', (_, routes, upstreams) => {
    expect(found(routes, upstreams)).toBe('');
  });
});
