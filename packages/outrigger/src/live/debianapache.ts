// Room: a fresh Debian Apache for live tests: the tree that the package installs, copied under a folder of its own, with an Exchange
// virtual host and two sites. It runs from there as the package would run it.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type ApacheTree, startApacheTree } from './apachetree.ts';
import type { Network } from './network.ts';

/** Where the package puts its tree. */
const PACKAGED = '/etc/apache2';
const MODULES = ['headers', 'proxy', 'proxy_http', 'socache_shmcb', 'ssl'];
export function hasPackagedTree(): boolean {
  return existsSync(join(PACKAGED, 'apache2.conf')) && existsSync(join(PACKAGED, 'mods-available/ssl.load'));
}

/** Writes it into `folder` and starts it. `exchange`: the address behind the Exchange virtual host. */
export function startDebianApache(
  folder: string,
  network: Network,
  files: { cert: string; key: string },
  exchange: string,
): ApacheTree {
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
  return startApacheTree(network, {
    tree,
    words: [...environment, 'apache2', '-d', tree, '-f', at('apache2.conf')],
    pidFile: join(folder, 'var/run/apache2/apache2.pid'),
    logs: join(folder, 'var/log/apache2'),
  });
}
