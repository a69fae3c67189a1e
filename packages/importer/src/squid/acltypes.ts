// Room: the table of acl types: which reader says what their values mean, or why no condition can say it.
import type { AclValue } from './acl.ts';
import {
  addresses,
  connectionCounts,
  connections,
  listeners,
  localAddresses,
  localPorts,
  methods,
  ports,
  schemes,
} from './aclnumbers.ts';
import { domains, headers, patterns } from './acltext.ts';
import { destinations } from './destinations.ts';
import { type Meaning, type MeaningContext, urlReplaced } from './meaning.ts';
import { times } from './times.ts';

/** Type of a `src` acl that looks at the connection, whoever a header names; in no file, for it holds blanks. */
export const CONNECTION_SRC = 'src of the connection';

type Read = (values: readonly AclValue[], context: MeaningContext) => Meaning;

const READERS: Readonly<Record<string, Read>> = {
  url_regex: (values, context) =>
    (context.site ?? context.replacedPort) === undefined ? patterns(values, 'url') : urlReplaced(context),
  urlpath_regex: (values) => patterns(values, 'path'),
  dstdom_regex: (values, context) => (context.site === undefined ? patterns(values, 'host') : urlReplaced(context)),
  'ssl::server_name_regex': (values, context) =>
    context.site === undefined ? patterns(values, 'host') : urlReplaced(context),
  dstdomain: domains,
  // On an accelerator it looks at the host of the URL, never at SNI (SQ-71).
  'ssl::server_name': domains,
  src: (values, { unseenClients, srcIsConnection }) =>
    srcIsConnection === true ? connections(values) : addresses(values, unseenClients),
  [CONNECTION_SRC]: connections,
  dst: destinations,
  // Only a URL with user:password@ in it has one, and such a request is answered 400.
  urllogin: () => ({ kind: 'never', notes: [] }),
  maxconn: connectionCounts,
  method: methods,
  port: ports,
  proto: schemes,
  time: times,
  myportname: (values, { ports: all }) => listeners(all, ({ word }) => values.some(({ text }) => text === word)),
  localport: localPorts,
  localip: localAddresses,
  browser: (values, context) => headers('User-Agent', values, context),
  referer_regex: (values, context) => headers('Referer', values, context),
  req_mime_type: (values, context) => headers('Content-Type', values, context),
  req_header: (values, context) => headers(values[0]?.text ?? '', values.slice(1), context),
};

/** Why the other types cannot be said. All are names Squid 2.6 to 7 know; any other type stops Squid from starting. */
const INEXPRESSIBLE: readonly (readonly [reason: string, types: string])[] = [
  ['it needs a DNS look-up for each request', 'srcdomain srcdom_regex dst_as src_as'],
  [
    'it needs Squid to know the user',
    'proxy_auth proxy_auth_regex ident ident_regex ext_user ext_user_regex user_cert ca_cert url_login max_user_ip',
  ],
  ['a helper program decides it', 'external'],
  ['it looks at the reply', 'http_status rep_header rep_mime_type hier_code peername peername_regex tag'],
  [
    'it counts or marks connections',
    'random clientside_mark client_connection_mark connections_encrypted annotate_client annotate_transaction note transaction_initiator has at_step adaptation_service urlgroup snmp_community server_cert_fingerprint client_cert_fingerprint ssl_error certUntrusted',
  ],
  ['it looks at the link layer', 'arp eui64'],
];

const REASONS: ReadonlyMap<string, string> = new Map(
  INEXPRESSIBLE.flatMap(([reason, types]) => types.split(' ').map((type) => [type, reason] as const)),
);

/** Every acl type that some Squid from 2.6 to 7 accepts. */
export function isAclType(type: string): boolean {
  return READERS[type] !== undefined || REASONS.has(type) || isGroupType(type) || type.startsWith('ssl::');
}

/** `any-of` and `all-of`: made of other acls. */
export function isGroupType(type: string): boolean {
  return type === 'any-of' || type === 'all-of';
}

/** What the values of one line of an acl mean. Bad values are noted and left out as Squid leaves them out. */
export function meaningOf(type: string, values: readonly AclValue[], context: MeaningContext): Meaning {
  const read = READERS[type];
  if (read === undefined) {
    return { kind: 'inexpressible', reason: REASONS.get(type) ?? 'Outrigger has nothing like it', notes: [] };
  }
  if (values.length === 0) {
    return { kind: 'never', notes: [{ code: 'SQUID_ACL_EMPTY', message: 'has no value, so it never matches' }] };
  }
  return read(values, context);
}
