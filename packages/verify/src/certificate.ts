// Room: the throwaway certificates of entrances and stand-in servers. They live as long as the process and prove nothing to anybody
// but the two sides of a comparison.
import 'reflect-metadata'; // must come before x509, whose dependency injection reads it
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import type { Pem, ServerPem } from './oracle.ts';

/** P-256: made in a millisecond, and every daemon of today takes it. */
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
/** Milliseconds. A run takes seconds; the day before covers clocks set back. */
const DAY = 86_400_000;

/** From yesterday until tomorrow. */
function validity(): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - DAY), notAfter: new Date(Date.now() + DAY) };
}

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

async function pemOf(certificate: x509.X509Certificate, { privateKey }: webcrypto.CryptoKeyPair): Promise<Pem> {
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', privateKey), 'PRIVATE KEY');
  return { cert: certificate.toString('pem'), key };
}

/** One certificate with all these names and addresses, and the authority that signed it (RFC 5280 4.2.1.6). */
export async function serverCertificate(names: readonly string[]): Promise<ServerPem> {
  const [authorityKeys, keys] = await Promise.all([newKeys(), newKeys()]);
  const issuer = 'CN=Outrigger verify';
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    name: issuer,
    keys: authorityKeys,
    signingAlgorithm: ALGORITHM,
    ...validity(),
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  const certificate = await x509.X509CertificateGenerator.create({
    subject: 'CN=verify.invalid',
    issuer,
    publicKey: keys.publicKey,
    signingKey: authorityKeys.privateKey,
    signingAlgorithm: ALGORITHM,
    ...validity(),
    extensions: [
      new x509.SubjectAlternativeNameExtension(
        [...new Set(names)].flatMap((value) => [
          // Squid 5 looks for an address among the names, too (matchX509CommonNames).
          { type: 'dns' as const, value },
          ...(isIP(value) === 0 ? [] : [{ type: 'ip' as const, value }]),
        ]),
      ),
    ],
  });
  return { ...(await pemOf(certificate, keys)), ca: authority.toString('pem') };
}

/** A self-signed certificate for no name anybody uses (RFC 6761 6.4). */
export async function throwawayCertificate(): Promise<Pem> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=verify.invalid',
    keys,
    signingAlgorithm: ALGORITHM,
    ...validity(),
  });
  return pemOf(certificate, keys);
}
