// Room: what can be wrong with how the servers of an upstream are chosen, watched and spoken to.
import type { Report } from './check.ts';
import { connectionLimits } from './connections.ts';
import type { DocumentPath } from './positions.ts';
import type { Upstream } from './schema.ts';

/** Connections to Exchange that a dozen people need: a pair and more for each mailbox, folder store and address book of each. */
const FEWEST_FOR_OUTLOOK = 100;

/** Findings about the servers of one upstream, which stands at `path`. */
export function checkServers(upstream: Upstream, path: DocumentPath, report: Report): void {
  checkAffinity(upstream, path, report);
  checkConnections(upstream, path, report);
}

function checkConnections(upstream: Upstream, path: DocumentPath, report: Report): void {
  const { servers, connectionsPerServer: given, rpcOverHttp } = upstream;
  const place = [...path, 'connectionsPerServer'];
  if (Array.isArray(given) && given.length !== servers.length) {
    const message = `there are ${given.length} limits for ${servers.length} servers`;
    report(
      'error',
      'RULES_CONNECTIONS',
      place,
      message,
      'Write one number for all, or one for each in the same order.',
    );
    return;
  }
  const least = Math.min(...connectionLimits(upstream).map((limit) => limit ?? FEWEST_FOR_OUTLOOK));
  if (!rpcOverHttp || least >= FEWEST_FOR_OUTLOOK) return;
  const message = `each Outlook holds several connections for hours, and behind the ${least} first ones nobody is let in`;
  report('warning', 'RULES_CONNECTIONS', place, message, 'Raise it, or leave it out.');
}

function checkAffinity(
  { affinity = 'none', affinityCookie, servers, weights }: Upstream,
  path: DocumentPath,
  report: Report,
): void {
  if (affinityCookie !== undefined && affinity !== 'cookie') {
    const message = 'this cookie is never set: the upstream has no affinity: cookie';
    report('warning', 'RULES_AFFINITY', [...path, 'affinityCookie'], message, 'Add affinity: cookie, or leave it out.');
  }
  if (weights !== undefined && weights.length !== servers.length) {
    const message = `there are ${weights.length} weights for ${servers.length} servers`;
    report('error', 'RULES_AFFINITY', [...path, 'weights'], message, 'Write one for each server, in the same order.');
  } else if (weights !== undefined && affinity === 'none') {
    const message =
      'these weights are never used: without affinity the first server that can be reached takes everything';
    report('warning', 'RULES_AFFINITY', [...path, 'weights'], message, 'Add affinity: client or cookie.');
  }
  if (affinity !== 'none' && servers.length === 1) {
    const message = 'there is one server, so there is nothing to choose';
    report('warning', 'RULES_AFFINITY', [...path, 'affinity'], message, 'Add servers, or leave affinity out.');
  }
}
