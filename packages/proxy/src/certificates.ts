// Room: which certificate a client sees: the one whose name it asks for, exactly or by wildcard, else the first of the listener.
import { createHash } from 'node:crypto';
import type { SecureContext, SecureContextOptions } from 'node:tls';
import { canonicalHost, type Listener } from '@outrigger/rules';
import { type AuthoritiesResult, readAuthorities } from './authorities.ts';
import { type KeyPair, loadKeyPair, type PemReader } from './pem.ts';
import type { StartProblem } from './start.ts';
import { versionOptions } from './tlsversions.ts';

export type ListenerTls = {
  /** TLS versions and ciphers of the listener, with its first certificate: for clients that send no SNI, or an unknown name. */
  settings: SecureContextOptions;
  /** The context for a name in SNI (RFC 6066 3); undefined where no certificate has it. */
  pick(name: string): SecureContext | undefined;
  /** Clients are asked for a certificate; undefined: they are not. */
  clientCertificates: 'request' | 'require' | undefined;
};

export type ListenerTlsResult = { kind: 'tls'; tls: ListenerTls } | { kind: 'bad'; problems: StartProblem[] };

/** Loads all certificates of a listener, one secure context each. */
export function listenerTls(
  wanted: NonNullable<Listener['tls']>,
  listener: string,
  reader: PemReader,
): ListenerTlsResult {
  const authorities = clientAuthorities(wanted, reader);
  if (authorities.kind === 'bad') return { kind: 'bad', problems: [authorities.problem] };
  const versions = versionOptions(`listener ${listener}`, wanted);
  if (versions.kind === 'bad') return { kind: 'bad', problems: [versions.problem] };
  const settings: SecureContextOptions = {
    ...authorities.authorities,
    ...(wanted.clientCertificates && { sessionIdContext: sessionContext(listener) }),
    ...versions.options,
    ...(wanted.cipherOrder === 'client' && { honorCipherOrder: false }),
  };
  const loaded = wanted.certificates.map((files) => loadKeyPair(files, reader, settings));
  const problems = loaded.flatMap((result) => (result.kind === 'bad' ? [result.problem] : []));
  const pairs = loaded.flatMap((result) => (result.kind === 'pair' ? [result.pair] : []));
  const [first] = pairs;
  const choose = pickKeyPair(pairs);
  if (problems.length > 0 || first === undefined) return { kind: 'bad', problems };
  return {
    kind: 'tls',
    tls: {
      settings: { ...settings, ...first.material },
      pick: (name) => choose(name)?.context,
      clientCertificates: wanted.clientCertificates?.mode,
    },
  };
}

/** What certificates of clients are checked with; nothing where clients are not asked for any. */
function clientAuthorities({ clientCertificates }: NonNullable<Listener['tls']>, reader: PemReader): AuthoritiesResult {
  return clientCertificates === undefined
    ? { kind: 'read', authorities: {} }
    : readAuthorities(clientCertificates, reader);
}

/** OpenSSL resumes no session that has proved a client unless it has a name, and only where that is the same. At most 32 bytes. */
function sessionContext(listener: string): string {
  return createHash('sha256').update(listener).digest('hex').slice(0, 32);
}

/** RFC 6125 6.4.3: a wildcard stands for one whole label at the left. Of two certificates with one name the first wins. */
export function pickKeyPair(pairs: readonly KeyPair[]): (name: string) => KeyPair | undefined {
  const byName = new Map<string, KeyPair>();
  for (const pair of pairs) {
    for (const name of pair.names) if (!byName.has(name)) byName.set(name, pair);
  }
  return (asked) => {
    const name = canonicalHost(asked);
    const wildcard = `*${name.slice(name.indexOf('.'))}`;
    return byName.get(name) ?? byName.get(wildcard);
  };
}
