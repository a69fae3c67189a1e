// Room: what keeps a whole virtual host with Apache, whatever its lines say. Pure.
import { askingLines } from './clientcertificates.ts';
import type { Door } from './listeners.ts';
import type { Servers, VirtualHost } from './servers.ts';
import { inherited } from './settings.ts';
import { tlsOf } from './tls.ts';

/** Why all paths of a virtual host stay, and what to do about it. */
export type WholeStay = { reason: string; hint: string };

const ASKS_CERTIFICATES: WholeStay = {
  reason:
    'its virtual host asks clients for a certificate, which only who ends TLS can, so its connections pass through unread',
  hint: 'Ask for none in a virtual host of Exchange, or write its listener by hand, with clientCertificates.',
};
const OTHER_TLS: WholeStay = {
  reason: 'its virtual host has no SSLEngine on an address that speaks TLS',
  hint: 'Write SSLEngine on, with a certificate, in its virtual host.',
};
const STRICT_METHODS: WholeStay = {
  reason:
    'HttpProtocolOptions RegisteredMethods refuses methods that Apache does not know, those of RPC over HTTP among them',
  hint: 'Take RegisteredMethods out if Outlook shall connect.',
};
/** Where nothing else keeps it. */
export const UNNAMED: WholeStay = {
  reason: 'no rule can say which requests are for this virtual host',
  hint: 'Give it a ServerName.',
};

/** What keeps it, if anything does: how it ends TLS, or which methods its address refuses. */
export function wholeStay(host: VirtualHost, door: Door, servers: Servers): WholeStay | undefined {
  return otherTls(host, servers) ?? strictMethods(door, servers);
}

/** What sets a virtual host apart from the listener: it asks for certificates (AP-43), or speaks no TLS at all (AP-45). */
function otherTls(host: VirtualHost, servers: Servers): WholeStay | undefined {
  if (tlsOf(servers, host) === undefined) return OTHER_TLS;
  return askingLines(servers, host).length > 0 ? ASKS_CERTIFICATES : undefined;
}

/** Which methods are refused before a virtual host is chosen, the first of the address decides for all of it (core.c, http_protocol.c). */
function strictMethods({ hosts: [first] }: Door, servers: Servers): WholeStay | undefined {
  const words =
    first === undefined ? [] : inherited(servers, first, 'httpprotocoloptions').flatMap(({ words }) => words);
  const last = words
    .map(({ text }) => text.toLowerCase())
    .filter((word) => word.endsWith('methods'))
    .at(-1);
  return last === 'registeredmethods' ? STRICT_METHODS : undefined;
}
