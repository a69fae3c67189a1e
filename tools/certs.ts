// Room: throwaway certificates. One authority per run, made on the spot; no key outlives the process unless the caller
// names a folder for it.
import 'reflect-metadata'; // must come before x509, whose dependency injection reads it
import { webcrypto } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

export type KeyType = 'rsa' | 'ec';

/** A certificate and its private key, both PEM (RFC 7468); the key is PKCS#8. */
export type Leaf = { certPem: string; keyPem: string };

export type Authority = {
  /** The authority's own certificate, to be trusted by whoever checks a leaf. */
  certPem: string;
  /**
   * A certificate for servers and clients alike.
   * `names`: DNS names or IP addresses, at least one; the first is the common name, all are subjectAltNames.
   * `keyType`: `ec` (P-256, made in a millisecond) unless a peer needs `rsa` (2,048 bits). `expired`: since yesterday.
   */
  issue(wanted: { names: string[]; keyType?: KeyType; expired?: true }): Promise<Leaf>;
  /** A list of what the authority has revoked (RFC 5280 5), as PEM; `expired`: another was due yesterday. */
  revoke(leaves: readonly Leaf[], expired?: true): Promise<string>;
};

const ALGORITHMS = {
  ec: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  rsa: { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2_048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
} as const;

const DAY = 86_400_000;
/** Milliseconds before now from which a certificate holds: two machines' clocks need not agree to the minute. */
const SKEW = DAY;
/** Milliseconds after now for which a certificate holds: longer than any run, useless if one is ever left behind. */
const LIFETIME = 7 * DAY;

/** A new authority with a key that exists only in memory. */
export async function createAuthority(): Promise<Authority> {
  const keys = await newKeys('ec');
  const name = 'CN=Outrigger throwaway authority';
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name,
    keys,
    signingAlgorithm: ALGORITHMS.ec,
    ...validity(),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    certPem: certificate.toString('pem'),
    async issue({ names, keyType = 'ec', expired }) {
      const leafKeys = await newKeys(keyType);
      const leaf = await x509.X509CertificateGenerator.create({
        subject: new x509.Name([{ CN: [names[0] ?? 'unnamed'] }]),
        issuer: name,
        publicKey: leafKeys.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHMS.ec,
        ...(expired ? past() : validity()),
        extensions: [
          new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }))),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
          await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
        ],
      });
      return { certPem: leaf.toString('pem'), keyPem: await pemOf(leafKeys.privateKey) };
    },
    async revoke(leaves, expired) {
      const { notBefore, notAfter } = expired ? past() : validity();
      const crl = await x509.X509CrlGenerator.create({
        issuer: name,
        thisUpdate: notBefore,
        nextUpdate: notAfter,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHMS.ec,
        entries: leaves.map(({ certPem }) => ({
          serialNumber: new x509.X509Certificate(certPem).serialNumber,
          revocationDate: notBefore,
        })),
        extensions: [await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey)],
      });
      // The library calls it CRL; RFC 7468 6 and OpenSSL do not.
      return `${x509.PemConverter.encode(crl.rawData, 'X509 CRL')}\n`;
    },
  };
}

/** Writes `STEM.crt` and `STEM.key` (mode 600) into a folder the caller owns and removes; gives both paths back. */
export async function saveLeaf(leaf: Leaf, folder: string, stem: string): Promise<{ cert: string; key: string }> {
  const paths = { cert: join(folder, `${stem}.crt`), key: join(folder, `${stem}.key`) };
  await writeFile(paths.cert, leaf.certPem);
  await writeFile(paths.key, leaf.keyPem, { mode: 0o600 });
  return paths;
}

function newKeys(keyType: KeyType): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHMS[keyType], true, ['sign', 'verify']);
}

function validity(): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - SKEW), notAfter: new Date(Date.now() + LIFETIME) };
}

/** Over since yesterday. */
function past(): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - LIFETIME), notAfter: new Date(Date.now() - SKEW) };
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}
