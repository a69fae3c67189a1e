// Room: which certificate a client sees: the one whose name it asks for, exactly or by wildcard, else the first of the listener.
import { createHash } from 'node:crypto';
import type { SecureContext, SecureContextOptions, SecureVersion } from 'node:tls';
import { canonicalHost, type Listener, type TlsVersion } from '@outrigger/rules';
import { holdsCertificate, type KeyPair, loadKeyPair, type PemReader, readPem } from './pem.ts';
import type { StartProblem } from './start.ts';

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
  const settings: SecureContextOptions = {
    ...(authorities.ca && { ca: authorities.ca, sessionIdContext: sessionContext(listener) }),
    ...(wanted.minVersion && { minVersion: secureVersion(wanted.minVersion) }),
    ...(wanted.maxVersion && { maxVersion: secureVersion(wanted.maxVersion) }),
    ...(wanted.ciphers && { ciphers: wanted.ciphers }),
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

/** Authorities of client certificates; no `ca` where clients are not asked for any. */
function clientAuthorities(
  { clientCertificates }: NonNullable<Listener['tls']>,
  reader: PemReader,
): { kind: 'read'; ca?: Buffer } | { kind: 'bad'; problem: StartProblem } {
  if (clientCertificates === undefined) return { kind: 'read' };
  const { ca } = clientCertificates;
  const file = readPem(reader, ca);
  if (file.kind === 'bad') return file;
  if (holdsCertificate(file.pem)) return { kind: 'read', ca: file.pem };
  const message = `${ca} holds no certificate in PEM form, so no client could be let in. Is it the right file?`;
  return { kind: 'bad', problem: { code: 'CERTIFICATE_UNUSABLE', message } };
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

/** The same version as node calls it. */
export function secureVersion(version: TlsVersion): SecureVersion {
  return version === '1.0' ? 'TLSv1' : `TLSv${version}`;
}
