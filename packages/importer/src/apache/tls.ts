// Room: how mod_ssl ends TLS for a virtual host, and what a listener of ours can say of it. Pure.
// Source: modules/ssl/ssl_engine_config.c; AP-140 to AP-142, and the mapping below them.
import type { TlsVersion } from '@outrigger/rules';
import type { Server, Servers } from './servers.ts';
import { inherited, isOn, setting } from './settings.ts';
import { type Directive, directivesOf } from './tree.ts';

export type ServerTls = {
  /** `lines`: of the certificate, and of its key where one names it. */
  certificates: { cert: string; key: string; lines: Directive[] }[];
  versions?: { min?: TlsVersion; max?: TlsVersion; directives: Directive[] };
  /** `isClients`: the order of the client counts, as it does unless a line says otherwise. */
  ciphers?: { list: string; isClients: boolean; directives: Directive[] };
  /** SSLCertificateChainFile: a chain that a listener takes from the certificate's own file. */
  chains: Directive[];
};

/** TLS of a virtual host; undefined where it speaks plain HTTP, whatever its port (AP-45). */
export function tlsOf(servers: Servers, server: Server): ServerTls | undefined {
  const engine = setting(servers, server, 'sslengine')?.toLowerCase();
  if (engine !== 'on') return undefined;
  const suites = inherited(servers, server, 'sslciphersuite');
  const ciphers = cipherListOf(suites);
  const allowsOld = /@SECLEVEL=0/i.test(ciphers ?? '');
  const versions = versionsOf(inherited(servers, server, 'sslprotocol').at(-1), allowsOld);
  return {
    certificates: certificatesOf(servers, server),
    ...(versions && { versions }),
    ...(ciphers !== undefined && {
      ciphers: { list: ciphers, isClients: !isOn(servers, server, 'sslhonorcipherorder'), directives: suites },
    }),
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

/**
 * The list that SSLCipherSuite lines come to, the last of each protocol; suites of TLS 1.3 ahead of the others, as `ciphers` has them.
 * Undefined where none says anything.
 */
export function cipherListOf(directives: readonly Directive[]): string | undefined {
  const last = (isFor13: boolean): string | undefined =>
    directives
      .map(({ words }) => words.map(({ text }) => text))
      .filter((words) => (words.length > 1 && /^TLSv1\.3$/i.test(words[0] ?? '')) === isFor13)
      .at(-1)
      ?.at(-1);
  const [suites, list] = [last(true), last(false)];
  if (suites === undefined) return list;
  return `${suites}:${list ?? 'DEFAULT'}`;
}

/** Words folded from left to right; a bare name resets, `+` adds, `-` takes away (AP-140). Oldest and newest of what is left. */
export function versionsOf(directive: Directive | undefined, allowsOld: boolean): ServerTls['versions'] {
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
    directives: [directive],
    // TLS 1.0 and 1.1 are listed and refused by the OpenSSL of today unless the ciphers say @SECLEVEL=0 (AP-140).
    ...(oldest !== undefined && (oldest > '1.2' || (allowsOld && oldest < '1.2')) && { min: oldest }),
    ...(newest !== undefined && newest < '1.3' && { max: newest }),
  };
}
