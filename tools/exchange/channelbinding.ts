// Room: channel bindings of NTLM: what a login says about the certificate that its client saw. Extended Protection of Exchange compares it
// with the certificate of Exchange itself. Pure.
import { createHash } from 'node:crypto';

/**
 * MsvAvChannelBindings (MS-NLMP 2.2.2.1), 16 bytes, for a server certificate in DER: the MD5 of a gss_channel_bindings_struct without
 * addresses (RFC 2744 3.11) that holds tls-server-end-point (RFC 5929 4.1). The certificate must be signed with SHA-256, as those of
 * our authority are; other signatures ask for other hashes.
 */
export function channelBindings(certificate: Buffer): Buffer {
  return bindingsOf(createHash('sha256').update(certificate).digest());
}

/** The same for the hash of a certificate. */
export function bindingsOf(certificateHash: Buffer): Buffer {
  const application = Buffer.concat([Buffer.from('tls-server-end-point:', 'latin1'), certificateHash]);
  const lengths = Buffer.alloc(20); // types and lengths of two addresses, all 0, and the length of what follows
  lengths.writeUInt32LE(application.length, 16);
  return createHash('md5').update(lengths).update(application).digest();
}
