// Room: certificates and keys as files, checked before anything is served: readable, belonging together, within their dates.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { CertificateFiles } from '@outrigger/rules';
import { openPkcs12 } from './pkcs12.ts';
import type { StartNoticeCode, StartProblem } from './start.ts';

/** What files are read with, and who hears of one that works and should not. */
export type PemReader = {
  readFile: ReadFile;
  /** Milliseconds since 1970. */
  now: number;
  warn(finding: { code: StartNoticeCode; message: string }): void;
};

/** Reads a whole file or throws a node error. */
export type ReadFile = (path: string) => Buffer;

/** Reads each file once: who asks again gets the bytes it had then. A file that could not be read is tried again. */
export function readOnce(readFile: ReadFile): ReadFile {
  const files = new Map<string, Buffer>();
  return (path) => {
    const bytes = files.get(path) ?? readFile(path);
    files.set(path, bytes);
    return bytes;
  };
}

/** A certificate with its chain and key, ready for TLS. `names` are its subjectAltName DNS names in lower case. */
export type KeyPair = {
  context: SecureContext;
  /** The same as options of a TLS server. */
  material: SecureContextOptions;
  names: string[];
  certificate: X509Certificate;
};

export type KeyPairResult = { kind: 'pair'; pair: KeyPair } | { kind: 'bad'; problem: StartProblem };

/** The bytes of a file, or what keeps us from reading it. */
export function readPem(
  { readFile }: Pick<PemReader, 'readFile'>,
  path: string,
): { kind: 'pem'; pem: Buffer } | { kind: 'bad'; problem: StartProblem } {
  try {
    return { kind: 'pem', pem: readFile(path) };
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const remedy =
      code === 'EACCES'
        ? 'Let the user this process runs as read it.'
        : 'Check the path; it is taken from the folder the process was started in unless it begins with a slash.';
    return bad('FILE_UNREADABLE', `${path} cannot be read (${code}). ${remedy}`);
  }
}

/** Loads certificate and key and builds the one secure context that all connections with them share. */
export function loadKeyPair(
  files: CertificateFiles,
  reader: PemReader,
  options: SecureContextOptions = {},
): KeyPairResult {
  const opening = readPassphrase(files, reader);
  if (opening.kind === 'bad') return opening;
  const { passphrase } = opening;
  const loaded =
    'pkcs12' in files
      ? loadPkcs12(files.pkcs12, passphrase, reader, options)
      : loadPem(files, passphrase, reader, options);
  if (loaded.kind === 'pair' && Date.parse(loaded.pair.certificate.validTo) <= reader.now) {
    // As Apache and Squid do: clients that complain are better than none that are served.
    const name = 'pkcs12' in files ? files.pkcs12 : files.cert;
    const message = `${name} expired on ${loaded.pair.certificate.validTo}: clients that check it refuse to connect. Renew it, then start again.`;
    reader.warn({ code: 'CERTIFICATE_EXPIRED', message });
  }
  return loaded;
}

function loadPem(
  files: { cert: string; key: string },
  passphrase: Passphrase,
  reader: PemReader,
  options: SecureContextOptions,
): KeyPairResult {
  const cert = readPem(reader, files.cert);
  if (cert.kind === 'bad') return cert;
  const key = readPem(reader, files.key);
  if (key.kind === 'bad') return key;

  const certificate = attempt(() => new X509Certificate(cert.pem));
  if (certificate === undefined) {
    return bad('CERTIFICATE_UNUSABLE', `${files.cert} holds no certificate in PEM form. Is it the right file?`);
  }
  const privateKey = attempt(() => createPrivateKey({ key: key.pem, ...passphrase }));
  if (privateKey === undefined) return keyProblem(files.key, key.pem, passphrase);
  if (!certificate.checkPrivateKey(privateKey)) {
    const remedy =
      'Name the key the certificate was made with; the certificate must come first in its file, its chain after it.';
    return bad('KEY_MISMATCH', `the key ${files.key} does not belong to ${files.cert}. ${remedy}`);
  }
  const material = { cert: cert.pem, key: key.pem, ...passphrase };
  const context = attempt(() => createSecureContext({ ...options, ...material }));
  if (context === undefined) {
    return bad(
      'CERTIFICATE_UNUSABLE',
      `OpenSSL does not accept ${files.cert} with these TLS settings. Check its chain and ciphers.`,
    );
  }
  return { kind: 'pair', pair: { context, material, names: dnsNames(certificate), certificate } };
}

/** RFC 7468 11 and the older form of OpenSSL: both say so where a key is encrypted. */
function keyProblem(path: string, pem: Buffer, { passphrase }: Passphrase): KeyPairResult {
  if (!pem.includes('ENCRYPTED'))
    return bad('KEY_UNUSABLE', `${path} holds no private key in PEM form. Is it the right file?`);
  return passphrase === undefined
    ? bad('KEY_UNUSABLE', `the key ${path} has a passphrase. Name the file that holds it as passphraseFile.`)
    : bad('PASSPHRASE_WRONG', `the passphrase does not open ${path}. Check the first line of passphraseFile.`);
}

function loadPkcs12(
  path: string,
  passphrase: Passphrase,
  reader: PemReader,
  options: SecureContextOptions,
): KeyPairResult {
  const file = readPem(reader, path);
  if (file.kind === 'bad') return file;
  const material = { pfx: file.pem, ...passphrase };
  const opened = openPkcs12(path, material, options);
  if (opened.kind === 'bad') return opened;
  const { context, certificate } = opened;
  return { kind: 'pair', pair: { context, material, names: dnsNames(certificate), certificate } };
}

/** As node's options want it: no key where there is no passphrase. */
type Passphrase = { passphrase?: string };

/** The first line of the file: editors end it with a newline that nobody means. */
function readPassphrase(
  { passphraseFile }: CertificateFiles,
  reader: PemReader,
): ({ kind: 'read' } & { passphrase: Passphrase }) | { kind: 'bad'; problem: StartProblem } {
  if (passphraseFile === undefined) return { kind: 'read', passphrase: {} };
  const file = readPem(reader, passphraseFile);
  if (file.kind === 'bad') return file;
  return { kind: 'read', passphrase: { passphrase: file.pem.toString('utf8').split(/\r?\n/, 1)[0] ?? '' } };
}

/** True where a PEM file begins with a certificate. */
export function holdsCertificate(pem: Buffer): boolean {
  return attempt(() => new X509Certificate(pem)) !== undefined;
}

/** DNS names of the subjectAltName (RFC 6125 6.4.4: they replace the common name where there is one), lower case. */
function dnsNames(certificate: X509Certificate): string[] {
  const alternatives = certificate.subjectAltName?.split(', ').filter((name) => name.startsWith('DNS:')) ?? [];
  const names = alternatives.map((name) => name.slice('DNS:'.length));
  const common = /(?:^|\n)CN=([^\n]+)/.exec(certificate.subject)?.[1];
  if (names.length === 0 && common !== undefined) names.push(common);
  return names.map((name) => name.toLowerCase());
}

function bad(code: StartProblem['code'], message: string): { kind: 'bad'; problem: StartProblem } {
  return { kind: 'bad', problem: { code, message } };
}

/** Node's crypto reports bad input by throwing; here that is an answer. */
function attempt<Value>(make: () => Value): Value | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
