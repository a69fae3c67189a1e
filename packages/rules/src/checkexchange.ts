// Room: what an upstream of Exchange can get wrong beside its servers: endpoints that are none, or that guard nothing.
import type { Report } from './check.ts';
import { parseEndpoint } from './endpoint.ts';
import type { Upstream } from './schema.ts';

/** Findings about `rpcEndpoints` of one upstream. */
export function checkExchange(name: string, upstream: Upstream, report: Report): void {
  const { rpcEndpoints, rpcOverHttp } = upstream;
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
}
