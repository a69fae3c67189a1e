// Room: what Outrigger does otherwise than Squid on purpose, whatever the file says. Announced, so that nobody finds out; each
// says by what it shows itself, so that `verify` can tell it from a fault, and from this table alone.
import { type CompiledRules, parseServer, serverNames } from '@outrigger/rules';
import { KNOWN_METHODS } from './aclnumbers.ts';

/** A request as a difference looks at it; `host` absent where it names none. */
export type AskedRequest = { method: string; target: string; host?: string };

/**
 * What a difference must be to be an announced one.
 *   refusal   Outrigger itself answers, with one of these codes; `beyond`: only where Squid gave it to no server either
 *   reply     Squid itself answers such a request, with this status, whatever its lists say
 *   reading   Outrigger does as Squid did when it is given the request as Squid reads it
 *   field     a field of the forwarded head differs, and `alike`, where given, holds of the two values
 *   version   the HTTP version of the forwarded head differs
 *   unseen    nothing of a single request shows it
 */
export type Sign =
  | { kind: 'refusal'; codes: readonly string[]; beyond?: true }
  | { kind: 'reply'; status: (request: AskedRequest) => number | undefined }
  | { kind: 'reading'; as: (request: AskedRequest) => Partial<AskedRequest> | undefined }
  | { kind: 'field'; names: readonly string[]; alike?: (squid: string, outrigger: string) => boolean }
  | { kind: 'version' }
  | { kind: 'unseen' };

export type AnnouncedDifference = { code: DifferenceCode; text: string; sign: Sign };

/** Closed; each has its line in the README. */
export type DifferenceCode =
  | 'DIFFERS_METHOD_REFUSED'
  | 'DIFFERS_PATH_REFUSED'
  | 'DIFFERS_SERVER_NAME'
  | 'DIFFERS_FORWARDED'
  | 'DIFFERS_CACHE'
  | 'DIFFERS_VIA'
  | 'DIFFERS_HOST_REFUSED'
  | 'DIFFERS_NO_ROUTE'
  | 'DIFFERS_HOST_SPELLING'
  | 'DIFFERS_METHOD_SPELLING'
  | 'DIFFERS_VERSION'
  | 'DIFFERS_OWN_REPLY';

/** The differences that can apply to these rules. */
export function announcedDifferences({ ruleSet }: CompiledRules): AnnouncedDifference[] {
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
          announced(
            'DIFFERS_METHOD_REFUSED',
            `RPC_* and RDG_* requests to ${plain.join(', ')} are answered 405: only an upstream with rpcOverHttp may carry them.`,
            { kind: 'refusal', codes: ['METHOD_NOT_TUNNELLED'] },
          ),
        ]
      : []),
    ...(exchange.length > 0
      ? [
          announced(
            'DIFFERS_PATH_REFUSED',
            `Paths that read in two ways, such as /owa%00 or /owa%2F.., are answered 400 where they would go to ${exchange.join(', ')} (ambiguousPaths: pass lets them through).`,
            { kind: 'refusal', codes: ['PATH_AMBIGUOUS'] },
          ),
        ]
      : []),
    ...(askedByHost.length > 0
      ? [
          announced(
            'DIFFERS_SERVER_NAME',
            `TLS connections to ${askedByHost.map(([name]) => name).join(', ')} carry the Host of the request as SNI, where Squid sent none; Apache since 2.4.64 wants it (421).`,
            { kind: 'unseen' },
          ),
        ]
      : []),
    ...ALWAYS,
  ];
}

const ALWAYS: readonly AnnouncedDifference[] = [
  announced(
    'DIFFERS_FORWARDED',
    'X-Forwarded-For, -Proto and -Host are set anew for each request; what a client claims in them is dropped.',
    { kind: 'field', names: ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'] },
  ),
  announced('DIFFERS_CACHE', 'Nothing is cached: each request is answered by the server itself.', {
    kind: 'field',
    names: ['cache-control'],
    alike: (squid, outrigger) => squid === withMaxAge(outrigger),
  }),
  announced('DIFFERS_VIA', 'No Via, X-Cache or Surrogate-Capability is added.', {
    kind: 'field',
    names: ['via', 'x-cache', 'x-cache-lookup', 'surrogate-capability'],
  }),
  announced(
    'DIFFERS_HOST_REFUSED',
    'A request of HTTP/1.1 without Host, or one with two, is answered 400 (RFC 9112 3.2); Squid took the site of the port, or the first.',
    { kind: 'refusal', codes: ['HOST_MISSING', 'HOST_REPEATED'] },
  ),
  announced('DIFFERS_NO_ROUTE', 'A request that no peer may take is answered 503, where Squid 5 said 502.', {
    kind: 'refusal',
    codes: ['NO_ROUTE'],
    beyond: true,
  }),
  announced(
    'DIFFERS_HOST_SPELLING',
    'Host goes on as the client spelled it; Squid wrote it in lower case, without a final dot and without the port its scheme has anyway.',
    { kind: 'field', names: ['host'], alike: (squid, outrigger) => canonicalHosts(outrigger).includes(squid) },
  ),
  announced(
    'DIFFERS_METHOD_SPELLING',
    'Methods are compared and go on as the client sent them; Squid took those it knows in any case (post as POST).',
    { kind: 'reading', as: ({ method }) => inCapitals(method) },
  ),
  announced('DIFFERS_VERSION', 'A request of HTTP/1.0 goes on as HTTP/1.0; Squid made HTTP/1.1 of it.', {
    kind: 'version',
  }),
  announced(
    'DIFFERS_OWN_REPLY',
    'PURGE, OPTIONS * and requests with an empty Host are judged by the rules like any other; Squid answered them itself (403, 501, 400).',
    { kind: 'reply', status: ownReply },
  ),
];

/** What Squid answers before it looks at any list (SQ-118; client_side.cc prepareAcceleratedURL). */
function ownReply({ method, target, host }: AskedRequest): number | undefined {
  if (target === '*') return 501;
  // One of HTTP/1.0 that names none is one with an empty Host, where the port has no defaultsite (SQ-104).
  if (host === undefined || host === '') return 400;
  return method === 'PURGE' ? 403 : undefined;
}

function inCapitals(method: string): { method: string } | undefined {
  const capitals = method.toUpperCase();
  return capitals !== method && KNOWN_METHODS.has(capitals) ? { method: capitals } : undefined;
}

/** As Squid writes a Host it has read (SQ-100): with its port, or without where that is the scheme's, which the value does not say. */
function canonicalHosts(host: string): string[] {
  const [, name = '', port = ''] = /^(.*?)(:\d*)?$/.exec(host.toLowerCase()) ?? [];
  const bare = name.replace(/\.$/, '');
  return port === ':80' || port === ':443' || port === ':' ? [bare, bare + port] : [bare + port];
}

function announced(code: DifferenceCode, text: string, sign: Sign): AnnouncedDifference {
  return { code, text, sign };
}

/** What Squid's cache adds to the head of each request it may keep the answer of (http.cc, httpBuildRequestHeader; SQ-200). */
const CACHE_MAX_AGE = 'max-age=259200';

function withMaxAge(value: string): string {
  return value === '' ? CACHE_MAX_AGE : `${value}, ${CACHE_MAX_AGE}`;
}

/** Any host: whether it comes out as SNI tells whether that of a request would. */
const SOME_HOST = 'host.invalid';

function sendsHost({ sni }: { sni?: string }): boolean {
  return sni === SOME_HOST;
}
