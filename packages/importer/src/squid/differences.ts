// Room: what Outrigger does otherwise than Squid on purpose, whatever the file says. Announced, so that nobody finds out.
import { type CompiledRules, parseServer, serverNames } from '@outrigger/rules';

/** Sentences for a report; those about Exchange only where they can apply. */
export function announcedDifferences({ ruleSet }: CompiledRules): string[] {
  const plain = [...ruleSet.upstreams].filter(([, { rpcOverHttp }]) => !rpcOverHttp).map(([name]) => name);
  const exchange = [...ruleSet.upstreams].filter(([, { rpcOverHttp }]) => rpcOverHttp).map(([name]) => name);
  // A server that is named gets its own name in SNI from both; one that is an address got none from Squid (SQ-195).
  const askedByHost = [...ruleSet.upstreams].filter(([, upstream]) =>
    upstream.servers
      .map(parseServer)
      .some((server) => server?.scheme === 'https' && sendsHost(serverNames(server, upstream, SOME_HOST))),
  );
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
    ...(askedByHost.length > 0
      ? [
          `TLS connections to ${askedByHost.map(([name]) => name).join(', ')} carry the Host of the request as SNI, where Squid sent none; Apache since 2.4.64 wants it (421).`,
        ]
      : []),
    'X-Forwarded-For, -Proto and -Host are set anew for each request; what a client claims in them is dropped.',
    'Nothing is cached: each request is answered by the server itself.',
    'No Via, X-Cache or Surrogate-Capability is added.',
    'PURGE, TRACE and OPTIONS * go on to a server like any other method; Squid answered them itself.',
    'A request of HTTP/1.1 without Host, or one with two, is answered 400 (RFC 9112 3.2); Squid took the site of the port, or the first.',
    'A request that no peer may take is answered 503, where Squid 5 said 502.',
  ];
}

/** Any host: whether it comes out as SNI tells whether that of a request would. */
const SOME_HOST = 'host.invalid';

function sendsHost({ sni }: { sni?: string }): boolean {
  return sni === SOME_HOST;
}
