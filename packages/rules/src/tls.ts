// Room: the shape of TLS in a rules file, towards clients and towards servers: certificates, authorities, versions, ciphers.
import { z } from 'zod';
import { list, text, tlsVersion } from './values.ts';

const passphraseFile = text
  .optional()
  .meta({ description: 'File whose first line is the passphrase of the key; readable by this process alone' });
const certificate = z.union(
  [
    z.strictObject({
      cert: text.meta({ description: 'PEM file: the certificate and its chain' }),
      key: text.meta({ description: 'PEM file: the private key' }),
      passphraseFile,
    }),
    z.strictObject({
      pkcs12: text.meta({ description: 'PKCS#12 file (.pfx, .p12): certificate, chain and key' }),
      passphraseFile,
    }),
  ],
  { error: 'a certificate holds cert and key, or pkcs12, and passphraseFile if wanted' },
);

const ciphers = text.meta({
  description: 'OpenSSL cipher list for TLS 1.2 and older; names that begin with TLS_ are the suites of TLS 1.3',
});

/** In place of a file of authorities: those that the machine trusts. */
export const SYSTEM_AUTHORITIES = 'system';

const crl = list(text).optional().meta({
  description:
    'PEM files, or folders as c_rehash makes them, of revocation lists: one of each authority in the chain, or the certificate is refused',
});

export const listenerTls = z.strictObject({
  certificates: z.array(certificate).min(1).meta({ description: 'Chosen by SNI; the first is the default' }),
  minVersion: tlsVersion.optional(),
  maxVersion: tlsVersion.optional(),
  ciphers: ciphers.optional(),
  cipherOrder: z
    .enum(['server', 'client'])
    .optional()
    .meta({ description: 'Whose order of ciphers counts; default: server' }),
  // Browsers expect it; where it is not provably safe http2.ts withholds it whatever stands here.
  http2: z.boolean().optional().meta({
    description: 'Offer HTTP/2 for host names that can reach no rpcOverHttp upstream; default: true without ciphers',
  }),
  clientCertificates: z
    .strictObject({
      ca: list(text).meta({
        description:
          'PEM files, or folders as c_rehash makes them, of the authorities whose client certificates count; system: those of the machine',
      }),
      crl,
      mode: z.enum(['request', 'require']).default('require').meta({
        description: 'require: no connection without a valid one; request: servers are told what was shown',
      }),
    })
    .optional()
    .meta({ description: 'Ask clients for a certificate, and tell servers of it in X-Client-Cert fields' }),
});

export const upstreamTls = z.strictObject({
  verify: z
    .union([z.boolean(), list(z.enum(['authority', 'name', 'dates']))])
    .default(true)
    .meta({
      description:
        'What is checked of the certificate of a server: true, all of it; false, nothing; or some of authority (and with it the dates), name, dates',
    }),
  serverName: list(text).optional().meta({
    description:
      'Name in SNI and in the certificate; of several, or of a .suffix, the one that the Host of the request is, else the first. Where absent, the name in the URL of the server is both; where that is an address, the Host of the request is sent, and the address checked',
  }),
  sni: text.optional().meta({
    description:
      'Name in SNI where it is to be another than the one checked; none sends no name. Whom the certificate is checked for stays as it is',
  }),
  minVersion: tlsVersion.optional().meta({
    description:
      'Oldest TLS version spoken with the servers; default 1.2. 1.0 and 1.1 also allow the weak signatures and keys that such servers have, and are warned about at each start',
  }),
  maxVersion: tlsVersion.optional().meta({ description: 'Newest TLS version spoken with the servers; default 1.3' }),
  ciphers: ciphers.optional(),
  ca: list(text).optional().meta({
    description:
      'PEM files, or folders as c_rehash makes them, of trusted authorities; system: those of the machine, which are trusted where ca is absent',
  }),
  crl,
  certificate: certificate.optional().meta({ description: 'Client certificate shown to the servers' }),
});

export type CertificateFiles = z.output<typeof certificate>;
type UpstreamTls = z.output<typeof upstreamTls>;

/** What must be true of the certificate of a server before a request goes there. */
export type CertificateChecks = { authority: boolean; name: boolean; dates: boolean };

/** What `tls.verify` of an upstream asks for. Who checks an authority looks at dates as well (RFC 5280 6.1.3). */
export function certificateChecks({ verify = true }: Partial<Pick<UpstreamTls, 'verify'>> = {}): CertificateChecks {
  if (typeof verify === 'boolean') return { authority: verify, name: verify, dates: verify };
  const authority = verify.includes('authority');
  return { authority, name: verify.includes('name'), dates: authority || verify.includes('dates') };
}
