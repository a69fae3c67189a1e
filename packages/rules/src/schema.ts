// Room: the shape of a rules file, as data. The types of the whole product are inferred from here, and the JSON Schema
// that editors use is printed from here. What the words mean is match.ts and route.ts; how a file is read is load.ts.
import { z } from 'zod';
import { type Condition, condition } from './condition.ts';
import { connectionsPerServer } from './connections.ts';
import { DEFAULTS, TUNNEL_METHODS } from './defaults.ts';
import { type Denial, denial } from './denial.ts';
import type { SourceRef } from './diagnostic.ts';
import { headerChanges } from './headers.ts';
import { health } from './health.ts';
import { type AccessLog, accessLog } from './logformat.ts';
import { page } from './page.ts';
import { listenerTls, upstreamTls } from './tls.ts';
import { duration, list, size, text } from './values.ts';

/** Greatest share of a server: beyond it the others are not meant to be used, and need not be named. */
const WEIGHT_MOST = 1_000;
const WEIGHT_FORM = `a weight is a whole number from 1 to ${WEIGHT_MOST}`;

const passThrough = z.strictObject({
  hosts: list(text).meta({ description: 'Names in SNI: exact, .suffix, * (any, and none); ! negates' }),
  to: text.meta({ description: 'Upstream whose servers end TLS themselves' }),
});

const listener = z.strictObject({
  address: text.meta({ description: 'ADDRESS:PORT, [IPV6]:PORT or *:PORT' }),
  name: text.optional().meta({ description: 'What a listeners condition calls it; the address where absent' }),
  tls: listenerTls.optional(),
  defaultHost: text.optional().meta({ description: 'HOST[:PORT] of a request that names none' }),
  passThrough: z.array(passThrough).min(1).optional().meta({
    description: 'Connections that go on unread, chosen by SNI before TLS; no rule sees inside. First match wins',
  }),
  redirect: z
    .literal('https')
    .optional()
    .meta({ description: 'Answer with the way to https, all but ACME challenges; for a listener without tls' }),
  proxyProtocol: z
    .array(text)
    .min(1)
    .optional()
    .meta({ description: 'Load balancers that must send the PROXY protocol: one address, CIDR, or first-last' }),
  proxyProtocolOnly: z
    .literal(true)
    .optional()
    .meta({ description: 'Connections of anybody who is not in proxyProtocol are closed unread' }),
});

const upstream = z.strictObject({
  servers: z.array(text).min(1).meta({
    description: 'http://HOST:PORT, https://HOST:PORT or unix:/PATH; the next is tried when one cannot be reached',
  }),
  rpcOverHttp: z.boolean().default(false).meta({ description: 'RPC_* and RDG_* may be tunnelled here' }),
  rpcEndpoints: list(text).optional().meta({
    description:
      'RPC endpoints a tunnel may ask for: SERVER:PORT, SERVER:FIRST-LAST, * for any server; any where absent',
  }),
  frontEndHttps: z.boolean().default(false).meta({ description: 'Send Front-End-Https: On' }),
  ignoreCase: z
    .boolean()
    .optional()
    .meta({ description: 'Its paths ignore case (IIS does); default: the value of rpcOverHttp' }),
  ambiguousPaths: z
    .enum(['refuse', 'pass'])
    .optional()
    .meta({ description: 'Paths that read in two ways (%2F, %00, …); default: refuse where rpcOverHttp, else pass' }),
  affinity: z.enum(['none', 'client', 'cookie']).optional().meta({
    description:
      'Which of several servers a client is brought to: none, the first that can be reached (the default); client, one by its address; cookie, one by a cookie, and by the address for RPC and RDG channels, which have no cookies',
  }),
  weights: z.array(z.int(WEIGHT_FORM).min(1, WEIGHT_FORM).max(WEIGHT_MOST, WEIGHT_FORM)).min(1).optional().meta({
    description: 'With affinity: shares of clients, one number for each of servers in their order; equal where absent',
  }),
  affinityCookie: z
    .strictObject({
      name: z
        .string()
        .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'a cookie name is letters, digits and a few signs (RFC 6265 4.1.1)')
        .default('outrigger'),
      sameSite: z.enum(['lax', 'strict', 'none']).default('lax').meta({
        description:
          'none where other sites post to this one (SAML) and the second answer must come from the same server',
      }),
    })
    .optional()
    .meta({ description: 'The cookie of affinity: cookie; always HttpOnly, and Secure on TLS' }),
  connectionsPerServer: connectionsPerServer.optional().meta({
    description:
      'Connections one server may have at once, tunnels and those that rest included: one number for all, or one for each of servers in their order, 0 for any number. Then the next server is asked, and where all are full the client gets 503. One that rests makes room. Each worker counts by itself',
  }),
  proxyProtocol: z
    .enum(['v1', 'v2'])
    .optional()
    .meta({ description: 'Send the PROXY protocol ahead of each connection; every server must expect it' }),
  health: health.optional().meta({ description: 'Servers that fail this check are skipped while others are up' }),
  host: text.optional().meta({ description: 'Host sent to the servers; the one of the request where absent' }),
  forwardedFor: z.enum(['replace', 'remove', 'unknown', 'pass']).optional().meta({
    description:
      'X-Forwarded-For sent to the servers: replace, the address of the client (the default; trustedProxies are appended to); remove, none; unknown, the word in place of the address; pass, whatever the client claims',
  }),
  requestHeaders: headerChanges
    .optional()
    .meta({ description: 'Changes to the head of a request; before those of the route' }),
  responseHeaders: headerChanges
    .optional()
    .meta({ description: 'Changes to the head of an answer; before those of the route' }),
  tls: upstreamTls.optional(),
  timeouts: z
    .strictObject({
      connect: duration.default(DEFAULTS.connect),
      answer: duration.default(DEFAULTS.answer),
      idle: duration.default(DEFAULTS.idle),
      tunnelIdle: duration.default(DEFAULTS.tunnelIdle),
    })
    .prefault({}),
});

const accessLine = z.union(
  [z.strictObject({ allow: condition }), z.strictObject({ deny: condition, answer: denial.default('forbidden') })],
  { error: 'an access line holds allow or deny, each with a condition ({} holds always)' },
);

const pathMap = z.strictObject({ from: text, to: text });
const rewrite = z.strictObject({
  path: pathMap.optional().meta({ description: 'Replace this prefix of the path, in whole segments' }),
  location: z
    .array(pathMap)
    .min(1)
    .optional()
    .meta({ description: 'Replace this prefix of Location, as ProxyPassReverse does' }),
  cookieDomain: z.array(pathMap).min(1).optional().meta({ description: 'Replace this Domain of cookies' }),
  cookiePath: z.array(pathMap).min(1).optional().meta({ description: 'Replace this Path of cookies' }),
});
const fallbackEntry = z.union(
  [text.transform((to): Fallback => ({ to })), z.strictObject({ when: condition.optional(), to: text })],
  'a fallback is the name of an upstream, or { when, to }',
);
const route = z.strictObject({
  when: condition.optional(),
  to: text,
  fallback: list(fallbackEntry).optional().meta({
    description:
      'Upstreams that take the request, in this order, where no server of `to` can be connected to; each by its own settings, and one with `when` only such requests of the route',
  }),
  timeouts: z
    .strictObject({ answer: duration.optional(), idle: duration.optional(), tunnelIdle: duration.optional() })
    .optional()
    .meta({ description: 'Instead of those of the upstream, which keeps connect: a connection serves several routes' }),
  rewrite: rewrite.optional(),
  requestHeaders: headerChanges.optional(),
  responseHeaders: headerChanges.optional(),
});

const limits = z
  .strictObject({
    requestLine: size.default(DEFAULTS.requestLine),
    head: size.default(DEFAULTS.head),
    headTime: duration.default(DEFAULTS.headTime),
    keepAlive: duration.default(DEFAULTS.keepAlive),
    connectionsPerClient: z
      .int()
      .min(1)
      .default(DEFAULTS.connectionsPerClient)
      .meta({ description: 'Connections of one client (IPv4 address, IPv6 /64) open at once; more are closed unread' }),
    waitingConnections: z.int().min(1).default(DEFAULTS.waitingConnections).meta({
      description:
        'Connections of each worker whose TLS handshake or first request head is not complete; beyond it the oldest of the client with most is closed',
    }),
    headsPerSecond: z.int().min(1).optional().meta({
      description:
        'Requests of one client in a second; more are answered 429. No bound where absent: an office may be one address',
    }),
  })
  .prefault({});

/** A rules file as written. */
export const rulesDocument = z.strictObject({
  listen: z.array(listener).min(1),
  upstreams: z.record(
    z.string().regex(/^(?!__proto__$)[A-Za-z0-9_.:[\]-]+$/, 'letters, digits and _ . : - only'),
    upstream,
  ),
  pages: z
    .record(z.string().regex(/^(?!__proto__$)[A-Za-z0-9_.:-]+$/, 'letters, digits and _ . : - only'), page)
    .optional()
    .meta({ description: 'Pages that answers of access lines name' }),
  access: z.array(accessLine).default([]).meta({ description: 'First match wins; what no line matches is denied' }),
  routes: z.array(route).min(1).meta({ description: 'First match wins' }),
  limits,
  trustedProxies: z
    .array(text)
    .min(1)
    .optional()
    .meta({ description: 'Proxies in front whose X-Forwarded-For is believed: one address, CIDR, or first-last' }),
  accessLog: list(accessLog)
    .optional()
    .meta({ description: 'Files with a line for each request, beside the log on stdout' }),
  tunnelMethods: z.array(text).default([...TUNNEL_METHODS]),
});

/** Where a rule stands in the rules file, and the lines of a foreign config it was imported from. */
export type Provenance = { at?: SourceRef; from?: SourceRef[] };

export type PassThrough = z.output<typeof passThrough>;
export type Listener = z.output<typeof listener> & Provenance;
export type Upstream = z.output<typeof upstream> & Provenance;
export type DenialPage = z.output<typeof page> & Provenance;
export type AccessLine = { action: 'allow' | 'deny'; when: Condition; answer: Denial } & Provenance;
export type Rewrite = z.output<typeof rewrite>;
export type Route = z.output<typeof route> & Provenance;

/** An upstream that stands in for the `to` of a route: for all of its requests, or for such as `when` holds for. */
export type Fallback = { to: string; when?: Condition | undefined };

/** Upstreams a request of this route may go to, in the order in which they are tried. */
export function upstreamsOf({ to, fallback = [] }: Pick<Route, 'to' | 'fallback'>): string[] {
  return [to, ...fallback.map((standIn) => standIn.to)];
}

export type Limits = z.output<typeof limits>;

/** What a rules file says, defaults filled in. The neutral form between importer and proxy; there is no second one. */
export type RuleSet = {
  listen: Listener[];
  upstreams: Map<string, Upstream>;
  /** Pages that answers of access lines name. */
  pages?: Map<string, DenialPage> | undefined;
  /** First match wins; what no line matches is denied. */
  access: AccessLine[];
  /** First match wins; what no route matches is answered 503. */
  routes: Route[];
  limits: Limits;
  tunnelMethods: string[];
  /** Files that get a line for each request. */
  accessLog?: AccessLog[] | undefined;
  /** Peers whose X-Forwarded-* are believed; absent: nobody. */
  trustedProxies?: string[] | undefined;
};

/** An upstream with everything but its servers at the default: for importers and tests that say only what differs. */
export function upstreamOf(given: z.input<typeof upstream> & Provenance): Upstream {
  const { at, from, ...rest } = given;
  return { ...upstream.parse(rest), ...(at && { at }), ...(from && { from }) };
}

/** Limits at their defaults. */
export function defaultLimits(): Limits {
  return limits.parse({});
}

/** JSON Schema (2020-12) of a rules file, for editors. */
export function jsonSchema(): object {
  return {
    $id: 'outrigger.schema.json',
    title: 'Outrigger rules file',
    ...z.toJSONSchema(rulesDocument, { io: 'input', target: 'draft-2020-12' }),
  };
}
