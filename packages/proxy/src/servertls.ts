// Room: how TLS is spoken with servers: files, versions and checks, once for an upstream; the name sent and the name checked, for
// each connection.
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls';
import { type CertificateChecks, certificateChecks, type ServerNames, type Upstream } from '@outrigger/rules';
import { type AuthoritiesResult, readAuthorities } from './authorities.ts';
import { loadKeyPair, type PemReader } from './pem.ts';
import type { StartProblem } from './start.ts';
import { versionOptions } from './tlsversions.ts';

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

/** TLS with the servers of an upstream: `options` for each connection, and what is asked of a certificate. */
export type ServerTls = { options: ConnectionOptions; checks: CertificateChecks };

/** Of one connection. `refusal`: why a certificate is not taken beyond what OpenSSL looks at; by names of the rules alone. */
export type ConnectionTls = { options: ConnectionOptions; refusal(socket: TLSSocket): Error | undefined };

/** The names of one connection. Node would check the certificate for the name it sends, which may be one that the client chose. */
export function connectionTls({ options, checks }: ServerTls, names: ServerNames, now: () => number): ConnectionTls {
  const { sni, checked } = names;
  return {
    options: { ...options, ...(sni !== undefined && { servername: sni }), checkServerIdentity: () => undefined },
    refusal: (socket) => {
      // A resumed session shows none: it was kept because its own was taken (sessions.ts).
      if (socket.isSessionReused()) return undefined;
      const certificate = socket.getPeerCertificate();
      const isOutOfDate = checks.dates && !checks.authority && !isWithinDates(certificate, now());
      if (isOutOfDate) return Object.assign(new Error('certificate has expired'), { code: 'CERT_HAS_EXPIRED' });
      return checks.name ? checkServerIdentity(checked, certificate) : undefined;
    },
  };
}

function isWithinDates({ valid_from, valid_to }: PeerCertificate, now: number): boolean {
  return Date.parse(valid_from) <= now && now <= Date.parse(valid_to);
}

/** What a secure context was made from, its files as bytes: two that are equal make the same. */
export type SecureMaterial = SecureContextOptions | undefined;

export type ServerTlsResult =
  | { kind: 'tls'; tls: ServerTls | undefined; material: SecureMaterial }
  | { kind: 'bad'; problem: StartProblem };

/** Secure contexts by what the rules say of them: the store of the machine is some hundred certificates, and upstreams many. */
export type SecureContexts = Map<string, { context: SecureContext; material: SecureMaterial }>;

/** One secure context per upstream, or for several that say the same: building one per connection halves the rate of connections. */
export function serverTls(
  name: string,
  { tls, servers }: Upstream,
  reader: PemReader,
  contexts: SecureContexts,
): ServerTlsResult {
  if (!servers.some((url) => url.startsWith('https:'))) return { kind: 'tls', tls: undefined, material: undefined };
  const checks = certificateChecks(tls);
  const secured = secureContext(name, tls, reader, contexts);
  if (secured.kind === 'bad') return secured;
  const options = {
    secureContext: secured.context,
    rejectUnauthorized: checks.authority,
    // IIS serves RPC over HTTP in HTTP/1.1 only, and what the relay carries is HTTP/1.
    ALPNProtocols: ['http/1.1'],
  };
  return { kind: 'tls', tls: { options, checks }, material: secured.material };
}

type Secured = { kind: 'secured'; context: SecureContext; material: SecureMaterial };

function secureContext(
  name: string,
  tls: Upstream['tls'],
  reader: PemReader,
  contexts: SecureContexts,
): Secured | { kind: 'bad'; problem: StartProblem } {
  const { ca, crl, minVersion, maxVersion, ciphers, certificate } = tls ?? {};
  const versions = versionOptions(`upstream ${name}`, { minVersion, maxVersion, ciphers });
  if (versions.kind === 'bad') return versions;
  if (versions.isObsolete) {
    const message = `TLS ${minVersion ?? maxVersion} is allowed towards ${name}: who sits on the way can break it. Update its servers.`;
    reader.warn({ code: 'TLS_OBSOLETE', message });
  }
  const { authority } = certificateChecks(tls);
  const wanted = JSON.stringify([authority, ca, crl, versions.options]);
  const known = contexts.get(wanted);
  if (certificate === undefined && known !== undefined) return { kind: 'secured', ...known };
  const read: AuthoritiesResult = authority ? readAuthorities({ ca, crl }, reader) : { kind: 'read', authorities: {} };
  if (read.kind === 'bad') return read;
  const material: SecureContextOptions = { ...GROUPS, ...versions.options, ...read.authorities };
  if (certificate === undefined) {
    const made = { context: createSecureContext(material), material };
    contexts.set(wanted, made);
    return { kind: 'secured', ...made };
  }
  const loaded = loadKeyPair(certificate, reader, material);
  if (loaded.kind === 'bad') return loaded;
  const { context, material: pair } = loaded.pair;
  return { kind: 'secured', context, material: { ...material, ...pair } };
}
