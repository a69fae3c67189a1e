// Room: what Outrigger does otherwise than Squid on purpose, whatever the file says. Announced, so that nobody finds out; each
// says by what it shows itself, so that `verify` can tell it from a fault, and from this table alone.
import {
  type CompiledRules,
  type Condition,
  canonicalHost,
  type Fields,
  forwardedFor,
  parseAddress,
  parseServer,
  type RuleSet,
  type SourceRef,
  serverNames,
  type Upstream,
} from '@outrigger/rules';
import type { ImportCode } from '../codes.ts';
import type { FieldNames, LedgerEntry } from '../ledger.ts';
import { KNOWN_METHODS } from './aclnumbers.ts';

/** A request as a difference looks at it. */
export type AskedRequest = {
  method: string;
  target: string;
  /** Absent where it names none. */
  host?: string;
  /** Whether the port it came to names a site for such requests. */
  hasSite: boolean;
  /** Other field lines. */
  fields?: Fields;
  /** The address it comes from. */
  client?: string;
  /** The address at which the daemon took it, which is its name where it names no host and the port puts its own into URLs. */
  cameTo?: string;
  /** The target in the spelling of the line behind the route that takes it; absent where it has that spelling, or no route takes it. */
  written?: string;
  /** The prefix of that line, where a path decides. */
  prefix?: string;
};

/**
 * What a difference must be to be an announced one.
 *   refusal   Outrigger itself answers, with one of these codes. `squid`: only where Squid `denies` too, with another answer,
 *             or `fails` (no server could take it)
 *   reply     Squid itself answers such a request with one of these statuses, whatever its lists say; `late`: after a server did
 *   reading   Outrigger does as Squid did when it is given the request as Squid reads it
 *   respelled the daemon does as Outrigger did when it is given the request in the spelling that the rules stand for
 *   field     a field of the forwarded head differs, and `alike`, where given, holds of the two values
 *   answer    a field of what a client is told differs, and `alike`, where given, holds of the two values; only such as `of` names
 *   serverName  the name sent in TLS to a server differs where Squid sent none
 *   shared    both sent it to a server, of those that share requests
 *   route     Squid lets the request in, such as `of` names, and it goes another way or nowhere
 *   target    the target of the forwarded head differs, and `alike` holds of the two
 *   version   the HTTP version of the forwarded head differs
 *   page      the page that is shown for a denial
 *   unseen    nothing of a single request shows it
 */
export type Sign =
  | {
      kind: 'refusal';
      codes: readonly string[];
      squid?: 'denies' | 'fails';
      of?: (request: AskedRequest) => boolean;
    }
  | { kind: 'reply'; statuses: (request: AskedRequest) => readonly number[]; late?: true }
  | {
      kind: 'reading';
      as: (request: AskedRequest) => Partial<Pick<AskedRequest, 'method' | 'target' | 'host' | 'fields'>> | undefined;
    }
  | {
      kind: 'respelled';
      as: (request: AskedRequest) => Partial<Pick<AskedRequest, 'target' | 'host' | 'client' | 'fields'>> | undefined;
    }
  | {
      kind: 'answer';
      names: readonly string[];
      alike?: (theirs: string, ours: string) => boolean;
      of?: (request: AskedRequest) => boolean;
    }
  | { kind: 'field'; names: FieldNames; alike?: (squid: string, outrigger: string) => boolean }
  | { kind: 'version'; alike?: (theirs: string, ours: string) => boolean }
  | { kind: 'serverName' }
  | { kind: 'page' }
  | { kind: 'shared' }
  | { kind: 'route'; of?: (request: AskedRequest) => boolean }
  | {
      kind: 'target';
      alike: (theirs: string, ours: string, request: AskedRequest) => boolean;
      of?: (request: AskedRequest) => boolean;
    }
  | { kind: 'unseen' };

export type AnnouncedDifference = { code: DifferenceCode; text: string; signs: readonly Sign[] };

/**
 * A difference that a line of the file makes, as its remark announced it. It explains what it shows only where the line is
 * responsible: the request reached the server it defines, came in by its port, or is one of those the remark concerns.
 */
export type LineDifference = { code: ImportCode; text: string; at: SourceRef; sign: Sign } & Responsible;
type Responsible = { by: 'server' | 'entrance' } | { by: 'request'; concerns: Condition };

type LineSign = { by: Responsible['by']; sign: Sign };

/** Statuses that deny_info can give a denial. */
const DENIALS = Array.from({ length: 300 }, (_, index) => 300 + index);

/** Remarks that announce a difference: what shows it, and by what the line is known to be responsible. */
const LINE_SIGNS: Readonly<Partial<Record<ImportCode, readonly LineSign[]>>> = {
  SQUID_PEER_LOGIN: [{ by: 'server', sign: { kind: 'field', names: ['authorization'] } }],
  SQUID_FRONT_END_HTTPS: [{ by: 'server', sign: { kind: 'field', names: ['front-end-https'] } }],
  SQUID_PEER_BALANCE: [{ by: 'server', sign: { kind: 'shared' } }],
  SQUID_PEER_KIND: [{ by: 'server', sign: { kind: 'refusal', codes: ['NO_ROUTE'] } }],
  // Which fields, the remark itself says.
  SQUID_HEADER: [{ by: 'request', sign: { kind: 'field', names: [] } }],
  SQUID_PORT_SITE: [
    { by: 'entrance', sign: { kind: 'field', names: ['host'] } },
    // vport puts its port into URLs that Squid makes of Host and path, not into those a client sends whole.
    { by: 'entrance', sign: { kind: 'respelled', as: inOriginForm } },
    { by: 'entrance', sign: { kind: 'reading', as: namedForItsPort } },
  ],
  SQUID_ALWAYS_DIRECT: [{ by: 'request', sign: { kind: 'refusal', codes: ['NO_ROUTE'] } }],
  SQUID_PEER_INEXPRESSIBLE: [{ by: 'request', sign: { kind: 'refusal', codes: ['NO_ROUTE'] } }],
  SQUID_ALLOW_LEFT_OUT: [{ by: 'request', sign: { kind: 'refusal', codes: ['DENIED'] } }],
  SQUID_DENY_WIDENED: [{ by: 'request', sign: { kind: 'refusal', codes: ['DENIED'] } }],
  SQUID_ACL_APPROXIMATED: [{ by: 'request', sign: { kind: 'refusal', codes: ['DENIED'] } }],
  SQUID_REVERSE_LOOKUP: [{ by: 'request', sign: { kind: 'route' } }],
  SQUID_LOCALHOST: [{ by: 'request', sign: { kind: 'respelled', as: fromLocalhost } }],
  SQUID_DENY_INFO: [
    { by: 'request', sign: { kind: 'refusal', codes: ['DENIED'], squid: 'denies' } },
    { by: 'request', sign: { kind: 'page' } },
  ],
  SQUID_ERROR_PAGE: [{ by: 'request', sign: { kind: 'page' } }],
  SQUID_REPLY_ACCESS: [{ by: 'request', sign: { kind: 'reply', statuses: () => DENIALS, late: true } }],
};

/** The same request with its host where clients of an accelerator have it. */
function inOriginForm({ target }: AskedRequest): { target: string; host: string } | undefined {
  const [, host = '', rest = ''] = /^https?:\/\/([^/?#]+)(.*)$/is.exec(target) ?? [];
  return host === '' ? undefined : { host, target: rest.startsWith('/') ? rest : `/${rest}` };
}

/** Where a request names no host, the port's address is one. */
function namedForItsPort({ host = '', cameTo }: AskedRequest): { host: string } | undefined {
  return host === '' && cameTo !== undefined ? { host: cameTo } : undefined;
}

/** The hosts file may say less of localhost than a rule, or more: another loopback address is what the rule took this one for. */
function fromLocalhost({ client = '' }: AskedRequest): { client: string } | undefined {
  const address = parseAddress(client);
  if (address === parseAddress('127.0.0.1')) return { client: '::1' };
  if (address === parseAddress('::1')) return { client: '127.0.0.1' };
  return client.startsWith('127.') ? { client: SOME_LOOPBACK } : undefined;
}

/** An address of loopback that no hosts file names. */
const SOME_LOOPBACK = '127.255.255.254';

/** Differences that lines of the file make, in the order of the file. */
export function lineDifferences(ledger: readonly LedgerEntry[]): LineDifference[] {
  return ledger.flatMap(({ at, remarks }) =>
    remarks.flatMap(({ code, message: text, disposition, concerns, fields }): LineDifference[] => {
      if (disposition === 'translated' || disposition === 'irrelevant') return [];
      return (LINE_SIGNS[code] ?? []).flatMap(({ by, sign }): LineDifference[] => {
        if (by !== 'request') return [{ code, text, at, sign, by }];
        if (fields !== undefined && sign.kind === 'field') {
          return [{ code, text, at, sign: { ...sign, names: fields }, by, concerns: concerns ?? {} }];
        }
        return concerns === undefined ? [] : [{ code, text, at, sign, by, concerns }];
      });
    }),
  );
}

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
  | 'DIFFERS_REPEATED'
  | 'DIFFERS_DENIED_UNASKED'
  | 'DIFFERS_HOST_SPELLING'
  | 'DIFFERS_METHOD_SPELLING'
  | 'DIFFERS_VERSION'
  | 'DIFFERS_ODD_REQUEST'
  | 'DIFFERS_OWN_ANSWERS';

/** The differences that can apply to these rules. */
export function announcedDifferences({ ruleSet }: CompiledRules): AnnouncedDifference[] {
  const plain = [...ruleSet.upstreams].filter(([, { rpcOverHttp }]) => !rpcOverHttp).map(([name]) => name);
  const exchange = [...ruleSet.upstreams].filter(([, { rpcOverHttp }]) => rpcOverHttp).map(([name]) => name);
  // A server that has a name gets that in SNI from both; one that is an address got none from Squid (SQ-195).
  const calledByHost = [...ruleSet.upstreams].filter(([, upstream]) => upstream.servers.some(isCalledByHost(upstream)));
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
    ...(calledByHost.length > 0
      ? [
          announced(
            'DIFFERS_SERVER_NAME',
            `TLS connections to ${calledByHost.map(([name]) => name).join(', ')} carry the Host that the server is sent as SNI, where Squid sent none; Apache since 2.4.64 wants it (421). With tls: { sni: none } none is sent.`,
            { kind: 'serverName' },
          ),
        ]
      : []),
    ...(hasChoice(ruleSet) ? [REPEATED] : []),
    ...(hasAnswers(ruleSet) ? [DENIED_UNASKED] : []),
    forwardedDifference(ruleSet),
    ...(changesAnswers(ruleSet) ? [OWN_ANSWERS] : []),
    ...ALWAYS,
  ];
}

/** Where there is nowhere else to go, nothing is repeated elsewhere. */
function hasChoice({ upstreams, routes }: RuleSet): boolean {
  return [...upstreams.values()].some(({ servers }) => servers.length > 1) || routes.some(({ fallback }) => fallback);
}

function hasAnswers({ access }: RuleSet): boolean {
  return access.some(({ action, answer }) => action === 'deny' && answer !== 'forbidden');
}

/** Seen on Squid 5.7: once DNS has answered, or failed to, the same request is denied as deny_info says. */
const DENIED_UNASKED = announced(
  'DIFFERS_DENIED_UNASKED',
  'A denial is answered as deny_info says. Squid answered 403 where it had to ask DNS on the way, until DNS had answered once.',
  { kind: 'respelled', as: () => ({}) },
);

function changesAnswers({ upstreams }: RuleSet): boolean {
  return [...upstreams.values()].some(({ responseHeaders }) => responseHeaders !== undefined);
}

/** client_side_reply.cc, buildReplyHeader: Squid changes its own answers like any other. */
const OWN_ANSWERS = announced(
  'DIFFERS_OWN_ANSWERS',
  'responseHeaders change answers of servers alone; what Outrigger itself answers (denials, redirects, errors) stays as it is. Squid changed that, too.',
  { kind: 'unseen' },
);

/** Seen on Squid 5.7; FwdState.cc reforwardableStatus, checkRetry. */
const REPEATED = announced(
  'DIFFERS_REPEATED',
  'A request goes on to another server only where no connection could be made. Squid also sent one without a body there when the first server answered 502 or 504, or closed without an answer.',
  { kind: 'unseen' },
);

function forwardedDifference({ upstreams, trustedProxies }: RuleSet): AnnouncedDifference {
  const passes = [...upstreams.values()].some(({ forwardedFor }) => forwardedFor === 'pass');
  const ours = passes ? 'X-Forwarded-Proto and -Host' : 'X-Forwarded-For, -Proto and -Host';
  const whose = trustedProxies === undefined ? 'a client' : 'a client that is no trusted proxy';
  const text = `${ours} are set anew for each request; what ${whose} claims in them is dropped.`;
  const fields: Sign = { kind: 'field', names: ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'] };
  if (trustedProxies === undefined) return announced('DIFFERS_FORWARDED', text, fields);
  return announced(
    'DIFFERS_FORWARDED',
    `${text} Where a trusted proxy names a client by address and port, that is the client, and where it names one by no address, the request is answered 400; to Squid the proxy itself was the client then.`,
    fields,
    { kind: 'refusal', codes: ['FORWARDED_FOR_MALFORMED'] },
    { kind: 'reading', as: plainlyForwarded },
  );
}

/** Squid believes X-Forwarded-For from its end up to the first entry that is no plain address (clientFollowXForwardedForCheck). */
function plainlyForwarded({ fields = [] }: AskedRequest): { fields: Fields } | undefined {
  const entries = forwardedFor(fields);
  const odd = entries.findLastIndex((entry) => parseAddress(entry) === undefined);
  if (odd === -1) return undefined;
  const others = fields.filter(([name]) => name.toLowerCase() !== 'x-forwarded-for');
  const believed = entries.slice(odd + 1);
  return { fields: believed.length === 0 ? others : [...others, ['X-Forwarded-For', believed.join(', ')]] };
}

const ALWAYS: readonly AnnouncedDifference[] = [
  announced('DIFFERS_CACHE', 'Nothing is cached: each request is answered by the server itself.', {
    kind: 'field',
    names: ['cache-control'],
    alike: isPlusMaxAge,
  }),
  announced('DIFFERS_VIA', 'No Via, X-Cache or Surrogate-Capability is added.', {
    kind: 'field',
    names: ['via', 'x-cache', 'x-cache-lookup', 'surrogate-capability'],
  }),
  announced(
    'DIFFERS_HOST_REFUSED',
    'A request of HTTP/1.1 without Host, one with two, or with one that is no name and no address, is answered 400 (RFC 9112 3.2); Squid took the site of the port, the first, or what there was.',
    { kind: 'refusal', codes: ['HOST_MISSING', 'HOST_REPEATED', 'HOST_MALFORMED'] },
  ),
  announced('DIFFERS_NO_ROUTE', 'A request that no peer may take is answered 503, where Squid 5 said 502.', {
    kind: 'refusal',
    codes: ['NO_ROUTE'],
    squid: 'fails',
  }),
  announced(
    'DIFFERS_HOST_SPELLING',
    'Host goes on as the client spelled it; Squid wrote it in lower case, without a final dot and without the port its scheme has anyway, and an address in its usual form.',
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
    'DIFFERS_ODD_REQUEST',
    'PURGE, OPTIONS * and requests whose Host is empty, has an empty label or an empty port, or is missing where the port has no site, are judged by the rules like any other; Squid answered them itself or read them otherwise. A target that is no path and no http or https URL, or has a blank or a # in it, is answered 400, and CONNECT 405, whatever the rules say.',
    { kind: 'reply', statuses: ownReplies },
    { kind: 'refusal', codes: ['TARGET', 'TARGET_MALFORMED'] },
    { kind: 'refusal', codes: ['CONNECT'], squid: 'denies' },
    { kind: 'reading', as: withoutFinalDots },
    // A port that replaces the Host glues the * to the name of the site, and makes / of it towards servers.
    { kind: 'route', of: ({ target }) => target === '*' },
    { kind: 'target', alike: (squid, outrigger) => outrigger === '*' && squid === '/' },
    { kind: 'field', names: ['host'], alike: (squid, outrigger) => squid === `${outrigger}*` },
    { kind: 'reading', as: ({ target }) => (target === '*' ? { target: '/' } : undefined) },
  ),
];

/** A label or a port of nothing. */
const EMPTY_PART = /^\.|\.\.[^.]|:$/;

/** What Squid answers before it looks at any list (SQ-104, SQ-118; client_side.cc prepareAcceleratedURL). */
function ownReplies({ method, target, host, hasSite }: AskedRequest): readonly number[] {
  const authority = /^[a-z]+:\/\/([^/?#]*)/i.exec(target)?.[1] ?? host;
  const isNameless = authority === undefined ? !hasSite : authority === '' || EMPTY_PART.test(authority);
  return [
    ...(target === '*' ? [501, ...DENIALS] : []),
    // 400, or what deny_info says where http_reply_access keeps back that answer, too.
    ...(isNameless ? DENIALS : []),
    // 403 where nothing lets it in; else what became of the page in the cache.
    ...(method === 'PURGE' ? [403, 404, 200] : []),
  ];
}

/** In the Host, and in the authority of a target that has one. */
function withoutFinalDots({ host = '', target }: AskedRequest): { host?: string; target?: string } | undefined {
  const bareHost = host.replace(/\.{2,}(?=(?::\d*)?$)/, '');
  const bareTarget = target.replace(/^(https?:\/\/[^/?#:]*[^/?#:.])\.{2,}/i, '$1');
  if (bareHost === host && bareTarget === target) return undefined;
  return { ...(bareHost !== host && { host: bareHost }), target: bareTarget };
}

function inCapitals(method: string): { method: string } | undefined {
  const capitals = method.toUpperCase();
  return capitals !== method && KNOWN_METHODS.has(capitals) ? { method: capitals } : undefined;
}

/** As Squid writes a Host it has read (SQ-100): with its port, or without where that is the scheme's, which the value does not say. */
function canonicalHosts(host: string): string[] {
  const [, name = '', port = ''] = /^(.*?)(:\d*)?$/.exec(host.toLowerCase()) ?? [];
  const bare = canonicalHost(name);
  return port === ':80' || port === ':443' || port === ':' ? [bare, bare + port] : [bare + port];
}

function announced(code: DifferenceCode, text: string, ...signs: Sign[]): AnnouncedDifference {
  return { code, text, signs };
}

/** Squid adds how old an answer of a cache may be: three days, or what a refresh_pattern says (http.cc, httpBuildRequestHeader; SQ-200). */
function isPlusMaxAge(squid: string, outrigger: string): boolean {
  const added = outrigger === '' ? squid : squid.startsWith(`${outrigger}, `) ? squid.slice(outrigger.length + 2) : '';
  return /^max-age=\d+$/.test(added);
}

/** Any host: with it in a request, a server that is an address is called by some name. */
const SOME_HOST = 'host.invalid';

/** Whether SNI is the Host that a server is sent. */
function isCalledByHost(upstream: Upstream): (server: string) => boolean {
  return (text) => {
    const server = parseServer(text);
    if (server?.scheme !== 'https' || upstream.tls?.serverName !== undefined) return false;
    return parseAddress(server.host) !== undefined && serverNames(server, upstream, SOME_HOST).sni !== undefined;
  };
}
