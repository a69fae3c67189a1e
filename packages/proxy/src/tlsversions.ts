// Room: TLS versions and ciphers of the rules as OpenSSL takes them, alike towards clients and towards servers.
import { createSecureContext, DEFAULT_CIPHERS, type SecureContextOptions, type SecureVersion } from 'node:tls';
import type { TlsVersion } from '@outrigger/rules';
import type { StartProblem } from './start.ts';

type Wanted = {
  minVersion?: TlsVersion | undefined;
  maxVersion?: TlsVersion | undefined;
  ciphers?: string | undefined;
};

export type VersionsResult =
  | { kind: 'versions'; options: SecureContextOptions; isObsolete: boolean }
  | { kind: 'bad'; problem: StartProblem };

/**
 * What is asked of OpenSSL; nothing is said where the rules say nothing: node's own least is 1.2. OpenSSL 3 allows the SHA-1 signatures of
 * TLS 1.0 and 1.1 at security level 0 only (SSL_CTX_set_security_level), so those who speak nothing newer, Exchange 2010 among them, are
 * out of reach without it (field case 54). `of`: what the rules call it, for a message. `isObsolete`: versions that can be broken.
 */
export function versionOptions(of: string, { minVersion, maxVersion, ciphers }: Wanted): VersionsResult {
  const isObsolete = (minVersion ?? '1.2') < '1.2' || (maxVersion ?? '1.3') < '1.2';
  const list = isObsolete && !/@SECLEVEL/.test(ciphers ?? '') ? `${ciphers ?? DEFAULT_CIPHERS}:@SECLEVEL=0` : ciphers;
  if (list !== undefined && !isUsable(list)) {
    const message = `OpenSSL knows no cipher of ${list}, the ciphers of ${of}. Write names that "openssl ciphers" of today knows, or leave ciphers out.`;
    return { kind: 'bad', problem: { code: 'CIPHERS_UNUSABLE', message } };
  }
  const options = {
    ...(minVersion !== undefined && { minVersion: secureVersion(minVersion) }),
    ...(maxVersion !== undefined && { maxVersion: secureVersion(maxVersion) }),
    ...(list !== undefined && { ciphers: list }),
  };
  return { kind: 'versions', options, isObsolete };
}

/** The same version as node calls it. */
function secureVersion(version: TlsVersion): SecureVersion {
  return version === '1.0' ? 'TLSv1' : `TLSv${version}`;
}

/** OpenSSL passes over names that it does not know, as long as one is left. */
function isUsable(ciphers: string): boolean {
  try {
    createSecureContext({ ciphers });
    return true;
  } catch {
    return false;
  }
}
