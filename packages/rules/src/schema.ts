// Room: the shape of a rules file, as data. The types of the whole product are inferred from here, and the JSON Schema
// that editors use is printed from here. What the words mean is match.ts and route.ts; how a file is read is load.ts.
import { z } from 'zod';
import type { SourceRef } from './diagnostic.ts';
import { DURATION, parseDuration, parseSize, SIZE } from './units.ts';

/** Methods of MS-RPCH 2.1.2.1 and MS-TSGU 3.3.5.1, plus the two that intrusion sensors list beside them (field case 20). */
export const TUNNEL_METHODS = [
  'RPC_IN_DATA',
  'RPC_OUT_DATA',
  'RPC_CONNECT',
  'RPC_ECHO_DATA',
  'RDG_IN_DATA',
  'RDG_OUT_DATA',
] as const;

/** Values that hold where a rules file is silent. Durations in milliseconds, sizes in bytes. */
export const DEFAULTS = {
  /** Request line, bytes. Above any URL Exchange or a browser makes; below what one line could use to fill memory. */
  requestLine: 64 * 1024,
  /** Whole request head, bytes. Kerberos tokens reach tens of KiB and one browser may carry two (field cases 44, 83). */
  head: 128 * 1024,
  /** From the first byte of a head to its end. A person's slowest network needs seconds; a slow-head attack wants hours. */
  headTime: 60_000,
  /** Silence between two requests of a client connection. IIS drops idle connections after 120 s; it should be the one to. */
  keepAlive: 180_000,
  /** Connections of one client open at once. Outlook opens 10 to 20; an office of 200 behind one address has 4,000. */
  connectionsPerClient: 4_096,
  /** TCP and TLS with a server. Longer than two lost SYNs (3 s), shorter than a person's patience. */
  connect: 10_000,
  /** From the end of a request head to the first byte of its answer. ActiveSync polls are held for an hour (field case 69). */
  answer: 65 * 60_000,
  /** Silence in both directions inside an ordinary exchange. As long as a held poll, for the same reason. */
  idle: 65 * 60_000,
  /** Silence in both directions on a channel. Exchange pings within 30 minutes; appliances settle on hours (field cases 8, 9). */
  tunnelIdle: 10 * 3_600_000,
  /** Between two health checks of a server. Two failures mark it down: half a minute, as load balancers for Exchange have it. */
  healthInterval: 10_000,
  /** For a health check from the first SYN to its answer. A server that needs longer for a page made for this is not well. */
  healthTimeout: 5_000,
} as const;
/** Milliseconds between checks at least: below it, checks are the load they are to find. */
const HEALTH_INTERVAL_LEAST = 100;

const duration = z
  .string()
  .regex(DURATION, 'a duration is a whole number and a unit: 500ms, 30s, 15m, 10h, 1d')
  .transform((text) => parseDuration(text) ?? 0)
  .meta({ description: 'A duration: a whole number and a unit of ms, s, m, h or d' });
const size = z
  .string()
  .regex(SIZE, 'a size is a whole number and a unit: 512B, 64KiB, 2MiB')
  .transform((text) => parseSize(text) ?? 0)
  .meta({ description: 'A size: a whole number and a unit of B, KiB, MiB or GiB' });
const text = z.string().min(1);
const list = <Item extends z.ZodType>(item: Item) =>
  z.union([item.transform((one) => [one]), z.array(item).min(1)]) as z.ZodType<
    z.output<Item>[],
    z.input<Item> | z.input<Item>[]
  >;
const PORT_MAX = 65_535;
const PORT_FORM = 'a port is a number from 1 to 65535, or two of them: 8000-8999';
const port = z.int(PORT_FORM).min(1, PORT_FORM).max(PORT_MAX, PORT_FORM);
const portRange = z
  .string()
  .regex(/^\d{1,5}-\d{1,5}$/, PORT_FORM)
  .refine((range) => {
    const [first = 0, last = 0] = range.split('-').map(Number);
    return first >= 1 && first <= last && last <= PORT_MAX;
  }, PORT_FORM);
const tlsVersion = z.enum(['1.0', '1.1', '1.2', '1.3']);

const pathCondition = z.union(
  [
    z.strictObject({ prefix: text, ignoreCase: z.boolean().optional() }),
    z.strictObject({ exact: text, ignoreCase: z.boolean().optional() }),
    z.strictObject({ regex: text, ignoreCase: z.boolean().optional() }),
  ],
  { error: 'a path condition holds exactly one of prefix, exact or regex, and ignoreCase if wanted' },
);
const urlCondition = z.strictObject({ regex: text, ignoreCase: z.boolean().optional() });
const headerCondition = z.strictObject({ name: text, regex: text, ignoreCase: z.boolean().optional() });

const leafConditions = {
  hosts: list(text)
    .optional()
    .meta({ description: 'Host of the request: exact, .suffix (the domain and all below it), * (any); ! negates' }),
  path: list(pathCondition).optional().meta({ description: 'Path as the server behind will read it' }),
  url: list(urlCondition)
    .optional()
    .meta({ description: 'Whole URL as Squid sees it: scheme://host[:port]/path?query, percent-decoded once' }),
  methods: list(text).optional().meta({ description: 'Request methods, case-sensitive; ! negates' }),
  headers: list(headerCondition).optional().meta({ description: 'A header field whose value matches a regex' }),
  clients: list(text).optional().meta({ description: 'Client addresses: one, CIDR, or first-last; ! negates' }),
  listeners: list(text).optional().meta({ description: 'Names (or addresses, where unnamed) of listeners; ! negates' }),
  ports: list(z.union([port, portRange], PORT_FORM))
    .optional()
    .meta({ description: 'Port of the URL: of the Host, else of the scheme; a number, or a range written 8000-8999' }),
};

/** What a request must be for a rule to hold: AND over the keys, OR inside each list. The empty condition always holds. */
export type Condition = {
  [Key in keyof typeof leafConditions]?: NonNullable<z.output<(typeof leafConditions)[Key]>>;
} & { any?: Condition[]; all?: Condition[]; not?: Condition };

const condition: z.ZodType<Condition> = z.lazy(() =>
  z.strictObject({
    ...leafConditions,
    any: z.array(condition).min(1).optional().meta({ description: 'Holds when one of these holds' }),
    all: z.array(condition).min(1).optional().meta({ description: 'Holds when each of these holds' }),
    not: condition.optional().meta({ description: 'Holds when this does not' }),
  }),
);

const passphraseFile = text
  .optional()
  .meta({ description: 'File whose first line is the passphrase of the key; readable by this process alone' });
const certificate = z.union(
  [
    z.strictObject({
      cert: text.meta({ description: 'PEM file: the certificate and its chain' }),
      key: text.meta({ description: 'PEM file: the private key' }),
      passphraseFile,
    }),
    z.strictObject({
      pkcs12: text.meta({ description: 'PKCS#12 file (.pfx, .p12): certificate, chain and key' }),
      passphraseFile,
    }),
  ],
  { error: 'a certificate holds cert and key, or pkcs12, and passphraseFile if wanted' },
);

const passThrough = z.strictObject({
  hosts: list(text).meta({ description: 'Names in SNI: exact, .suffix, * (any, and none); ! negates' }),
  to: text.meta({ description: 'Upstream whose servers end TLS themselves' }),
});

const listener = z.strictObject({
  address: text.meta({ description: 'ADDRESS:PORT, [IPV6]:PORT or *:PORT' }),
  name: text.optional().meta({ description: 'What a listeners condition calls it; the address where absent' }),
  tls: z
    .strictObject({
      certificates: z.array(certificate).min(1).meta({ description: 'Chosen by SNI; the first is the default' }),
      minVersion: tlsVersion.optional(),
      maxVersion: tlsVersion.optional(),
      ciphers: text.optional().meta({ description: 'OpenSSL cipher list for TLS 1.2 and older' }),
      // Browsers expect it; where it is not provably safe http2.ts withholds it whatever stands here.
      http2: z.boolean().optional().meta({
        description:
          'Offer HTTP/2 for host names that can reach no rpcOverHttp upstream; default: true without ciphers',
      }),
      clientCertificates: z
        .strictObject({
          ca: text.meta({ description: 'PEM file of the authorities whose client certificates count' }),
          mode: z.enum(['request', 'require']).default('require').meta({
            description: 'require: no connection without a valid one; request: servers are told what was shown',
          }),
        })
        .optional()
        .meta({ description: 'Ask clients for a certificate, and tell servers of it in X-Client-Cert fields' }),
    })
    .optional(),
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
});

const health = z.strictObject({
  path: z
    .string()
    .regex(/^\/[!-~]*$/, 'a path to ask for begins with / and has no blanks')
    .meta({ description: 'Asked for with GET on a connection of its own: /owa/healthcheck.htm on Exchange' }),
  interval: duration
    .refine((milliseconds) => milliseconds >= HEALTH_INTERVAL_LEAST, 'checks are at least 100ms apart')
    .default(DEFAULTS.healthInterval)
    .meta({ description: 'Between the end of one check and the next; default 10s' }),
  timeout: duration
    .default(DEFAULTS.healthTimeout)
    .meta({ description: 'For connecting and the head of the answer together; default 5s' }),
  host: z
    .string()
    .regex(/^[!-~]+$/, 'a host has no blanks')
    .optional()
    .meta({ description: 'Host to ask for; default: host of the upstream, else tls.serverName, else the server' }),
  expect: list(z.int().min(200).max(599))
    .optional()
    .meta({ description: 'Statuses that are well; default 200 to 399' }),
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
  proxyProtocol: z
    .enum(['v1', 'v2'])
    .optional()
    .meta({ description: 'Send the PROXY protocol ahead of each connection; every server must expect it' }),
  health: health.optional().meta({ description: 'Servers that fail this check are skipped while others are up' }),
  host: text.optional().meta({ description: 'Host sent to the servers; the one of the request where absent' }),
  tls: z
    .strictObject({
      verify: z.boolean().default(true),
      serverName: text.optional().meta({
        description:
          'Name in SNI and in the certificate. Where absent, the name in the URL of the server is both; where that is an address, the Host of the request is sent, and the address checked',
      }),
      minVersion: tlsVersion.optional().meta({
        description:
          'Oldest TLS version spoken with the servers; default 1.2. 1.0 and 1.1 also allow the weak signatures and keys that such servers have, and are warned about at each start',
      }),
      ca: text.optional().meta({ description: 'PEM file of trusted authorities; those of the system where absent' }),
      certificate: certificate.optional().meta({ description: 'Client certificate shown to the servers' }),
    })
    .optional(),
  timeouts: z
    .strictObject({
      connect: duration.default(DEFAULTS.connect),
      answer: duration.default(DEFAULTS.answer),
      idle: duration.default(DEFAULTS.idle),
      tunnelIdle: duration.default(DEFAULTS.tunnelIdle),
    })
    .prefault({}),
});

const denial = z
  .enum(['forbidden', 'misdirected', 'reset'])
  .meta({ description: '403, 421 (RFC 9110 15.5.20: this is not the server of that host), or a reset connection' });
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
const route = z.strictObject({
  when: condition.optional(),
  to: text,
  timeouts: z
    .strictObject({ answer: duration.optional(), idle: duration.optional(), tunnelIdle: duration.optional() })
    .optional()
    .meta({ description: 'Instead of those of the upstream, which keeps connect: a connection serves several routes' }),
  rewrite: rewrite.optional(),
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
  access: z.array(accessLine).default([]).meta({ description: 'First match wins; what no line matches is denied' }),
  routes: z.array(route).min(1).meta({ description: 'First match wins' }),
  limits,
  trustedProxies: z
    .array(text)
    .min(1)
    .optional()
    .meta({ description: 'Proxies in front whose X-Forwarded-For is believed: one address, CIDR, or first-last' }),
  tunnelMethods: z.array(text).default([...TUNNEL_METHODS]),
});

/** Where a rule stands in the rules file, and the lines of a foreign config it was imported from. */
export type Provenance = { at?: SourceRef; from?: SourceRef[] };

export type PathCondition = z.output<typeof pathCondition>;
export type UrlCondition = z.output<typeof urlCondition>;
export type HeaderCondition = z.output<typeof headerCondition>;
export type CertificateFiles = z.output<typeof certificate>;
export type PassThrough = z.output<typeof passThrough>;
export type TlsVersion = z.output<typeof tlsVersion>;
export type Listener = z.output<typeof listener> & Provenance;
export type Upstream = z.output<typeof upstream> & Provenance;
export type Health = z.output<typeof health>;
export type AccessLine = { action: 'allow' | 'deny'; when: Condition; answer: z.output<typeof denial> } & Provenance;
export type Rewrite = z.output<typeof rewrite>;
export type Route = z.output<typeof route> & Provenance;
export type Limits = z.output<typeof limits>;

/** What a rules file says, defaults filled in. The neutral form between importer and proxy; there is no second one. */
export type RuleSet = {
  listen: Listener[];
  upstreams: Map<string, Upstream>;
  /** First match wins; what no line matches is denied. */
  access: AccessLine[];
  /** First match wins; what no route matches is answered 503. */
  routes: Route[];
  limits: Limits;
  tunnelMethods: string[];
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
