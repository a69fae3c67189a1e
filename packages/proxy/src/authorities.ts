// Room: the authorities that certificates are checked against, and their lists of revoked ones: files, folders as c_rehash makes
// them, and the store of the machine.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { SYSTEM_AUTHORITIES } from '@outrigger/rules';
import { holdsCertificate, type PemReader, readPem } from './pem.ts';
import type { StartProblem } from './start.ts';

/** What OpenSSL is given to check certificates with; `crl` absent: no list is looked at. */
export type Authorities = { ca?: Buffer[]; crl?: string[] };

export type AuthoritiesResult = { kind: 'read'; authorities: Authorities } | { kind: 'bad'; problem: StartProblem };

type Wanted = { ca?: string[] | undefined; crl?: string[] | undefined };
type FilesResult = { kind: 'files'; files: { path: string; pem: Buffer }[] } | { kind: 'bad'; problem: StartProblem };

/** Where distributions keep the store of the machine as one file: Debian, Red Hat, SUSE, Alpine and BSD. */
const SYSTEM_STORES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** Names in a folder that OpenSSL looks up by the hash of a subject (X509_LOOKUP_hash_dir): certificates, and lists. */
const HASHED = { ca: /^[0-9a-f]{8}\.\d+$/, crl: /^[0-9a-f]{8}\.r\d+$/ } as const;

const CRL = /-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g;

/** Reads what `ca` and `crl` of the rules name. Where `ca` is absent: the store of the machine. */
export function readAuthorities({ ca = [SYSTEM_AUTHORITIES], crl = [] }: Wanted, reader: PemReader): AuthoritiesResult {
  const authorities: Authorities = {};
  for (const name of ca) {
    const read = name === SYSTEM_AUTHORITIES ? systemStore(reader) : readFiles(name, 'ca', reader);
    if (read.kind === 'bad') return read;
    const empty = read.files.find(({ pem }) => !holdsCertificate(pem));
    if (empty !== undefined) return unusable(empty.path, 'certificate', 'so nobody it should vouch for could be known');
    authorities.ca = [...(authorities.ca ?? []), ...read.files.map(({ pem }) => pem)];
  }
  for (const name of crl) {
    const read = readFiles(name, 'crl', reader);
    if (read.kind === 'bad') return read;
    for (const { path, pem } of read.files) {
      // OpenSSL takes one list from each text.
      const lists = pem.toString('latin1').match(CRL);
      if (lists === null) return unusable(path, 'revocation list', 'so every certificate would be refused');
      authorities.crl = [...(authorities.crl ?? []), ...lists];
    }
  }
  return { kind: 'read', authorities };
}

/** The store of the machine; the one that comes with Node where there is no file of it. */
function systemStore(reader: PemReader): FilesResult {
  for (const path of SYSTEM_STORES) {
    const read = readPem(reader, path);
    if (read.kind === 'pem' && holdsCertificate(read.pem)) return { kind: 'files', files: [{ path, pem: read.pem }] };
  }
  return { kind: 'files', files: [{ path: SYSTEM_AUTHORITIES, pem: Buffer.from(rootCertificates.join('\n')) }] };
}

/** A file, or those of a folder that OpenSSL would find in it. */
function readFiles(path: string, kind: keyof typeof HASHED, reader: PemReader): FilesResult {
  const names = hashedNames(path, kind);
  if (names?.length === 0)
    return unusable(
      path,
      `${kind === 'ca' ? 'certificate' : 'revocation list'} by its hash`,
      'so nobody could be let in; c_rehash makes the names',
    );
  const files: { path: string; pem: Buffer }[] = [];
  for (const each of names?.map((name) => join(path, name)) ?? [path]) {
    const read = readPem(reader, each);
    if (read.kind === 'bad') return read;
    files.push({ path: each, pem: read.pem });
  }
  return { kind: 'files', files };
}

/** Names of a folder, in order; undefined where it is none, or may not be looked into: reading it says why. */
function hashedNames(path: string, kind: keyof typeof HASHED): string[] | undefined {
  try {
    return readdirSync(path)
      .filter((name) => HASHED[kind].test(name))
      .sort();
  } catch {
    return undefined;
  }
}

function unusable(path: string, what: string, consequence: string): { kind: 'bad'; problem: StartProblem } {
  const message = `${path} holds no ${what} in PEM form, ${consequence}. Is it the right one?`;
  return { kind: 'bad', problem: { code: 'CERTIFICATE_UNUSABLE', message } };
}
