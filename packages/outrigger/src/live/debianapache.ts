// Room: a fresh Debian Apache for live tests: the tree that the package installs, copied under a folder of its own, with an Exchange
// virtual host and two sites. It runs from there as the package would run it.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Network } from './network.ts';

/** Where the package puts its tree. */
const PACKAGED = '/etc/apache2';
const MODULES = ['headers', 'proxy', 'proxy_http', 'socache_shmcb', 'ssl'];
/** Milliseconds until Apache is gone: children that hold a connection are given ten seconds. */
const END_PATIENCE = 20_000;

export type DebianApache = {
  /** The copy of /etc/apache2. */
  tree: string;
  /** Words that run this Apache inside the network. */
  command(...args: string[]): [string, ...string[]];
  /** All paths of the tree with what they hold, mode and owner. */
  sums(): Record<string, string>;
  log(name: string): string;
  stop(): Promise<void>;
};

export function hasPackagedTree(): boolean {
  return existsSync(join(PACKAGED, 'apache2.conf')) && existsSync(join(PACKAGED, 'mods-available/ssl.load'));
}

/** Writes it into `folder` and starts it. `exchange`: the address behind the Exchange virtual host. */
export function startDebianApache(
  folder: string,
  network: Network,
  files: { cert: string; key: string },
  exchange: string,
): DebianApache {
  const tree = join(folder, 'apache2');
  cpSync(PACKAGED, tree, { recursive: true, verbatimSymlinks: true });
  const at = (...names: string[]): string => join(tree, ...names);
  // The machine's own Apache has /var/run and /var/log.
  writeFileSync(at('envvars'), readFileSync(at('envvars'), 'latin1').replaceAll('=/var/', `=${folder}/var/`));
  for (const name of ['run', 'lock', 'log']) mkdirSync(join(folder, 'var', name, 'apache2'), { recursive: true });
  const link = (kind: string, name: string): void => {
    if (existsSync(at(`${kind}-available`, name)) && !existsSync(at(`${kind}-enabled`, name)))
      symlinkSync(`../${kind}-available/${name}`, at(`${kind}-enabled`, name));
  };
  for (const name of MODULES) {
    link('mods', `${name}.load`);
    link('mods', `${name}.conf`);
  }
  const tls = `\tSSLEngine on\n\tSSLCertificateFile ${files.cert}\n\tSSLCertificateKeyFile ${files.key}\n`;
  const site = (name: string, lines: string): void => {
    writeFileSync(
      at('sites-available', `${name}.conf`),
      `<VirtualHost *:443>\n\tServerName ${name}\n${tls}\tErrorLog \${APACHE_LOG_DIR}/error.log\n\tCustomLog \${APACHE_LOG_DIR}/${name}.log combined\n${lines}</VirtualHost>\n`,
    );
    link('sites', `${name}.conf`);
  };
  for (const name of ['www.contoso.com', 'shop.contoso.com']) {
    const root = join(folder, 'sites', name);
    mkdirSync(join(root, 'docs'), { recursive: true });
    writeFileSync(join(root, 'index.html'), `<title>${name}</title>\n`);
    writeFileSync(join(root, 'docs', 'index.html'), `<p>${'documents of '.repeat(500)}${name}\n`);
    // Of a file that is younger than a second Apache gives a weak ETag, and then another.
    for (const page of ['index.html', 'docs/index.html']) utimesSync(join(root, page), 1_000_000_000, 1_000_000_000);
    site(name, `\tDocumentRoot ${root}\n\t<Directory ${root}>\n\t\tRequire all granted\n\t</Directory>\n`);
  }
  const passes = ['/owa', '/ecp', '/rpc', '/EWS', '/Microsoft-Server-ActiveSync'].map(
    (path) => `\tProxyPass ${path} https://${exchange}${path}\n\tProxyPassReverse ${path} https://${exchange}${path}\n`,
  );
  const proxied =
    '\tProxyPreserveHost On\n\tSSLProxyEngine on\n\tSSLProxyVerify none\n\tSSLProxyCheckPeerName off\n\tSSLProxyCheckPeerExpire off\n';
  site('mail.contoso.com', `\tDocumentRoot ${folder}/sites/shop.contoso.com\n${proxied}${passes.join('')}`);
  for (const path of [folder, tree, join(folder, 'sites')]) chmodSync(path, 0o755);

  const environment = [...readFileSync(at('envvars'), 'latin1').matchAll(/^export (APACHE_\w+)=(.*)$/gm)].map(
    ([, name, value = '']) => `${name}=${value.replace('$SUFFIX', '')}`,
  );
  const command: DebianApache['command'] = (...args) =>
    network.inside('env', ...environment, 'apache2', '-d', tree, '-f', at('apache2.conf'), ...args);
  const run = (...args: string[]): string => {
    const [program, ...rest] = command(...args);
    const { status, stderr } = spawnSync(program, rest, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`apache2 ${args.join(' ')}: ${stderr}`);
    return stderr;
  };
  run('-k', 'start');
  const pidFile = join(folder, 'var/run/apache2/apache2.pid');
  return {
    tree,
    command,
    sums: () => sumsOf(tree),
    log: (name) => readFileSync(join(folder, 'var/log/apache2', `${name}.log`), 'utf8'),
    async stop() {
      run('-k', 'stop');
      const deadline = Date.now() + END_PATIENCE;
      while (existsSync(pidFile) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
    },
  };
}

function sumsOf(folder: string, prefix = ''): Record<string, string> {
  const sums: Record<string, string> = {};
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    const { mode, uid, gid } = lstatSync(path);
    if (lstatSync(path).isDirectory()) Object.assign(sums, sumsOf(path, `${prefix}${name}/`));
    else {
      const bytes = lstatSync(path).isSymbolicLink() ? readlinkSync(path) : readFileSync(path);
      sums[prefix + name] = `${createHash('sha256').update(bytes).digest('hex')} ${mode.toString(8)} ${uid}:${gid}`;
    }
  }
  return sums;
}
