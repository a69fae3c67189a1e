// Room: how TLS is spoken with servers: files and versions, once for an upstream; the name sent and the name checked, for each
// connection.
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  DEFAULT_CIPHERS,
  type SecureContextOptions,
} from 'node:tls';
import type { ServerNames, TlsVersion, Upstream } from '@outrigger/rules';
import { secureVersion } from './certificates.ts';
import { loadKeyPair, type PemReader, readPem } from './pem.ts';
import type { StartProblem } from './start.ts';

/**
 * Groups of key exchange with servers, most wanted first, as OpenSSL has them by default, but for its post-quantum one, which comes
 * last: a server that insists on it still gets it, one round trip later. OpenSSL from 3.5 on makes a key of it for each
 * connection and keeps it until the end, 8 KiB and a ClientHello of two segments, for servers that mostly do not know it.
 */
const SERVER_GROUPS = 'X25519:P-256:X448:P-384:P-521:ffdhe2048:ffdhe3072:X25519MLKEM768';

/** The OpenSSL that first had it; an older one refuses a list with a name it does not know. */
const POST_QUANTUM_OPENSSL = 3.5;

/** What is asked of OpenSSL towards every server; nothing where its own choice is that already. */
const GROUPS: SecureContextOptions =
  Number.parseFloat(process.versions.openssl) >= POST_QUANTUM_OPENSSL ? { ecdhCurve: SERVER_GROUPS } : {};

/** Node would check the certificate for the name it sends, which may be one that the client chose. */
export function tlsNames(names: ServerNames | undefined): ConnectionOptions {
  if (names === undefined) return {};
  const { sni, checked } = names;
  return {
    ...(sni !== undefined && { servername: sni }),
    checkServerIdentity: (_sent, certificate) => checkServerIdentity(checked, certificate),
  };
}

/** What a secure context was made from, its files as bytes: two that are equal make the same. */
export type SecureMaterial = SecureContextOptions | undefined;

export type SecureOptions =
  | { kind: 'options'; options: ConnectionOptions; material: SecureMaterial }
  | { kind: 'bad'; problem: StartProblem };

/** One secure context per upstream: building one per connection halves the rate of connections. */
export function secureOptions(name: string, { tls, servers }: Upstream, reader: PemReader): SecureOptions {
  if (!servers.some((url) => url.startsWith('https:'))) return { kind: 'options', options: {}, material: undefined };
  const material: SecureContextOptions = { ...GROUPS, ...versionOptions(tls?.minVersion) };
  if (material.ciphers !== undefined) {
    const message = `TLS ${tls?.minVersion} is allowed towards ${name}: who sits on the way can break it. Update its servers.`;
    reader.warn({ code: 'TLS_OBSOLETE', message });
  }
  if (tls?.ca !== undefined) {
    const ca = readPem(reader, tls.ca);
    if (ca.kind === 'bad') return ca;
    material.ca = ca.pem;
  }
  const shared = {
    rejectUnauthorized: tls?.verify ?? true,
    // IIS serves RPC over HTTP in HTTP/1.1 only, and what the relay carries is HTTP/1.
    ALPNProtocols: ['http/1.1'],
  };
  if (tls?.certificate === undefined) {
    return { kind: 'options', options: { ...shared, secureContext: createSecureContext(material) }, material };
  }
  const loaded = loadKeyPair(tls.certificate, reader, material);
  if (loaded.kind === 'bad') return loaded;
  const { context, material: pair } = loaded.pair;
  return { kind: 'options', options: { ...shared, secureContext: context }, material: { ...material, ...pair } };
}

/**
 * OpenSSL 3 allows the SHA-1 signatures of TLS 1.0 and 1.1 at security level 0 only (SSL_CTX_set_security_level), so Exchange 2010
 * is out of reach without it (field case 54). Nothing is said where the rules say nothing: node's own least is 1.2.
 */
function versionOptions(least: TlsVersion | undefined): SecureContextOptions {
  if (least === undefined) return {};
  const obsolete = least < '1.2';
  return { minVersion: secureVersion(least), ...(obsolete && { ciphers: `${DEFAULT_CIPHERS}:@SECLEVEL=0` }) };
}
