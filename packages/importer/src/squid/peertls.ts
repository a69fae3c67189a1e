// Room: what the TLS options of a cache_peer say of the connections to it.
// Source: security/PeerOptions.cc (SQ-190 to SQ-196).
import type { TlsVersion } from '@outrigger/rules';
import { type LedgerEntry, remark } from '../ledger.ts';
import type { Directive } from './expand.ts';
import { readFlags, readTlsVersions } from './tls.ts';

/** What the TLS options say; undefined where they say nothing that differs from the default. */
export function readPeerTls(
  options: ReadonlyMap<string, string>,
  directive: Directive,
  name: string,
): object | undefined {
  const { entry } = directive;
  const get = (...names: string[]): string | undefined =>
    names.map((each) => options.get(each)).find((each) => each !== undefined && each !== '');
  const flags = readFlags(get('sslflags', 'tls-flags'), 'SQUID_PEER_BAD', entry);
  const verify = !flags.includes('DONT_VERIFY_PEER');
  if (flags.includes('DONT_VERIFY_DOMAIN')) {
    remark(
      entry,
      'translated',
      'SQUID_PEER_OPTION',
      'DONT_VERIFY_DOMAIN has no effect on a cache_peer: Squid checks the name all the same',
    );
  }
  const crl = get('sslcrlfile', 'tls-crlfile');
  if (crl !== undefined || flags.some((flag) => flag.startsWith('VERIFY_CRL'))) {
    remark(
      entry,
      'untranslated',
      'SQUID_PEER_OPTION',
      'certificates of the server are no longer checked against a revocation list',
      {
        hint: 'Renew the pinned authority, or check revocation at the server.',
      },
    );
  }
  const ca = get('sslcafile', 'tls-cafile');
  const usesDefault = !flags.includes('NO_DEFAULT_CA') && get('tls-default-ca') !== 'off';
  if (ca !== undefined && usesDefault && verify) {
    remark(
      entry,
      'translated',
      'SQUID_PEER_OPTION',
      `${ca} alone is trusted for ${name}; Squid trusted the authorities of the system besides`,
    );
  }
  const cert = get('sslcert', 'tls-cert');
  const key = get('sslkey', 'tls-key') ?? cert;
  const serverName = get('ssldomain', 'tls-domain');
  const capath = get('sslcapath', 'tls-capath');
  if (capath !== undefined && ca === undefined && verify) {
    const message = `the authorities in the folder ${capath} are not trusted: a rules file names one file, and those of the system stand in`;
    remark(entry, 'approximated', 'SQUID_PEER_OPTION', message, {
      hint: 'Join their certificates to one file and set tls.ca.',
    });
  }
  const minVersion = oldestVersion(get, entry);
  const tls = {
    ...(!verify && { verify }),
    ...(serverName !== undefined && { serverName }),
    ...(minVersion !== undefined && { minVersion }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && key !== undefined && { certificate: { cert, key } }),
  };
  return Object.keys(tls).length === 0 ? undefined : tls;
}

/** The oldest TLS version the options leave, where it is not the default of an upstream; newer ones cannot be ruled out. */
function oldestVersion(get: (...names: string[]) => string | undefined, entry: LedgerEntry): TlsVersion | undefined {
  const ciphers = get('sslcipher', 'tls-cipher');
  const { minVersion, maxVersion } = readTlsVersions(
    {
      of: 'peer',
      options: get('ssloptions', 'tls-options'),
      version: get('sslversion'),
      least: get('tls-min-version'),
      ciphers,
    },
    entry,
  );
  if (maxVersion !== undefined) {
    const message = `TLS ${maxVersion} was the newest version spoken with the server; here the newest both know is`;
    remark(entry, 'approximated', 'SQUID_TLS_VERSION', message);
  }
  return minVersion === '1.2' ? undefined : minVersion;
}
