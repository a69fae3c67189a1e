// Room: `verify` for a squid.conf: the copy, the installed Squid on it, Outrigger on the rules, and the comparison of both.
import { importSquid, type Reader, readSquid } from '@outrigger/importer';
import { compileRules, parseServer, type RuleSet } from '@outrigger/rules';
import { squidAnnouncements } from '../announcements.ts';
import { serverCertificate, throwawayCertificate } from '../certificate.ts';
import { type Comparison, compareSides, factsOf, type Verified } from '../comparison.ts';
import { pairEntrances } from '../mapped.ts';
import { startOutrigger } from '../outrigger.ts';
import type { Probe } from '../probe.ts';
import { probesFor } from '../probes.ts';
import { amountOf, failed, notStarted, type VerifyFailure, type VerifyOptions, verifyWith } from '../verify.ts';
import { copySquid } from './copy.ts';
import { type ExpectedProbes, findSquid, startSquid, versionOf } from './squid.ts';

export type VerifySquidOptions = VerifyOptions & {
  /** squid.conf files, read in order as one; `reader` finds them and what they include. */
  files: string[];
  reader: Reader;
};

/** Holds rules against the installed Squid on a private copy of the config. Leaves nothing behind. Never throws on input. */
export function verifySquid(options: VerifySquidOptions): Promise<Verified | VerifyFailure> {
  return verifyWith(options, openSquidComparison);
}

/** Starts both sides; the caller closes. */
export async function openSquidComparison(options: VerifySquidOptions): Promise<Comparison | VerifyFailure> {
  const { files, reader, program = findSquid() } = options;
  // The import is of the Squid that is asked: some lines mean another thing to another version.
  const squidVersion = program === undefined ? undefined : versionOf(program);
  const given = { files, reader, ...(squidVersion !== undefined && { squidVersion }) };
  const translation = importSquid(given);
  const ruleSet = options.rules ?? translation.rules;
  if (ruleSet === undefined) {
    return failed('NOTHING_TO_COMPARE', 'The import of this file writes no rules: outrigger import says why.');
  }
  const copy = copySquid({ files, reader });
  const pairs = pairEntrances(copy.entrances, ruleSet);
  if (pairs.length === 0) {
    const message = 'No listener of the rules stands for a port of the file, by name, address or port.';
    return failed('NOTHING_TO_COMPARE', message);
  }
  const { model, redactor } = readSquid(given);
  const entrances = pairs.map(({ entrance }) => entrance);
  const planned = options.probes ?? probesFor({ rules: ruleSet, entrances, model, ...amountOf(options) });
  const pem = await throwawayCertificate();
  const serverPem = await serverCertificate([
    '127.0.0.1',
    ...serverNamesOf(ruleSet),
    ...copy.servers.flatMap(({ names = [] }) => names),
  ]);
  const started = await startSquid(copy, pem, serverPem, expectedOf(planned), program);
  if (started.kind === 'failed') return notStarted(started.problem, redactor);
  const { oracle } = started;
  const ours = await startOutrigger(ruleSet, pairs, pem, { serverPem, reader });
  if (ours.kind === 'failed') {
    await oracle.stop();
    return failed('RULES_NOT_SERVED', `Outrigger does not start on these rules. ${ours.message}`);
  }
  const rules = compileRules(ruleSet);
  const known = squidAnnouncements({
    rules,
    ledger: translation.ledger,
    config: copy,
    factsOf: (probe) => factsOf(probe, pairs, rules.trusts),
  });
  return compareSides({ oracle, ours: ours.side, rules, pairs, known, redactor, model });
}

/** Names alone: an address in a Host, its port and a final dot are nothing that DNS is asked for. */
function expectedOf(probes: readonly Probe[]): ExpectedProbes {
  const hosts = probes.flatMap(({ host = '' }) => host.toLowerCase().replace(/:\d*$/, '').replace(/\.+$/, ''));
  const names = hosts.filter((host) => /^(?=.*[a-z])[a-z0-9_.-]+$/.test(host));
  return { names: [...new Set(names)], addresses: [...new Set(probes.map(({ client }) => client))] };
}

/** Names and addresses that rules may check certificates of servers for. */
function serverNamesOf({ upstreams }: RuleSet): string[] {
  return [...upstreams.values()].flatMap(({ tls, servers }) => [
    ...(tls?.serverName ?? []),
    ...servers.map(parseServer).flatMap((server) => (server?.scheme === 'https' ? [server.host] : [])),
  ]);
}
