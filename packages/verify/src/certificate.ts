// Room: the throwaway certificate of the entrances. It lives as long as the process and proves nothing to anybody.
import 'reflect-metadata'; // must come before x509, whose dependency injection reads it
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { Pem } from './oracle.ts';

/** P-256: made in a millisecond, and every daemon of today takes it. */
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
/** Milliseconds. A run takes seconds; the day before covers clocks set back. */
const DAY = 86_400_000;

/** A self-signed certificate for no name anybody uses (RFC 6761 6.4). */
export async function throwawayCertificate(): Promise<Pem> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=verify.invalid',
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + DAY),
  });
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  return { cert: certificate.toString('pem'), key };
}
