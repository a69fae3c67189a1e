// Room: a certificate, its chain and its key in one PKCS#12 file (RFC 7292), as Windows exports them.
import type { X509Certificate } from 'node:crypto';
import { duplexPair } from 'node:stream';
import { createSecureContext, type SecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';
import type { StartProblem } from './start.ts';

export type Pkcs12Result =
  | { kind: 'opened'; context: SecureContext; certificate: X509Certificate }
  | { kind: 'bad'; problem: StartProblem };

/** Opens the file's bytes. `path` is for messages; `options` are the TLS settings of whoever shows the certificate. */
export function openPkcs12(
  path: string,
  material: { pfx: Buffer; passphrase?: string },
  options: SecureContextOptions,
): Pkcs12Result {
  try {
    const context = createSecureContext({ ...options, ...material });
    const certificate = certificateOf(context);
    return certificate === undefined
      ? bad('PKCS12_UNUSABLE', `${path} holds no certificate.`)
      : { kind: 'opened', context, certificate };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (message === 'mac verify failure') {
      return bad(
        'PASSPHRASE_WRONG',
        `the passphrase does not open ${path}. Name the file that holds it as passphraseFile.`,
      );
    }
    // OpenSSL 3 no longer reads RC2 and 3DES, which older Windows writes by default.
    const remedy =
      code === 'ERR_CRYPTO_UNSUPPORTED_OPERATION'
        ? 'Its encryption is too old: export it again with AES256-SHA256.'
        : 'Is it the right file, with certificate and key in it?';
    return bad('PKCS12_UNUSABLE', `${path} cannot be used (${message}). ${remedy}`);
  }
}

/** Node opens PKCS#12 for TLS alone, so an end of TLS that never speaks is asked which certificate it would show. */
function certificateOf(secureContext: SecureContext): X509Certificate | undefined {
  const [end, other] = duplexPair();
  const socket = new TLSSocket(end, { isServer: true, secureContext });
  const certificate = socket.getX509Certificate();
  socket.destroy();
  other.destroy();
  return certificate;
}

function bad(code: StartProblem['code'], message: string): Pkcs12Result {
  return { kind: 'bad', problem: { code, message } };
}
