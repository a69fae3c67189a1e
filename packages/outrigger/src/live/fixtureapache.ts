// Room: an Apache of Red Hat's layout for live tests: the files of a case under fixtures/cutover/, laid out in a folder as on their
// machine, run by the installed Apache under the name httpd. Modules that Debian builds in are not loaded a second time.
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ApacheTree, startApacheTree } from './apachetree.ts';
import type { Network } from './network.ts';

export const CASES = fileURLToPath(new URL('../../../../fixtures/cutover/', import.meta.url));
/** Where Debian puts the modules. */
const MODULES = '/usr/lib/apache2/modules';
/** The installed program, and the user that Debian gives it. */
const PROGRAM = '/usr/sbin/apache2';
const USER = 'www-data';

export type FixtureApache = ApacheTree & {
  /** A folder in which the program is called httpd. */
  bin: string;
  /** A text with the folders of this run in place of the machine's. */
  here(text: string): string;
};

/** Lays the case out in `folder` and starts it. `more`: lines at the end of its main file. */
export function startFixtureApache(
  name: string,
  folder: string,
  network: Network,
  files: { cert: string; key: string },
  more = '',
): FixtureApache {
  const own = join(CASES, name);
  const here: FixtureApache['here'] = (text) => text.replaceAll(/(?<=[\s"':=])\/(etc|run|var)\//g, `${folder}/$1/`);
  for (const entry of readdirSync(own, { recursive: true, withFileTypes: true })) {
    const from = join(entry.parentPath, entry.name);
    if (!entry.isFile() || entry.parentPath === own) continue;
    const to = join(folder, from.slice(own.length));
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, withoutBuiltIn(here(readFileSync(from, 'latin1'))));
  }
  const tree = join(folder, 'etc/httpd');
  const main = join(tree, 'conf/httpd.conf');
  // Red Hat's program has this name inside, Debian's one for the whole machine.
  const pidFile = /^PidFile /m.test(readFileSync(main, 'latin1')) ? '' : 'PidFile run/httpd.pid\n';
  appendFileSync(main, pidFile + more);
  for (const path of ['etc/pki/tls/certs', 'etc/pki/tls/private', 'run/httpd', 'var/log/httpd', 'bin'])
    mkdirSync(join(folder, path), { recursive: true });
  // As the package has them.
  symlinkSync(join(folder, 'run/httpd'), join(tree, 'run'));
  symlinkSync('../../var/log/httpd', join(tree, 'logs'));
  copyFileSync(files.cert, join(folder, 'etc/pki/tls/certs/localhost.crt'));
  copyFileSync(files.key, join(folder, 'etc/pki/tls/private/localhost.key'));
  symlinkSync(MODULES, join(tree, 'modules'));
  writeFileSync(join(folder, 'etc/mime.types'), 'text/html html\n');
  symlinkSync(PROGRAM, join(folder, 'bin/httpd'));
  for (const site of ['html', 'sites/www.contoso.com']) {
    mkdirSync(join(folder, 'var/www', site), { recursive: true });
    writeFileSync(join(folder, 'var/www', site, 'index.html'), `<title>${site}</title>\n`);
  }
  for (const path of [folder, join(folder, 'etc'), tree]) chmodSync(path, 0o755);
  const sysconfig = join(folder, 'etc/sysconfig/httpd');
  const lines = existsSync(sysconfig) ? readFileSync(sysconfig, 'latin1') : '';
  const options = /^OPTIONS="(.*)"$/m.exec(lines)?.[1]?.split(' ') ?? [];
  const environment = [...lines.matchAll(/^(?!OPTIONS)(\w+)=(.*)$/gm)].map(([line]) => line);
  const apache = startApacheTree(network, {
    tree,
    words: [...environment, join(folder, 'bin/httpd'), '-d', tree, '-f', main, ...options],
    pidFile: join(tree, 'run/httpd.pid'),
    logs: join(tree, 'logs'),
  });
  return { ...apache, bin: join(folder, 'bin'), here };
}

/** Debian's Apache has some of Red Hat's modules inside, no user called apache, and no file of ciphers for the whole system. */
function withoutBuiltIn(text: string): string {
  return text
    .replaceAll(/^LoadModule \w+ modules\/(\S+)$/gm, (line, module: string) =>
      existsSync(join(MODULES, module)) ? line : `# ${line}`,
    )
    .replaceAll(/^(User|Group) apache$/gm, `$1 ${USER}`)
    .replaceAll('PROFILE=SYSTEM', 'HIGH:!aNULL');
}
