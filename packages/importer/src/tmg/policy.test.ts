// Policies drawn at random: what their exports become is held against what TMG does by its documentation, request by request.
import {
  type CompiledRules,
  compileRules,
  type Listener,
  listenerName,
  parseLocalTime,
  type RuleSet,
  requestFacts,
  route,
} from '@outrigger/rules';
import { sampleSize } from '@outrigger/tools/sample';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { importTmg, memoryReader } from '../index.ts';
import { seedOf } from '../testing/seed.ts';
import { decided, exported, type Policy, policies, REQUESTS, type Request, shownWay } from './testing/policy.ts';

const RUNS = Number(process.env.OUTRIGGER_POLICIES ?? (process.env.CI === 'true' ? sampleSize(2_000) : 150));

type Imported = { rules: RuleSet; compiled: CompiledRules; listeners: Map<string, Listener> };

function verdict(imported: Imported | undefined, { at, client, host, path }: Request): string {
  const listener = imported?.listeners.get(at);
  const time = parseLocalTime('wed 12:00');
  if (imported === undefined || listener === undefined || time === undefined) return 'deny';
  const read = requestFacts(
    { method: 'GET', target: path, version: '1.1', fields: [['Host', host]] },
    { listener, client, time },
  );
  if (read.kind === 'bad') throw new Error(`no request: ${path}`);
  const { access, upstream: name, refusal, route: chosen } = route(imported.compiled, read.facts);
  if (access === 'deny') return 'deny';
  const upstream = imported.rules.upstreams.get(name ?? '');
  if (upstream === undefined || refusal !== undefined) return 'nowhere';
  return shownWay(upstream.servers.join(' '), upstream.host, chosen?.rewrite?.path);
}

/** Requests that go elsewhere than TMG sent them. `isWhole`: every rule was carried, so that none may be denied more than it was. */
function differences(policy: Policy): { isWhole: boolean; found: string[] } {
  const { rules, ledger } = importTmg({ file: 'export.xml', reader: memoryReader({ 'export.xml': exported(policy) }) });
  const isWhole = ledger.every(({ remarks }) => remarks.every(({ code }) => code !== 'TMG_NOT_CARRIED'));
  const imported = rules && {
    rules,
    compiled: compileRules(rules),
    listeners: new Map(rules.listen.map((each) => [listenerName(each), each])),
  };
  const found = REQUESTS.flatMap((request) => {
    const [ours, wanted] = [verdict(imported, request), decided(policy, request)];
    return ours === wanted || (ours === 'deny' && !isWhole)
      ? []
      : [`${JSON.stringify(request)}: ${ours}, not ${wanted}`];
  });
  return { isWhole, found };
}

it('sends each request where TMG sent it, and lets nobody in whom it kept out', { timeout: 300_000 }, () => {
  const seed = seedOf('policies of TMG');
  let [wholes, lets] = [0, 0];
  fc.assert(
    fc.property(policies, (policy) => {
      const { isWhole, found } = differences(policy);
      if (isWhole) wholes += 1;
      if (REQUESTS.some((request) => decided(policy, request) !== 'deny')) lets += 1;
      expect(found.slice(0, 3)).toEqual([]);
    }),
    { seed, numRuns: RUNS },
  );
  // Where nothing were carried, or nobody let in, the above would say little.
  expect(wholes).toBeGreaterThan(RUNS / 4);
  expect(lets).toBeGreaterThan(RUNS / 2);
});

const SITE: Policy[number] = {
  kind: 'publishing',
  isEnabled: true,
  isDenied: false,
  listener: 0,
  names: [],
  mappings: [{ external: '/*', internal: '/*' }],
  sources: [{ set: 'Anywhere', isExcluded: false }],
  site: 'a.contoso.local',
  type: 1,
  ports: { plain: 80, tls: 443 },
  sendsHost: true,
  wantsTls: false,
};

it.each(['publishing', 'firewall'] as const)('says whom a denial of the %s no longer names', (kind) => {
  const sources = ['Partner', 'VPN Clients'].map((set) => ({ set, isExcluded: false }));
  const denial: Policy[number] =
    kind === 'publishing' ? { ...SITE, isDenied: true, sources } : { kind, isEnabled: true, isDenied: true, sources };
  const policy = [denial, SITE];
  expect(differences(policy)).toEqual({ isWhole: true, found: [] });
  const { ledger } = importTmg({ file: 'export.xml', reader: memoryReader({ 'export.xml': exported(policy) }) });
  const told = ledger.filter(({ remarks }) =>
    remarks.some(({ message }) => /^clients of VPN Clients are not denied/.test(message)),
  );
  expect(told.map(({ disposition }) => disposition)).toEqual(['untranslated']);
});
