// Room: a tree as a private Apache can read it, file by file and line by line as it was written: only what is of the machine it came
// from (its ServerRoot, modules, certificates, user) is that of the test, so that Apache's own words name the lines of the tree.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { USUAL_MODULES } from './sandbox.ts';

/** What is compiled into Debian's Apache, which refuses to load it again. */
const COMPILED_IN = new Set(['log_config', 'logio', 'unixd', 'version', 'watchdog', 'so', 'http', 'core']);
const MODULES = '/usr/lib/apache2/modules';
/** Roots of distributions, in the order in which they are looked for. */
const ROOTS =
  /(["'\s])(?:\/etc\/apache2|\/etc\/httpd|\/usr\/local\/etc\/apache2[24]|[A-Za-z]:\/Apache24)(?=[/"'\s]|$)/g;
const CERTIFICATES =
  /^(\s*(?:SSLCertificate(?:Key|Chain)?File|SSLCACertificateFile|SSLProxyCACertificateFile|SSLProxyMachineCertificateFile)\s+)[^\n]*$/i;
/** Its folder is that of another machine. */
const ACCESS_LOG = /^(\s*(?:Custom|Transfer)Log\s+)(?:"(?:[^"\\]|\\.)*"|\S+)/i;

export type PrivateCopy = {
  /** Path of the file to give to Apache. */
  main: string;
  /** Modules that the tree loads and this machine lacks. */
  lacking: string[];
};

/** Writes `files` under `root`; `main`: the main file among them; `pem`: a certificate with its key. */
export function writePrivateCopy(
  files: Readonly<Record<string, string>>,
  { root, main, pem }: { root: string; main: string; pem: string },
): PrivateCopy {
  const lacking: string[] = [];
  let hasModules = false;
  const adapted = (line: string): string => {
    if (/^\s*#/.test(line)) return line;
    const [, module] = /^\s*LoadModule\s+\S+\s+["']?([^"'\s]+)/i.exec(line) ?? [];
    if (module !== undefined) {
      hasModules = true;
      const name = basename(module).replace(/^mod_|\.so$/g, '');
      if (COMPILED_IN.has(name)) return `# compiled in: ${name}`;
      if (existsSync(join(MODULES, `mod_${name}.so`))) return line.replace(module, `${MODULES}/mod_${name}.so`);
      lacking.push(name);
      return `# not here: ${name}`;
    }
    if (/^\s*(?:User|Group)\s/i.test(line)) return line.replace(/\S+\s*$/, 'www-data');
    if (/^\s*ErrorLog\s/i.test(line)) return 'ErrorLog /dev/null';
    if (ACCESS_LOG.test(line)) return line.replace(ACCESS_LOG, '$1/dev/null');
    if (/^\s*SSLPassPhraseDialog\s/i.test(line)) return 'SSLPassPhraseDialog builtin';
    if (/^\s*DocumentRoot\s/i.test(line)) return `DocumentRoot "${root}"`;
    if (/^\s*ServerRoot\s/i.test(line)) return `ServerRoot "${root}"`;
    return line.replace(CERTIFICATES, `$1${pem}`).replace(ROOTS, `$1${root}`);
  };
  mkdirSync(join(root, 'logs'), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text.split('\n').map(adapted).join('\n'), 'latin1');
  }
  if (hasModules || main === 'apache2.conf') return { main: join(root, main), lacking };
  const outer = join(root, 'outer-of-the-test.conf');
  const loads = ['mpm_event', 'authz_core', 'socache_shmcb', ...USUAL_MODULES].map(
    (name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`,
  );
  writeFileSync(outer, [...loads, `ServerRoot "${root}"`, `Include "${join(root, main)}"`, ''].join('\n'));
  return { main: outer, lacking };
}
