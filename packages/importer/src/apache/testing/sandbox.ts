// A configuration as a private Apache can run it: its tree printed again with ports, certificates, folders and servers of the
// test's in place of its own. What decides about requests is left as it is.
import { existsSync } from 'node:fs';
import { parseTarget } from '../target.ts';
import type { ConfigNode, ConfigTree } from '../tree.ts';

export type Stage = {
  /** Port of 127.0.0.1 in place of a port that is listened on. */
  portFor(port: number): number;
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
const NOT_LOADED = new Set(['mpm_event', 'authz_core', 'socache_shmcb', 'macro']);
const DROPPED = new Set(
  `errorlog customlog transferlog pidfile user group mutex defaultruntimedir sslsessioncache sslcertificatekeyfile
  sslcertificatechainfile servertokens outlookanywherepassthrough serversignature`.split(/\s+/),
);
/** Where Apache takes the client's address from in a test. */
export const CLIENT_FIELD = 'X-Test-Client';

/** Names of modules to load, without `mod_`. */
export function modulesOf({ modules }: ConfigTree): string[] {
  const names = [...(modules.loadedFiles() ?? [])].flatMap((file) => /^mod_(\w+)\.c$/.exec(file)?.[1] ?? []);
  return [...names, 'remoteip'].filter((name) => !NOT_LOADED.has(name) && existsSync(`${MODULES}/mod_${name}.so`));
}

export function sandboxed({ nodes }: ConfigTree, stage: Stage): string {
  const remoteIp = [`RemoteIPHeader ${CLIENT_FIELD}`, 'RemoteIPInternalProxy 127.0.0.1'];
  return [...remoteIp, ...nodes.flatMap((node) => printed(node, stage)), ''].join('\n');
}

function printed(node: ConfigNode, stage: Stage): string[] {
  if (node.kind === 'section') {
    const rest = node.key === 'virtualhost' ? node.rest.replace(/\S+/g, (each) => address(each, stage)) : node.rest;
    const inside = node.children.flatMap((each) => printed(each, stage));
    const shown = /^proxy/.test(node.key) ? withOrigins(rest, stage) : rest;
    return [`<${node.name} ${shown}>`, ...inside, `</${node.name}>`];
  }
  if (DROPPED.has(node.key)) return [];
  const own = OWN[node.key];
  if (own !== undefined) return own(node, stage);
  // Only where requests are sent on: where clients are sent is what they are to be told.
  const isSentOn = /^(?:proxypass|balancermember)/.test(node.key) || /\[[^\]]*\bP\b[^\]]*\]\s*$/.test(node.rest);
  return [`${node.name} ${isSentOn ? withOrigins(node.rest, stage) : node.rest}`];
}

const OWN: Readonly<Record<string, (node: ConfigNode, stage: Stage) => string[]>> = {
  listen: ({ words }, stage) => [
    `Listen ${address(words[0]?.text ?? '', stage).replace(/^(?=\d+$)|^\*:/, '127.0.0.1:')}`,
  ],
  sslproxyverify: ({ rest }, { ca }) => (ca === undefined ? [] : [`SSLProxyVerify ${rest}`]),
  sslproxycacertificatefile: (_, { ca }) => (ca === undefined ? [] : [`SSLProxyCACertificateFile ${ca}`]),
  documentroot: (_, { dir }) => [`DocumentRoot ${dir}`],
  sslcacertificatefile: (_, { cert }) => [`SSLCACertificateFile ${cert}`],
  sslcertificatefile: (_, { cert, key }) => [`SSLCertificateFile ${cert}`, `SSLCertificateKeyFile ${key}`],
};

function address(word: string, { portFor }: Stage): string {
  const local = word.replace(/^(?:\d{1,3}\.){3}\d{1,3}/, '127.0.0.1');
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
