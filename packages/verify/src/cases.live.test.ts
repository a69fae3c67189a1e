import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importSquid, memoryReader } from '@outrigger/importer';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import { sample } from '@outrigger/tools/sample';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeText, type Verified, type VerifyFailure, verifySquid } from './index.ts';

// Every recorded squid.conf, held against the installed Squid: what the import of it does not announce is a fault, of the import or
// of this. VERIFY_SEED asks other questions, VERIFY_PROBES more of them.

const FIXTURES = join(import.meta.dirname, '../../../fixtures');
const squid = daemonOrSkip('squid');
const SEED = Number(process.env.VERIFY_SEED ?? 1);
/** Probes a case: each takes two milliseconds, and the whole must stay a thing one runs often. */
const PROBES = Number(process.env.VERIFY_PROBES ?? 100);
/** Cases at once: one for each side of a probe on a machine of two cores. */
const AT_ONCE = 2;

/** Files that Squid 5.7 refuses, each by its own words. */
const REFUSED: Readonly<Record<string, string>> = {
  'squid/acl-all-other-type': 'Bungled squid.conf line 5',
  'squid/acl-name-too-long': 'Bungled squid.conf line 5',
  'squid/acl-other-type': 'Bungled squid.conf line 7',
  'squid/acl-undefined': 'Bungled squid.conf line 5',
  'squid/continuation-needs-the-end': 'in regex pattern',
  'squid/directive-case': "unrecognized: 'HTTP_ACCESS'",
  'squid/directive-unknown': "unrecognized: 'foo_bar'",
  'squid/dstdomain-order': 'is a subdomain of',
  'squid/if-unknown-condition': "Unable to evaluate expression '1 > 0'",
  'squid/include-cycle': "can't include loop.conf: includes are nested too deeply",
  'squid/include-missing': 'Unable to find configuration file',
  'squid/line-too-long': "squid.conf(7): unrecognized: '89.example.com'",
  'squid/on-off-case': 'Bungled squid.conf line 5',
  'squid/peer-sibling-carp': 'non-parent carp peer',
  'squid/peer-tls-flag-unknown': "Unknown TLS flag 'BOGUS'",
  'squid/peer-twice': 'cache_peer 10.0.0.1 specified twice',
  'squid/port-accel-late': 'defaultsite option requires Acceleration mode flag',
  'squid/port-proxy-header-tls': 'require-proxy-header option is not supported on HTTPS ports',
  'squid/port-option-unknown': "Unknown http_port option 'http11'",
  'squid/port-vport-without-accel': 'vport option requires Acceleration mode flag',
  'squid/quoted-values-regex': 'Can not read regex expression while configuration_includes_quoted_values is enabled',
  'squid/size-glued': 'Bungled squid.conf line 5',
  'squid/src-brackets': 'Bungled squid.conf line 5',
  'squid/timeout-without-unit': 'Bungled squid.conf line 5',
  'realistic/squid/appliance-include-hooks': 'Unable to find configuration file',
  'realistic/squid/crlf-and-bom': 'squid.conf(1): unrecognized',
  'realistic/squid/include-sites-enabled': 'Unable to find configuration file',
  'realistic/squid/pasted-forum-post': "unrecognized: 'Hi'",
  'realistic/squid/pasted-html': "unrecognized: '<!DOCTYPE'",
  'realistic/squid/plone-vport': 'vport option requires Acceleration mode flag',
  'realistic/squid/proxy-protocol-behind-balancer': 'require-proxy-header option is not supported on HTTPS ports',
  'realistic/squid/secrets-everywhere': "unrecognized: 'snmp_community'",
  'realistic/squid/squid-2.7-two-farms': "Unknown http_port option 'http11'",
  'realistic/squid/squid-6-modern': 'Bungled squid.conf line 17',
  'realistic/squid/typing-errors': "Unknown http_port option 'acel'",
  'realistic/squid/urls-in-dstdomain': 'Bungled squid.conf line 10',
};

const cases = sample(
  ['squid', 'realistic/squid'].flatMap((kind) => readdirSync(join(FIXTURES, kind)).map((name) => `${kind}/${name}`)),
);

function filesOf(name: string) {
  const folder = join(FIXTURES, name);
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = found.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  const texts = Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path), 'latin1')]));
  return { files: ['squid.conf'], reader: memoryReader(texts) };
}

/** Starts everything at most `AT_ONCE` at a time; each result can be waited for by itself. */
function inTurn<Result>(
  names: readonly string[],
  run: (name: string) => Promise<Result>,
): Map<string, Promise<Result>> {
  const lanes: Promise<unknown>[] = Array.from({ length: AT_ONCE }, () => Promise.resolve());
  return new Map(
    names.map((name, index) => {
      const lane = index % AT_ONCE;
      const result = (lanes[lane] ?? Promise.resolve()).then(() => run(name));
      lanes[lane] = result.catch(() => undefined);
      return [name, result];
    }),
  );
}

describe.skipIf(squid === undefined)(`every recorded squid.conf, seed ${SEED}`, () => {
  let results: Map<string, Promise<Verified | VerifyFailure>>;
  const end = new AbortController();
  beforeAll(() => {
    results = inTurn(cases, (name) => verifySquid({ ...filesOf(name), seed: SEED, most: PROBES, signal: end.signal }));
  });
  afterAll(async () => {
    end.abort();
    await Promise.all(results.values());
  });

  it.each(cases)('%s', async (name) => {
    const result = await results.get(name);
    if (result === undefined) throw new Error(`${name} was not run`);
    const translation = importSquid({ ...filesOf(name), squidVersion: '5.7' });
    if (result.kind === 'failed') {
      const { code, message, said } = result.problem;
      if (translation.rules === undefined) return expect(code, message).toBe('NOTHING_TO_COMPARE');
      expect(code, message).toBe('CONFIG_REFUSED');
      expect(said).toContain(REFUSED[name] ?? 'something the table of refused files knows');
      // What Squid does not start with, an import does not call complete.
      return expect(translation.outcome).not.toBe('complete');
    }
    expect(REFUSED[name]).toBeUndefined();
    const told = result.differences.map(({ probe, aspects }) => ({
      probe: probeText(probe),
      faults: aspects.filter(({ announced }) => announced === undefined),
    }));
    expect(told).toEqual([]);
    expect(result.probes).toBeGreaterThan(20);
  });
});
