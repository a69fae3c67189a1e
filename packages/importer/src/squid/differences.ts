// Room: what Outrigger does otherwise than Squid on purpose, whatever the file says. Announced, so that nobody finds out.
import type { CompiledRules } from '@outrigger/rules';

/** Sentences for a report; those about Exchange only where they can apply. */
export function announcedDifferences({ ruleSet }: CompiledRules): string[] {
  const plain = [...ruleSet.upstreams].filter(([, { rpcOverHttp }]) => !rpcOverHttp).map(([name]) => name);
  const exchange = [...ruleSet.upstreams].filter(([, { rpcOverHttp }]) => rpcOverHttp).map(([name]) => name);
  return [
    ...(plain.length > 0
      ? [
          `RPC_* and RDG_* requests to ${plain.join(', ')} are answered 405: only an upstream with rpcOverHttp may carry them.`,
        ]
      : []),
    ...(exchange.length > 0
      ? [
          `Paths that read in two ways, such as /owa%00 or /owa%2F.., are answered 400 where they would go to ${exchange.join(', ')} (ambiguousPaths: pass lets them through).`,
        ]
      : []),
    'X-Forwarded-For, -Proto and -Host are set anew for each request; what a client claims in them is dropped.',
    'Nothing is cached: each request is answered by the server itself.',
    'No Via, X-Cache or Surrogate-Capability is added.',
    'A request of HTTP/1.1 without Host, or one with two, is answered 400 (RFC 9112 3.2); Squid took the site of the port, or the first.',
    'A request that no peer may take is answered 503, where Squid 5 said 502.',
  ];
}
