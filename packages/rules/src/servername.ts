// Room: the two names of TLS towards a server: the one that is sent (SNI), and the one its certificate must carry. They are two
// things: what a client says in its Host may choose a virtual host, and must never choose whom we trust.
import { parseAddress } from './address.ts';
import type { Upstream } from './schema.ts';

export type ServerNames = {
  /** Sent in the handshake (RFC 6066 3); absent where there is no name to send. */
  sni?: string;
  /** Name or address the certificate is checked for where `tls.verify` is on. Only the rules say it. */
  checked: string;
};

/** RFC 1035 2.3.4, with the underscores that names of hosts have in practice. SNI carries no addresses and no trailing dot. */
const DNS_NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_-]{1,63})*$/;

/** What `tls.sni` says where no name is to be sent. */
const NO_NAME = 'none';

/** RFC 6761 6.3: a name for an address of this machine, which no virtual host has. */
const LOOPBACK_NAME = 'localhost';

/**
 * Of several names of `tls.serverName` the Host of the request chooses, and no other: whom we trust is what the rules list.
 * SNI is `tls.sni`, none where that is `none`, else `tls.serverName`, else the name in the server's URL, else the Host that the server is sent: Apache since 2.4.64 answers
 * 421 where SNI is missing, or names a host with other TLS settings than the one of the request (field cases 88, 90).
 * `host`: of the request, lower case, without port; empty where it names none.
 */
export function serverNames(
  server: { host: string },
  upstream: Pick<Upstream, 'tls' | 'host'>,
  host: string,
): ServerNames {
  const configured = nameFor(upstream.tls?.serverName ?? [], hostSent(upstream, host).toLowerCase()) ?? server.host;
  const wanted = upstream.tls?.sni;
  const names = wanted === undefined ? [configured, hostSent(upstream, host)] : wanted === NO_NAME ? [] : [wanted];
  const sni = names.map((name) => name.toLowerCase()).find(isSendable);
  return { ...(sni !== undefined && { sni }), checked: configured };
}

/** Whether `tls.sni` can be what it says. */
export function isServerNameWord(word: string): boolean {
  return word === NO_NAME || isSendable(word.toLowerCase());
}

/** The name that `host` is, or the domain of a `.suffix` that it is in, as in conditions; else the first that is no suffix. */
function nameFor(names: readonly string[], host: string): string | undefined {
  const isIt = (name: string): boolean => (name.startsWith('.') ? `.${host}`.endsWith(name) : name === host);
  return names.some((name) => isIt(name.toLowerCase())) ? host : names.find((name) => !name.startsWith('.'));
}

function hostSent({ host: fixed }: Pick<Upstream, 'host'>, host: string): string {
  return fixed?.replace(/:\d*$/, '') ?? host;
}

/** Whether a name, in lower case, is one that SNI can carry. */
function isSendable(name: string): boolean {
  return name !== LOOPBACK_NAME && DNS_NAME.test(name) && parseAddress(name) === undefined;
}
