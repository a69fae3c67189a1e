// Room: the certificate a client showed in its handshake, as the fields that tell a server of it: nginx's values under names of ours.
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Fields } from '@outrigger/rules';

/** What a handshake proved. `authorized` is node's word, and counts only with a certificate: a session resumed without one has it too. */
export type Shown = { certificate: X509Certificate | undefined; authorized: boolean; reason: string };

export function shownBy(socket: TLSSocket): Shown {
  const certificate = socket.getPeerX509Certificate();
  const { authorized, authorizationError } = socket;
  // An error object to the types, a code to everybody else.
  const reason = String(authorizationError ?? 'no certificate was shown');
  return { certificate, authorized: authorized && certificate !== undefined, reason };
}

/**
 * X-Client-Cert-Verified: SUCCESS, FAILED:reason or NONE; of a certificate also its subject (RFC 4514, in ASCII) and itself, as PEM,
 * percent-encoded: nginx's $ssl_client_verify, $ssl_client_s_dn and $ssl_client_escaped_cert.
 */
export function certificateFields({ certificate, authorized, reason }: Shown): Fields {
  if (certificate === undefined) return [['X-Client-Cert-Verified', 'NONE']];
  return [
    ['X-Client-Cert-Verified', authorized ? 'SUCCESS' : `FAILED:${reason.replaceAll(/[^\w .-]/g, '')}`],
    ['X-Client-Cert-Subject', distinguishedName(certificate.subject ?? '')],
    ['X-Client-Cert', encodeURIComponent(certificate.toString())],
  ];
}

/** Node writes one RDN a line, first things first, with the escapes of RFC 4514 2.4; the RFC wants them last first, with commas. */
function distinguishedName(lines: string): string {
  const name = lines.split('\n').reverse().join(',');
  return [...Buffer.from(name, 'utf8')]
    .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${hex(byte)}`))
    .join('');
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}
