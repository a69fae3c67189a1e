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
 * SNI is `tls.sni`, none where that is `none`, else `tls.serverName`, else the name in the server's URL, else the Host that the server is sent: Apache since 2.4.64 answers
 * 421 where SNI is missing, or names a host with other TLS settings than the one of the request (field cases 88, 90).
 * `host`: of the request, lower case, without port; empty where it names none.
 */
export function serverNames(
  server: { host: string },
  upstream: Pick<Upstream, 'tls' | 'host'>,
  host: string,
): ServerNames {
  const configured = upstream.tls?.serverName ?? server.host;
  const wanted = upstream.tls?.sni;
  const names = wanted === undefined ? [configured, hostSent(upstream, host)] : wanted === NO_NAME ? [] : [wanted];
  const sni = names.map((name) => name.toLowerCase()).find(isSendable);
  return { ...(sni !== undefined && { sni }), checked: configured };
}

/** Whether `tls.sni` can be what it says. */
export function isServerNameWord(word: string): boolean {
  return word === NO_NAME || isSendable(word.toLowerCase());
}

function hostSent({ host: fixed }: Pick<Upstream, 'host'>, host: string): string {
  return fixed?.replace(/:\d*$/, '') ?? host;
}

/** Whether a name, in lower case, is one that SNI can carry. */
function isSendable(name: string): boolean {
  return name !== LOOPBACK_NAME && DNS_NAME.test(name) && parseAddress(name) === undefined;
}
