// A configuration as a private Apache can run it: its tree printed again with ports, certificates, folders and servers of the
// test's in place of its own. What decides about requests is left as it is.
import { existsSync } from 'node:fs';
import { knownDirective } from '../directives.ts';
import { parseTarget } from '../target.ts';
import type { ConfigNode, ConfigTree } from '../tree.ts';

export type Stage = {
  /** Port of 127.0.0.1 in place of a port that is listened on. */
  portFor(port: number): number;
  /** Address of loopback in place of an address of the configuration; 127.0.0.1 for each where absent. */
  addressFor?: (address: string) => string;
  /** Addresses of loopback that virtual hosts have for themselves, listened on where the configuration listens on all. */
  alsoAt?: readonly string[];
  /** Port of 127.0.0.1 in place of a server that is proxied to: `https://10.1.1.14:443`. */
  originPort(origin: string): number;
  dir: string;
  cert: string;
  key: string;
  /** Authority of servers that are asked over TLS; absent where all are asked in the clear. */
  ca?: string;
};

const MODULES = '/usr/lib/apache2/modules';
/** Loaded by the one who starts it, or of no use to a test. */
const NOT_LOADED = new Set(
  'mpm_event mpm_prefork mpm_worker authz_core socache_shmcb macro cgid lua dbd authn_dbd authz_dbd session_dbd md'.split(
    ' ',
  ),
);
/** Those of a tree that names none, as one does that is a part of a configuration. */
export const USUAL_MODULES: readonly string[] =
  `access_compat alias auth_basic authn_core authn_file authz_host authz_user deflate dir env expires filter headers mime
  negotiation proxy proxy_http rewrite setenvif ssl status`.split(/\s+/);
const DROPPED = new Set(
  `errorlog customlog transferlog pidfile user group mutex defaultruntimedir sslsessioncache sslcertificatekeyfile
  sslcertificatechainfile servertokens serversignature sslusestapling sslstaplingcache
  sslpassphrasedialog sslproxymachinecertificatefile sslcarevocationfile sslopensslconfcmd davlockdb cacheroot typesconfig
  mimemagicfile scriptsock remoteipheader remoteipinternalproxy remoteiptrustedproxy extfilterdefine coredumpdirectory`.split(
    /\s+/,
  ),
);
/** Where Apache takes the client's address from in a test. */
export const CLIENT_FIELD = 'X-Test-Client';

/** Names of modules to load, without `mod_`. */
export function modulesOf({ modules }: ConfigTree): string[] {
  const loaded = modules.loadedFiles() ?? USUAL_MODULES.map((name) => `mod_${name}.c`);
  const names = [...loaded].flatMap((file) => /^mod_(\w+)\.c$/.exec(file)?.[1] ?? []);
  return [...names, 'remoteip'].filter((name) => !NOT_LOADED.has(name) && existsSync(`${MODULES}/mod_${name}.so`));
}

export function sandboxed({ nodes }: ConfigTree, stage: Stage): string {
  const types = ['<IfModule mod_mime.c>', 'TypesConfig /dev/null', '</IfModule>'];
  const remoteIp = [`RemoteIPHeader ${CLIENT_FIELD}`, 'RemoteIPInternalProxy 127.0.0.1'];
  const lines = nodes.flatMap((node) => printed(node, stage));
  // Addresses of the configuration that are one of loopback here.
  const isAgain = (line: string, index: number): boolean => line.startsWith('Listen ') && lines.indexOf(line) < index;
  return [...types, ...remoteIp, ...lines.filter((line, index) => !isAgain(line, index)), ''].join('\n');
}

function printed(node: ConfigNode, stage: Stage): string[] {
  if (node.kind === 'section') {
    const rest = node.key === 'virtualhost' ? node.rest.replace(/\S+/g, (each) => address(each, stage)) : node.rest;
    const inside = node.children.flatMap((each) => printed(each, stage));
    const shown = /^proxy/.test(node.key) ? withOrigins(rest, stage) : rest;
    return [`<${node.name} ${shown}>`, ...inside, `</${node.name}>`];
  }
  // A directive that is not httpd's is of a module that a test does not have.
  if (DROPPED.has(node.key) || knownDirective(node.name) === undefined) return [];
  const own = OWN[node.key];
  if (own !== undefined) return own(node, stage);
  // Only where requests are sent on: where clients are sent is what they are to be told.
  const isSentOn = /^(?:proxypass|balancermember)/.test(node.key) || /\[[^\]]*\bP\b[^\]]*\]\s*$/.test(node.rest);
  return [`${node.name} ${isSentOn ? withOrigins(node.rest, stage) : node.rest}`];
}

const OWN: Readonly<Record<string, (node: ConfigNode, stage: Stage) => string[]>> = {
  listen: ({ words }, stage) => {
    const word = address(words[0]?.text ?? '', stage);
    const port = /\d+$/.exec(word)?.[0] ?? '';
    const isAny = /^(?:\*:|0\.0\.0\.0:|\[::\]:)?\d+$/.test(words[0]?.text ?? '');
    const addresses = isAny ? ['127.0.0.1', ...(stage.alsoAt ?? [])] : [word.replace(/:\d+$/, '')];
    return addresses.map((each) => `Listen ${each}:${port}`);
  },
  sslproxyverify: ({ rest }, { ca }) => (ca === undefined ? [] : [`SSLProxyVerify ${rest}`]),
  sslproxycacertificatefile: (_, { ca }) => (ca === undefined ? [] : [`SSLProxyCACertificateFile ${ca}`]),
  documentroot: (_, { dir }) => [`DocumentRoot ${dir}`],
  sslcacertificatefile: (_, { cert }) => [`SSLCACertificateFile ${cert}`],
  sslcertificatefile: (_, { cert, key }) => [`SSLCertificateFile ${cert}`, `SSLCertificateKeyFile ${key}`],
};

function address(word: string, { portFor, addressFor = () => '127.0.0.1' }: Stage): string {
  const local = word.replace(/^(?:\d{1,3}\.){3}\d{1,3}/, addressFor);
  return local.replace(/(?<=^|:)\d+$/, (port) => String(portFor(Number(port))));
}

function withOrigins(text: string, { originPort, ca }: Stage): string {
  return text.replace(/https?:\/\/[\w.-]+(?::\d+)?(?=[/"\s$]|$)/gi, (url) => {
    const target = parseTarget(url);
    if (target.kind !== 'http') return url;
    const port = originPort(target.origin);
    if (ca === undefined || target.scheme === 'http') return `http://127.0.0.1:${port}`;
    return `https://${/^[\d.]+$/.test(target.host) ? '127.0.0.1' : 'localhost'}:${port}`;
  });
}
