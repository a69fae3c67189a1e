// Room: a rules file on disk, read once and told about in a person's words.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  type CertificateFiles,
  type DenialPage,
  type Diagnostic,
  formatDiagnostic,
  type Listener,
  type LoadResult,
  loadRules,
  type RuleSet,
  SYSTEM_AUTHORITIES,
} from '@outrigger/rules';
import type { Terminal } from './terminal.ts';

/** Something the person can mend: printed as it is, without a stack, and the command ends with 1. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** Reads and loads a rules file. Throws a UsageError where it cannot be read; findings are values. */
export function readRules(file: string): LoadResult {
  return loadRules(readText(file), file);
}

/** The text of a file the person named; a UsageError says what is wrong with it. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file}: cannot be read: ${reasonOf(error)}`);
  }
}

/** Why the system refused a file, in words where the number is a common one. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const words: Record<string, string> = {
    ENOENT: 'there is no such file or folder',
    EACCES: 'permission denied',
    EISDIR: 'it is a folder',
    ENOSPC: 'the disk is full',
    EROFS: 'the file system is read-only',
  };
  return words[code ?? ''] ?? message;
}

/** Prints findings one a line on stderr, the severity in colour on a terminal. */
export function printDiagnostics(diagnostics: readonly Diagnostic[], terminal: Terminal): void {
  const style = { error: 'red', warning: 'yellow', note: 'cyan' } as const;
  for (const diagnostic of diagnostics) {
    const { severity } = diagnostic;
    terminal.err(
      `${formatDiagnostic(diagnostic).replace(`${severity}:`, terminal.paint(style[severity], `${severity}:`))}\n`,
    );
  }
}

/** Certificates, keys, pages and access logs by absolute names, taken from the folder of the rules file wherever the proxy is started. */
export function withAbsoluteFiles(rules: RuleSet, file: string): RuleSet {
  const folder = dirname(resolve(file));
  const pair = (files: CertificateFiles): CertificateFiles => {
    const passphraseFile = files.passphraseFile && { passphraseFile: resolve(folder, files.passphraseFile) };
    return 'pkcs12' in files
      ? { pkcs12: resolve(folder, files.pkcs12), ...passphraseFile }
      : { cert: resolve(folder, files.cert), key: resolve(folder, files.key), ...passphraseFile };
  };
  /** `system` names no file. */
  const trust = <Files extends { ca?: string[] | undefined; crl?: string[] | undefined }>({ ca, crl }: Files) => ({
    ...(ca && { ca: ca.map((each) => (each === SYSTEM_AUTHORITIES ? each : resolve(folder, each))) }),
    ...(crl && { crl: crl.map((each) => resolve(folder, each)) }),
  });
  const clients = ({ clientCertificates: asked }: NonNullable<Listener['tls']>): Partial<Listener['tls']> =>
    asked === undefined ? {} : { clientCertificates: { ...asked, ...trust(asked) } };
  return {
    ...rules,
    ...(rules.accessLog && {
      accessLog: rules.accessLog.map((log) => ({ ...log, file: resolve(folder, log.file) })),
    }),
    ...(rules.pages && { pages: new Map([...rules.pages].map(([name, given]) => [name, pageBeside(given, folder)])) }),
    listen: rules.listen.map((listener) =>
      listener.tls === undefined
        ? listener
        : {
            ...listener,
            tls: { ...listener.tls, certificates: listener.tls.certificates.map(pair), ...clients(listener.tls) },
          },
    ),
    upstreams: new Map(
      [...rules.upstreams].map(([name, upstream]) => {
        if (upstream.tls === undefined) return [name, upstream];
        const { certificate } = upstream.tls;
        const files = { ...trust(upstream.tls), ...(certificate && { certificate: pair(certificate) }) };
        return [name, { ...upstream, tls: { ...upstream.tls, ...files } }];
      }),
    ),
  };
}

function pageBeside(page: DenialPage, folder: string): DenialPage {
  const fill = Object.entries(page.fill ?? {}).map(([mark, filled]) => [
    mark,
    typeof filled === 'string' ? filled : { file: resolve(folder, filled.file) },
  ]);
  return { ...page, file: resolve(folder, page.file), ...(page.fill && { fill: Object.fromEntries(fill) }) };
}
