// Room: TLS with a server as `explain` tells it: the name sent, what its certificate must be, and which one it is shown.
import { certificateChecks, parseServer, SYSTEM_AUTHORITIES, serverNames, type Upstream } from '@outrigger/rules';

export type ExplainedTls = {
  /** Name sent in the handshake; null where none is. */
  sni: string | null;
  /** What must be true of the certificate of the server; null for what nobody looks at. */
  checked: {
    /** Name or address it must be for. */
    name: string | null;
    /** Files and folders of the authorities that may have signed it; `system`: those of the machine. */
    authorities: string[] | null;
    dates: boolean;
    /** Files and folders of revocation lists. */
    revocation: string[] | null;
  };
  /** File of the certificate that a server is shown which asks for one. */
  certificate: string | null;
  minVersion: string;
  maxVersion: string;
  /** Absent where the choice is Outrigger's. */
  ciphers?: string;
};

/** TLS with one server for a request whose Host is `host`; undefined where none is spoken. */
export function explainTls(url: string, upstream: Upstream, host: string): ExplainedTls | undefined {
  const server = parseServer(url);
  if (server?.scheme !== 'https') return undefined;
  const { sni, checked } = serverNames(server, upstream, host);
  const {
    ca = [SYSTEM_AUTHORITIES],
    crl,
    certificate,
    minVersion = '1.2',
    maxVersion = '1.3',
    ciphers,
  } = upstream.tls ?? {};
  const checks = certificateChecks(upstream.tls);
  return {
    sni: sni ?? null,
    checked: {
      name: checks.name ? checked : null,
      authorities: checks.authority ? ca : null,
      dates: checks.dates,
      revocation: (checks.authority && crl) || null,
    },
    certificate: certificate === undefined ? null : 'pkcs12' in certificate ? certificate.pkcs12 : certificate.cert,
    minVersion,
    maxVersion,
    ...(ciphers !== undefined && { ciphers }),
  };
}

/** One line for a person. */
export function printedTls({ checked, certificate, minVersion, maxVersion, ciphers }: ExplainedTls): string {
  const { name, authorities, dates, revocation } = checked;
  const demands = [
    ...(name === null ? [] : [`for ${name}`]),
    ...(authorities === null ? [] : [`signed by an authority of ${authorities.map(authorityText).join(' or ')}`]),
    ...(dates ? ['within its dates'] : []),
    ...(revocation === null ? [] : [`not revoked in ${revocation.join(' or ')}`]),
  ];
  const versions = minVersion === maxVersion ? `TLS ${minVersion}` : `TLS ${minVersion} to ${maxVersion}`;
  return [
    demands.length === 0 ? 'its certificate is not looked at' : `its certificate must be ${demands.join(', ')}`,
    ...(authorities === null && demands.length > 0 ? ['who signed it is not looked at'] : []),
    certificate === null ? 'none is shown to it' : `${certificate} is shown to it where it asks`,
    ciphers === undefined ? versions : `${versions}, ciphers ${ciphers}`,
  ].join('; ');
}

function authorityText(authority: string): string {
  return authority === SYSTEM_AUTHORITIES ? 'the system' : authority;
}
