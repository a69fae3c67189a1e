import { APACHE_DIFFERENCES, importApache, memoryReader } from '@outrigger/importer';
import { compileRules } from '@outrigger/rules';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { apacheAnnouncements } from './announcements.ts';
import { compareOutcomes, isAnnounced, type Knowledge, respellingsOf } from './compare.ts';
import { factsOf } from './comparison.ts';
import { pairEntrances } from './mapped.ts';
import type { Outcome, Probe, Reached } from './probe.ts';

const MODULES = ['ssl', 'proxy', 'proxy_http', 'authz_core', 'authz_host', 'alias'];
const CONF = `${MODULES.map((name) => `LoadModule ${name}_module modules/mod_${name}.so`).join('\n')}
Listen 443
<VirtualHost *:443>
ServerName mail.contoso.com
SSLEngine on
SSLCertificateFile /etc/ssl/mail.pem
ProxyPass /owa http://10.1.1.14/owa
ProxyPass /ews http://10.1.1.14/ews2
ProxyPass /app http://10.1.1.20/app
ProxyVia On
</VirtualHost>
`;
const { rules: ruleSet, ledger } = importApache({ path: '', reader: memoryReader({ 'httpd.conf': CONF }) });
if (ruleSet === undefined) throw new Error('the configuration gave no rules');
const rules = compileRules(ruleSet);
const [listener] = ruleSet.listen;
const at = { file: 'httpd.conf', line: 7, directive: 'Listen' };
const entrance = { name: '*:443', address: listener?.address ?? '', tls: true, at };
const pairs = pairEntrances([entrance], ruleSet);
const EXCHANGE = { name: 'http://10.1.1.14:80', url: 'http://10.1.1.14:80', at };
const OTHER = { name: 'http://10.1.1.20:80', url: 'http://10.1.1.20:80', at };

const config = { entrances: [entrance], servers: [EXCHANGE, OTHER], takenOut: [] };

const knowledge: Knowledge = {
  servers: [EXCHANGE, OTHER],
  standIns: new Map([['exchange-stand-in', 'exchange']]),
  upstreams: ruleSet.upstreams,
  known: apacheAnnouncements({ rules, ledger, config, factsOf: (each) => factsOf(each, pairs, rules.trusts) }),
  asked: (probe) => ({ ...probe, hasSite: false, written: '/owa' }),
};

const probe: fc.Arbitrary<Probe> = fc.record({
  entrance: fc.constant('*:443'),
  client: fc.constantFrom('192.0.2.1', '10.0.0.1'),
  method: fc.constantFrom('GET', 'POST', 'FROBNICATE', 'RPC_IN_DATA', 'CONNECT', 'TRACE'),
  target: fc.constantFrom('/', '/owa', '/OWA', '//owa', '/owa%2F', '/owa;x', '/rpc', '/app', '*', 'http://x.test/owa'),
  host: fc.constantFrom('mail.contoso.com', 'mail.contoso.com:', 'x.test', ''),
  fields: fc.constant([]),
});
const head = (server: string): Reached => ({ server, method: 'GET', target: '/owa', version: '1.1', fields: [] });
const CODES = [
  'DENIED',
  'NO_ROUTE',
  ...APACHE_DIFFERENCES.flatMap(({ signs }) => signs.flatMap((sign) => ('codes' in sign ? sign.codes : []))),
];
const outcome = (servers: readonly string[]): fc.Arbitrary<Outcome> =>
  fc.record({
    kind: fc.constant('answered' as const),
    status: fc.constantFrom(200, 302, 400, 403, 404, 405, 501, 502),
    reached: fc.constantFrom([], ...servers.map((server) => [head(server)])),
    code: fc.constantFrom(...CODES),
  });
const theirs = outcome([EXCHANGE.name, OTHER.name]);

it('never excuses that a request reached another server than it reached from Apache, or one where it reached none', () => {
  fc.assert(
    fc.property(probe, theirs, outcome(['exchange-stand-in', OTHER.name]), (asked, old, own) => {
      const isSame = own.reached[0]?.server === 'exchange-stand-in' ? EXCHANGE.name : own.reached[0]?.server;
      fc.pre(own.reached.length > 0 && old.reached[0]?.server !== isSame);
      expect(isAnnounced(compareOutcomes(asked, old, own, knowledge))).toBe(false);
    }),
    { seed: 5_127, numRuns: 2_000 },
  );
});

it('excuses no answer of a server by what Outrigger refuses', () => {
  fc.assert(
    fc.property(probe, theirs, outcome([OTHER.name]), (asked, old, own) => {
      fc.pre(own.reached.length > 0 && old.kind === 'answered' && own.kind === 'answered' && old.status !== own.status);
      expect(isAnnounced(compareOutcomes(asked, old, own, knowledge))).toBe(false);
    }),
    { seed: 5_128, numRuns: 1_000 },
  );
});

it('asks Apache for the path as its line has it where another spelling of it moved, and for nothing else', () => {
  const asked: Probe = { entrance: '*:443', client: '192.0.2.1', method: 'GET', target: '/OWA', host: 'x', fields: [] };
  const spellings = (target: string, host = 'mail.contoso.com'): (string | undefined)[] =>
    respellingsOf({ ...asked, target, host }, { kind: 'answered', status: 404, reached: [] }, knowledge).map(
      (each) => each.probe.target,
    );
  expect(spellings('/OWA')).toEqual(['/owa']);
  expect(spellings('/owa')).toEqual([]);
  expect(spellings('/app')).toEqual([]);
  expect(spellings('/OWA', 'other.test')).toEqual([]);
});

it('excuses a Via by the line that makes it, on paths that moved and on no others', () => {
  const asked = (target: string): Probe => ({
    entrance: '*:443',
    client: '192.0.2.1',
    method: 'GET',
    target,
    host: 'mail.contoso.com',
    fields: [],
  });
  const got = (server: string, fields: Reached['fields']): Outcome => ({
    kind: 'answered',
    status: 200,
    reached: [{ ...head(server), fields }],
  });
  const via = [['Via', '1.1 mail.contoso.com']] as const;
  const moved = compareOutcomes(asked('/owa'), got(EXCHANGE.name, via), got('exchange-stand-in', []), knowledge);
  expect(moved).toMatchObject([{ field: 'via', announced: { code: 'APACHE_HEADER', at: { line: 15 } } }]);
  expect(compareOutcomes(asked('/app'), got(OTHER.name, via), got(OTHER.name, []), knowledge)).toMatchObject([
    { field: 'via', theirs: '1.1 mail.contoso.com' },
  ]);
  expect(isAnnounced(compareOutcomes(asked('/app'), got(OTHER.name, via), got(OTHER.name, []), knowledge))).toBe(false);
});

it('holds what servers answer against each other, and excuses a mapped host by its spelling alone', () => {
  const compared = (theirs: string, ours: string, method = 'GET') => {
    const told = (server: string, value: string): Outcome => ({
      kind: 'answered',
      status: 200,
      reached: [head(server)],
      fields: [['Location', value]],
    });
    const asked: Probe = {
      entrance: '*:443',
      client: '192.0.2.1',
      method,
      target: '/owa',
      host: 'mail.contoso.com',
      fields: [],
    };
    return compareOutcomes(asked, told(EXCHANGE.name, theirs), told('exchange-stand-in', ours), {
      ...knowledge,
      comparesAnswers: true,
    });
  };
  expect(compared('https://a.test/owa/', 'https://a.test/owa/')).toEqual([]);
  expect(compared('https://a.test/owa/', 'https://A.test.:443/owa/')).toMatchObject([
    { kind: 'answer', announced: { code: 'DIFFERS_ANSWER' } },
  ]);
  expect(isAnnounced(compared('https://a.test/owa/', 'https://b.test/owa/'))).toBe(false);
  expect(isAnnounced(compared('https://a.test/owa/', 'http://10.1.1.14/owa/'))).toBe(false);
  expect(isAnnounced(compared('https://a.test/owa/', 'http://10.1.1.14/owa/', 'RPC_IN_DATA'))).toBe(true);
});
