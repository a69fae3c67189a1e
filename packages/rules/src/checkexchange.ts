// Room: what an upstream of Exchange or an RD Gateway can get wrong beside its servers: endpoints that are none, and waits that
// end what these servers keep open on purpose.
import type { Report } from './check.ts';
import { parseEndpoint } from './endpoint.ts';
import type { Upstream } from './schema.ts';
import { formatDuration } from './units.ts';

/** Milliseconds below which phones lose their push: Exchange warns of polls under 540 s and is best with 15 minutes and more. */
const SHORTEST_POLL = 15 * 60_000;

/** Findings about `rpcEndpoints` and `timeouts` of one upstream. */
export function checkExchange(name: string, upstream: Upstream, report: Report): void {
  const { rpcEndpoints, rpcOverHttp, timeouts } = upstream;
  rpcEndpoints?.forEach((entry, index) => {
    if (parseEndpoint(entry) !== undefined) return;
    report(
      'error',
      'RULES_BAD_ENDPOINT',
      ['upstreams', name, 'rpcEndpoints', index],
      `${entry} is not an RPC endpoint`,
      "Write mbx1:6001, mbx1:6001-6004 or '*:6001'.",
    );
  });
  if (rpcEndpoints !== undefined && !rpcOverHttp) {
    report(
      'warning',
      'RULES_UNUSED_ENDPOINTS',
      ['upstreams', name, 'rpcEndpoints'],
      `no tunnel leads to ${name}, so its rpcEndpoints guard nothing`,
      'Set rpcOverHttp, or leave them out.',
    );
  }
  if (!rpcOverHttp) return;
  for (const wait of ['answer', 'tunnelIdle'] as const) {
    if (timeouts[wait] >= SHORTEST_POLL) continue;
    const victim = wait === 'answer' ? 'the polls of phones' : 'channels that Outlook keeps open';
    report(
      'warning',
      'RULES_SHORT_WAIT',
      ['upstreams', name, 'timeouts', wait],
      `${formatDuration(timeouts[wait])} ends ${victim}: mail stops without an error`,
      `Leave it out, or give ${formatDuration(SHORTEST_POLL)} at least.`,
    );
  }
}
