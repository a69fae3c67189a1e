// Room: what a rules file can get wrong about TLS: versions that leave none, and certificates of servers that nobody looks at.
import type { Report } from './check.ts';
import type { DocumentPath } from './positions.ts';
import type { Upstream } from './schema.ts';
import { isServerNameWord } from './servername.ts';
import { certificateChecks } from './tls.ts';
import type { TlsVersion } from './values.ts';

/** TLS versions that are none; `path`: of the `tls` they stand in. Where nothing is written the least is 1.2, the greatest 1.3. */
export function checkVersions(
  { minVersion, maxVersion }: { minVersion?: TlsVersion | undefined; maxVersion?: TlsVersion | undefined },
  path: DocumentPath,
  report: Report,
): void {
  if (maxVersion === undefined || (minVersion ?? LEAST) <= maxVersion) return;
  const message = `no TLS version is at least ${minVersion ?? LEAST} and at most ${maxVersion}`;
  const place = [...path, minVersion === undefined ? 'maxVersion' : 'minVersion'];
  report('error', 'RULES_BAD_TLS', place, message, 'Write a minVersion that is no newer than maxVersion.');
}

/** The oldest version where a file is silent: what OpenSSL 3 and browsers speak still. */
const LEAST: TlsVersion = '1.2';

/** Findings about TLS with the servers of one upstream. */
export function checkServerTls(name: string, upstream: Upstream, report: Report): void {
  const { tls } = upstream;
  if (tls === undefined) return;
  const path = ['upstreams', name, 'tls'] as const;
  checkVersions(tls, path, report);
  if (tls.sni !== undefined && !isServerNameWord(tls.sni)) {
    const message = `${tls.sni} is no name that can be sent in TLS: addresses and final dots are none (RFC 6066 3)`;
    report('error', 'RULES_BAD_TLS', [...path, 'sni'], message, 'Write a host name, or none.');
  }
  const checks = certificateChecks(tls);
  if (!checks.authority) {
    const seen = checks.name || checks.dates ? 'nobody checks who signed it, so nobody checks' : 'nobody checks';
    const message = `${seen} that ${name} is who answers: whoever can take its address reads logins`;
    const hint = 'Set ca to the file of the authority that signed its certificate, and verify to true.';
    report('warning', 'RULES_TLS_UNVERIFIED', [...path, 'verify'], message, hint);
    for (const key of ['ca', 'crl'] as const) {
      if (tls[key] === undefined) continue;
      const unused = `${key} is never looked at: verify leaves the authority out`;
      report('warning', 'RULES_TLS_UNVERIFIED', [...path, key], unused, `Set verify to true, or leave ${key} out.`);
    }
  } else if (!checks.name) {
    const message = `any certificate of its authorities is taken for ${name}, whatever its name`;
    const hint = 'Set serverName to a name in its certificate, and verify to true.';
    report('warning', 'RULES_TLS_UNVERIFIED', [...path, 'verify'], message, hint);
  }
  const { minVersion = LEAST } = tls;
  if (minVersion >= LEAST) return;
  report(
    'warning',
    'RULES_TLS_OBSOLETE',
    [...path, 'minVersion'],
    `TLS ${minVersion} and its weak signatures are taken from these servers: who sits on the way can break it (RFC 8996)`,
    'Keep it to a network you trust, and take it out when the server has been updated.',
  );
}
