// Room: what the TLS options of a cache_peer say of the connections to it.
// Source: security/PeerOptions.cc (SQ-190 to SQ-196).
import { SYSTEM_AUTHORITIES, type Upstream } from '@outrigger/rules';
import { type Disposition, type LedgerEntry, remark } from '../ledger.ts';
import type { Directive } from './expand.ts';
import { readFlags, readTlsVersions } from './tls.ts';

type PeerTls = Omit<NonNullable<Upstream['tls']>, 'verify'> & { verify?: false };

/** The value of the first of these options that has one. */
type Get = (...names: string[]) => string | undefined;

/** What the TLS options say; undefined where they say nothing that differs from the default. */
export function readPeerTls(
  options: ReadonlyMap<string, string>,
  directive: Directive,
  name: string,
): PeerTls | undefined {
  const { entry } = directive;
  const get: Get = (...names) =>
    names.map((each) => options.get(each)).find((each) => each !== undefined && each !== '');
  const flags = readFlags(get('sslflags', 'tls-flags'), 'SQUID_PEER_BAD', entry);
  const verify = !flags.includes('DONT_VERIFY_PEER');
  if (flags.includes('DONT_VERIFY_DOMAIN')) {
    const message = 'DONT_VERIFY_DOMAIN has no effect on a cache_peer: Squid checks the name all the same';
    say(entry, 'translated', message);
  }
  const cert = get('sslcert', 'tls-cert');
  const key = get('sslkey', 'tls-key') ?? cert;
  const serverName = get('ssldomain', 'tls-domain');
  const ciphers = get('sslcipher', 'tls-cipher');
  const versions = readTlsVersions(
    {
      of: 'peer',
      options: get('ssloptions', 'tls-options'),
      version: get('sslversion'),
      least: get('tls-min-version'),
      ciphers,
    },
    entry,
  );
  const { minVersion, maxVersion } = versions;
  const tls: PeerTls = {
    ...(!verify && { verify }),
    ...(serverName !== undefined && { serverName: [serverName] }),
    // 1.2 is the least where nothing is said.
    ...(minVersion !== undefined && minVersion !== '1.2' && { minVersion }),
    ...(maxVersion !== undefined && { maxVersion }),
    ...(ciphers !== undefined && { ciphers }),
    ...(verify && authoritiesOf(get, flags, entry, name)),
    ...(cert !== undefined && key !== undefined && { certificate: { cert, key } }),
  };
  return Object.keys(tls).length === 0 ? undefined : tls;
}

/** Whom Squid trusts to sign the certificate of the server, and the lists of what they have revoked. */
function authoritiesOf(get: Get, flags: readonly string[], entry: LedgerEntry, name: string): Partial<PeerTls> {
  const capath = get('sslcapath', 'tls-capath');
  const own = [get('sslcafile', 'tls-cafile'), capath].filter((each) => each !== undefined);
  const trustsSystem = !flags.includes('NO_DEFAULT_CA') && get('tls-default-ca') !== 'off';
  if (own.length === 0 && !trustsSystem) {
    const message = `no authority was trusted for ${name}, so Squid reached it never; here those of the system are`;
    say(entry, 'approximated', message, 'Name the authority of its certificate in tls.ca of the upstream.');
  }
  const ca = own.length === 0 ? [] : [...(trustsSystem ? [SYSTEM_AUTHORITIES] : []), ...own];
  const crl = revocationOf(get, flags, entry, capath);
  return { ...(ca.length > 0 && { ca }), ...(crl !== undefined && { crl: [crl] }) };
}

/** The lists of revoked certificates. `capath`: OpenSSL finds lists in it, too, where it is told to look at any. */
function revocationOf(
  get: Get,
  flags: readonly string[],
  entry: LedgerEntry,
  capath: string | undefined,
): string | undefined {
  const asksAll = flags.includes('VERIFY_CRL_ALL');
  const file = get('sslcrlfile', 'tls-crlfile');
  const crl = file ?? (asksAll || flags.includes('VERIFY_CRL') ? capath : undefined);
  if (crl === undefined) {
    if (!asksAll && !flags.includes('VERIFY_CRL')) return undefined;
    const message = 'asks for a revocation list and names none, so Squid took no certificate; here none is looked up';
    say(entry, 'untranslated', message, 'Name the list of its authority in tls.crl of the upstream.');
    return undefined;
  }
  if (asksAll) return crl;
  const message = `${crl} must hold a list of every authority in the chain; Squid asked for that of the server's certificate alone`;
  say(entry, 'approximated', message, 'Add the list of the root where another authority signed the certificate.');
  return crl;
}

function say(entry: LedgerEntry, disposition: Disposition, message: string, hint?: string): void {
  remark(entry, disposition, 'SQUID_PEER_OPTION', message, hint === undefined ? {} : { hint });
}
