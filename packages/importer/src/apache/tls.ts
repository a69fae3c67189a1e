// Room: how mod_ssl ends TLS for a virtual host, and what a listener of ours can say of it. Pure.
// Source: modules/ssl/ssl_engine_config.c; AP-140 to AP-142, and the mapping below them.
import type { TlsVersion } from '@outrigger/rules';
import type { Server, Servers } from './servers.ts';
import { inherited, setting } from './settings.ts';
import { type Directive, directivesOf } from './tree.ts';

export type ServerTls = {
  /** `lines`: of the certificate, and of its key where one names it. */
  certificates: { cert: string; key: string; lines: Directive[] }[];
  versions?: { min?: TlsVersion; max?: TlsVersion; directive: Directive };
  ciphers?: { list: string; directive: Directive };
  /** SSLVerifyClient of the virtual host as a whole, where it asks for anything. */
  clients?: { mode: 'request' | 'require'; ca?: string; directive: Directive };
  /** SSLCertificateChainFile: a chain that a listener takes from the certificate's own file. */
  chains: Directive[];
};

/** TLS of a virtual host; undefined where it speaks plain HTTP, whatever its port (AP-45). */
export function tlsOf(servers: Servers, server: Server): ServerTls | undefined {
  const engine = setting(servers, server, 'sslengine')?.toLowerCase();
  if (engine !== 'on') return undefined;
  const ciphers = inherited(servers, server, 'sslciphersuite')
    .filter(({ words }) => words.length === 1)
    .at(-1);
  const allowsOld = /@SECLEVEL=0/i.test(ciphers?.words[0]?.text ?? '');
  const versions = versionsOf(inherited(servers, server, 'sslprotocol').at(-1), allowsOld);
  const clients = clientsOf(servers, server);
  return {
    certificates: certificatesOf(servers, server),
    ...(versions && { versions }),
    ...(ciphers && { ciphers: { list: ciphers.words[0]?.text ?? '', directive: ciphers } }),
    ...(clients && { clients }),
    chains: inherited(servers, server, 'sslcertificatechainfile'),
  };
}

/** Certificates of the server itself, else those of the main server; a key that is not named is in the certificate's file. */
function certificatesOf({ main }: Servers, server: Server): ServerTls['certificates'] {
  const { nodes } = directivesOf(server.nodes, 'sslcertificatefile').length > 0 ? server : main;
  const keys = directivesOf(nodes, 'sslcertificatekeyfile');
  return directivesOf(nodes, 'sslcertificatefile').map((directive, index) => {
    const cert = directive.words[0]?.text ?? '';
    const key = keys[index];
    return { cert, key: key?.words[0]?.text ?? cert, lines: [directive, ...(key === undefined ? [] : [key])] };
  });
}

const VERSIONS: readonly (readonly [word: string, version: TlsVersion])[] = [
  ['tlsv1', '1.0'],
  ['tlsv1.1', '1.1'],
  ['tlsv1.2', '1.2'],
  ['tlsv1.3', '1.3'],
];

/** Words folded from left to right; a bare name resets, `+` adds, `-` takes away (AP-140). Oldest and newest of what is left. */
function versionsOf(directive: Directive | undefined, allowsOld: boolean): ServerTls['versions'] {
  if (directive === undefined) return undefined;
  let chosen = new Set<TlsVersion>();
  for (const { text } of directive.words) {
    const [, sign, word = ''] = /^([+-]?)(.*)$/s.exec(text.toLowerCase()) ?? [];
    const meant = word === 'all' ? VERSIONS : VERSIONS.filter(([name]) => name === word);
    if (sign === '') chosen = new Set();
    for (const [, version] of meant) {
      if (sign === '-') chosen.delete(version);
      else chosen.add(version);
    }
  }
  const left = VERSIONS.map(([, version]) => version).filter((version) => chosen.has(version));
  const [oldest, newest] = [left[0], left.at(-1)];
  return {
    directive,
    // TLS 1.0 and 1.1 are listed and refused by the OpenSSL of today unless the ciphers say @SECLEVEL=0 (AP-140).
    ...(oldest !== undefined && (oldest > '1.2' || (allowsOld && oldest < '1.2')) && { min: oldest }),
    ...(newest !== undefined && newest < '1.3' && { max: newest }),
  };
}

const CLIENT_MODES: Readonly<Record<string, 'request' | 'require'>> = {
  optional: 'request',
  optional_no_ca: 'request',
  require: 'require',
};

function clientsOf(servers: Servers, server: Server): ServerTls['clients'] {
  const directive = inherited(servers, server, 'sslverifyclient').at(-1);
  const mode = CLIENT_MODES[directive?.words[0]?.text.toLowerCase() ?? ''];
  if (directive === undefined || mode === undefined) return undefined;
  const ca = setting(servers, server, 'sslcacertificatefile');
  return { mode, directive, ...(ca !== undefined && { ca }) };
}
