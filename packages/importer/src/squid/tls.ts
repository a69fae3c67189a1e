// Room: TLS as port lines and peers write it: the versions that options leave open, as the least and the greatest (SQ-130 to
// SQ-134), and flags.
import type { TlsVersion } from '@outrigger/rules';
import { type LedgerEntry, remark } from '../ledger.ts';

const VERSIONS: readonly TlsVersion[] = ['1.0', '1.1', '1.2', '1.3'];

/** Names of OpenSSL options, from the version each forbids. */
const FORBIDS: Readonly<Record<string, TlsVersion>> = {
  NO_TLSv1: '1.0',
  NO_TLSv1_1: '1.1',
  NO_TLSv1_2: '1.2',
  NO_TLSv1_3: '1.3',
};

/** Options every current TLS library obeys without being told, or that only old ones knew. */
const NO_EFFECT = [
  'NO_SSLv2',
  'NO_SSLv3',
  'SINGLE_DH_USE',
  'SINGLE_ECDH_USE',
  'ALL',
  'NO_COMPRESSION',
  'NO_TICKET',
  'CIPHER_SERVER_PREFERENCE',
  'NO_RENEGOTIATION',
];

/** `version=` of Squid up to 3.5: one version alone, or (1) any. SSL 2 and 3 are spoken by nobody any more. */
const BY_NUMBER: Readonly<Record<string, TlsVersion | 'SSL'>> = {
  '2': 'SSL',
  '3': 'SSL',
  '4': '1.0',
  '5': '1.1',
  '6': '1.2',
};

/** TLS flags of Squid 5 (security/PeerOptions.cc, parseFlags). */
const FLAGS = [
  'DONT_VERIFY_PEER',
  'DONT_VERIFY_DOMAIN',
  'NO_DEFAULT_CA',
  'DELAYED_AUTH',
  'NO_SESSION_REUSE',
  'VERIFY_CRL',
  'VERIFY_CRL_ALL',
  'CONDITIONAL_AUTH',
];

/** The flags of sslflags= or tls-flags=; an unknown one stops Squid from starting (SQ-196), which is remarked. */
export function readFlags(
  value: string | undefined,
  code: 'SQUID_PORT_BAD' | 'SQUID_PEER_BAD',
  entry: LedgerEntry,
): string[] {
  const flags = (value ?? '').split(/[:,]/).filter((flag) => flag !== '');
  for (const flag of flags.filter((each) => !FLAGS.includes(each))) {
    remark(entry, 'malformed', code, `there is no TLS flag ${flag}: Squid does not start`);
  }
  return flags;
}

type Written = {
  of: 'port' | 'peer';
  options?: string | undefined;
  version?: string | undefined;
  least?: string | undefined;
  ciphers?: string | undefined;
};

/**
 * The range of versions to write; nothing where the line says nothing. TLS 1.0 and 1.1 are refused by OpenSSL 3 in Squid too
 * unless the cipher list lowers the security level, so they are never opened here.
 */
export function readTlsVersions(
  written: Written,
  entry: LedgerEntry,
): { minVersion?: TlsVersion; maxVersion?: TlsVersion } {
  const allowed = new Set(VERSIONS);
  let says = false;
  for (const option of (written.options ?? '').split(/[:,]/).filter((each) => each !== '')) {
    const forbidden = FORBIDS[option.replace(/^!/, '')];
    if (forbidden !== undefined && !option.startsWith('!')) {
      allowed.delete(forbidden);
      says = true;
    } else if (!NO_EFFECT.includes(option)) {
      const code = written.of === 'port' ? 'SQUID_PORT_OPTION' : 'SQUID_PEER_OPTION';
      remark(entry, 'translated', code, `the TLS option ${option} is left out: it has no counterpart`);
    }
  }
  const least = written.least === undefined ? -1 : VERSIONS.indexOf(written.least as TlsVersion);
  if (least > 0) {
    for (const version of VERSIONS.slice(0, least)) allowed.delete(version);
    says = true;
  }
  const only = BY_NUMBER[written.version ?? ''];
  if (only !== undefined) {
    for (const version of VERSIONS) if (version !== only) allowed.delete(version);
    says = true;
  }
  // At security level 0 OpenSSL opens the old versions, too (SQ-134).
  const lowered = /@SECLEVEL=0/.test(written.ciphers ?? '');
  if (!says && !lowered) return {};
  const open = VERSIONS.filter((version) => allowed.has(version) && (lowered || version >= '1.2'));
  const [minVersion] = open;
  const maxVersion = open.at(-1);
  if (minVersion === undefined || maxVersion === undefined) {
    const message =
      'leaves only TLS versions that current libraries refuse: nothing could connect today. The default versions are used';
    remark(entry, 'approximated', 'SQUID_TLS_VERSION', message, {
      hint:
        written.of === 'port'
          ? 'Set minVersion of the listener if you need another range.'
          : "If the server knows nothing newer, tls: { minVersion: '1.0' } of the upstream speaks it.",
    });
    return {};
  }
  if (open.length !== VERSIONS.indexOf(maxVersion) - VERSIONS.indexOf(minVersion) + 1) {
    remark(
      entry,
      'approximated',
      'SQUID_TLS_VERSION',
      `leaves a gap between TLS ${minVersion} and ${maxVersion}; only the newest version is kept`,
    );
    return { minVersion: maxVersion };
  }
  return { minVersion, ...(maxVersion !== '1.3' && { maxVersion }) };
}
