// Room: how mod_ssl speaks TLS with the servers it proxies to, as `tls` of an upstream, and what is said where the two differ. Pure but
// for the remarks it leaves. Source: modules/ssl/ssl_engine_config.c, ssl_engine_kernel.c ssl_callback_SSLVerify,
// ssl_engine_io.c ssl_io_filter_handshake (AP-130 to AP-134, AP-167).
import { type CertificateChecks, parseAddress, parseServer, type Upstream, upstreamOf } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import type { Server, Servers } from './servers.ts';
import { inherited } from './settings.ts';
import { cipherListOf, versionsOf } from './tls.ts';
import type { Directive, Section } from './tree.ts';
import { serverNameOf } from './vhosts.ts';

type UpstreamTls = NonNullable<Upstream['tls']>;

/** `reason` ends a sentence about a path: Apache cannot reach the server, or no rule can say how. */
export type ServerTlsRead = { kind: 'tls'; tls: UpstreamTls } | { kind: 'unsayable'; reason: string };

/** Lines whose meaning `tls` of an upstream carries. */
export const PROXY_TLS = [
  'sslproxyengine',
  'sslproxyverify',
  'sslproxycacertificatefile',
  'sslproxycacertificatepath',
  'sslproxycarevocationcheck',
  'sslproxycarevocationfile',
  'sslproxycarevocationpath',
  'sslproxycheckpeername',
  'sslproxycheckpeercn',
  'sslproxycheckpeerexpire',
  'sslproxyprotocol',
  'sslproxyciphersuite',
  'sslproxymachinecertificatefile',
];

/** Servers that requests of `sections` go to; `isPreserved`: they are told the Host of the request (ProxyPreserveHost). */
type Proxied = { urls: readonly string[]; isPreserved: boolean; sections: readonly Section[] };

/** The lines of a name that hold for them: of the server, then of Proxy sections (AP-167). */
type Lines = (key: string) => Directive[];

function linesFor(servers: Servers, server: Server, { sections }: Proxied): Lines {
  return (key) => inherited(servers, server, key, sections);
}

/** First word of the last of them, in lower case. */
function wordOf(lines: Lines, key: string): string | undefined {
  return lines(key).at(-1)?.words[0]?.text.toLowerCase();
}

/** TLS towards these servers. */
export function readServerTls(servers: Servers, server: Server, proxied: Proxied): ServerTlsRead {
  const unsayable = (reason: string): ServerTlsRead => ({ kind: 'unsayable', reason });
  const lines = linesFor(servers, server, proxied);
  const get = (key: string): string | undefined => lines(key).at(-1)?.words[0]?.text;
  if (wordOf(lines, 'sslproxyengine') !== 'on') return unsayable('without SSLProxyEngine On Apache answers 500 there');
  if (get('sslproxymachinecertificatepath') !== undefined)
    return unsayable('Apache shows its servers a certificate from a folder');
  const asked = checksOf(lines);
  const names = namesOf(servers, server, proxied);
  if (asked.name && names.kind === 'any' && asked.authority)
    return unsayable('the certificate of its server must carry whatever Host a request names');
  const checks = { ...asked, name: asked.name && names.kind !== 'any' };
  const ca = [get('sslproxycacertificatefile'), get('sslproxycacertificatepath')].filter((each) => each !== undefined);
  if (checks.authority && ca.length === 0)
    return unsayable('SSLProxyVerify asks for an authority and no line names one, so Apache answers 500 there');
  const crl = checks.authority ? revocationOf(lines) : [];
  if (crl === 'lenient') return unsayable('servers whose authority has no revocation list are taken all the same');
  const versions = versionsOf(lines('sslproxyprotocol').at(-1), allowsOld(lines));
  const ciphers = cipherListOf(lines('sslproxyciphersuite'));
  const certificate = get('sslproxymachinecertificatefile');
  const { tls } = upstreamOf({
    servers: ['https://server'],
    tls: {
      verify: verifyOf(checks),
      ...(names.kind === 'some' && { serverName: names.names }),
      ...(versions?.min !== undefined && { minVersion: versions.min }),
      ...(versions?.max !== undefined && { maxVersion: versions.max }),
      ...(ciphers !== undefined && { ciphers }),
      ...(checks.authority && { ca }),
      ...(crl.length > 0 && { crl }),
      ...(certificate !== undefined && { certificate: { cert: certificate, key: certificate } }),
    },
  });
  return { kind: 'tls', tls: tls as UpstreamTls };
}

/** What Apache checks of the certificate of a server. `optional` is no less: a server always shows one. */
function checksOf(lines: Lines): CertificateChecks {
  const verify = wordOf(lines, 'sslproxyverify');
  const authority = verify === 'require' || verify === 'optional';
  const name = wordOf(lines, 'sslproxycheckpeername');
  return {
    authority,
    // Either of two switches ends it, unless the newer one is written out (AP-132).
    name: name === undefined ? wordOf(lines, 'sslproxycheckpeercn') !== 'off' : name !== 'off',
    dates: authority || verify === 'optional_no_ca' || wordOf(lines, 'sslproxycheckpeerexpire') !== 'off',
  };
}

/** The same as `verify` of an upstream says it. */
function verifyOf(checks: CertificateChecks): UpstreamTls['verify'] {
  const { authority, name, dates } = checks;
  if (authority === name && name === dates) return name;
  if (authority) return ['authority'];
  return (['name', 'dates'] as const).filter((each) => checks[each]);
}

function hostOf(url: string): string {
  const server = parseServer(url);
  return server === undefined || server.scheme === 'unix' ? '' : server.host.toLowerCase();
}

type Names = { kind: 'own' } | { kind: 'some'; names: string[] } | { kind: 'any' };

/** The names sent and compared: `own`, the host in the URL of each server; with ProxyPreserveHost, the Host of the request. */
function namesOf(servers: Servers, server: Server, { urls, isPreserved }: Proxied): Names {
  if (!isPreserved) return { kind: 'own' };
  const own = server.kind === 'main' ? [] : [serverNameOf(server, servers), ...server.aliases];
  const names = own.flatMap((name) => name?.toLowerCase() ?? []);
  if (names.length === 0 || names.some((name) => sayable(name) === undefined)) return { kind: 'any' };
  const exact = [...new Set(names.flatMap((name) => sayable(name) ?? []))];
  // Requests for an address come without a name in TLS, and then it is that of the server.
  return exact.every((name) => urls.some((url) => hostOf(url) === name))
    ? { kind: 'own' }
    : { kind: 'some', names: exact };
}

/** A name as `serverName` has it; undefined for other patterns, and for addresses, which TLS sends none of. */
function sayable(name: string): string | undefined {
  if (parseAddress(name) !== undefined) return undefined;
  if (/^[^*?:\s]+$/.test(name)) return name;
  return /^\*(\.[^*?:\s]+)$/.exec(name)?.[1];
}

/** Files of revocation lists; `lenient` where a certificate without one is taken. */
function revocationOf(lines: Lines): string[] | 'lenient' {
  const [how = 'none', ...flags] = revocationWords(lines);
  if (how === 'none') return [];
  if (flags.includes('no_crl_for_cert_ok')) return 'lenient';
  return ['sslproxycarevocationfile', 'sslproxycarevocationpath'].flatMap(
    (key) => lines(key).at(-1)?.words[0]?.text ?? [],
  );
}

function revocationWords(lines: Lines): string[] {
  const directive = lines('sslproxycarevocationcheck').at(-1);
  return directive?.words.map(({ text }) => text.toLowerCase()) ?? [];
}

function allowsOld(lines: Lines): boolean {
  return lines('sslproxyciphersuite').some(({ rest }) => /@SECLEVEL=0/i.test(rest));
}

/** Says where Outrigger checks less of a certificate than Apache did, or more. `line`: the one that leads to the servers. */
export function remarkServerTls(
  servers: Servers,
  server: Server,
  { tls, ...proxied }: Proxied & { tls: UpstreamTls },
  line: Directive,
): void {
  const lines = linesFor(servers, server, proxied);
  const asked = checksOf(lines);
  const hosts = proxied.urls.map(hostOf);
  const names = namesOf(servers, server, proxied);
  if (asked.name && names.kind === 'any') {
    const message =
      'Apache compared the name in the certificate of the server with the Host of each request, whatever it was; Outrigger compares none';
    say(line, message, 'Set serverName in tls of the upstream to a name in the certificate, and verify to true.');
  }
  if (!asked.name && names.kind === 'any') {
    const message =
      'Apache sent the Host of each request as the name in TLS; Outrigger sends the name in the URL of the server';
    if (hosts.some((host) => parseAddress(host) === undefined))
      say(line, message, 'Set serverName where the server goes by it.');
  }
  const address = hosts.find((host) => parseAddress(host) !== undefined);
  if (asked.name && names.kind === 'own' && address !== undefined) {
    const message = `Apache looked for ${address} among the names of the certificate, where hardly any has it, and answered 500; Outrigger looks for it among the addresses, and answers 502`;
    say(line, message, 'Set serverName in tls of the upstream to a name in the certificate.');
  }
  if (asked.authority) remarkChain(lines, line);
  const [revocation] = revocationWords(lines);
  if (revocation === 'leaf' && tls.crl !== undefined) {
    const message =
      'tls.crl must hold a list of every authority in the chain; Apache asked for that of the certificate alone';
    say(line, message, 'Add the list of the root where another authority signed the certificate.');
  }
  if (tls.certificate !== undefined) {
    const message =
      'the certificate is shown to every server that asks for one; Apache looked among those of the file for one of an authority that the server named';
    for (const each of lines('sslproxymachinecertificatefile').slice(-1)) say(each, message);
  }
  for (const each of lines('sslproxymachinecertificatechainfile'))
    say(
      each,
      'the chain of a certificate is taken from its own file',
      'Append it to that file, behind the certificate.',
    );
}

/** Two at least: a server's certificate, and one of who signed it. */
const DEFAULT_DEPTH = '1';

function remarkChain(lines: Lines, line: Directive): void {
  const last = lines('sslproxyverifydepth').at(-1);
  const depth = last?.words[0]?.text ?? DEFAULT_DEPTH;
  const message = `Apache refused a server whose certificate is more than ${depth} below its root (SSLProxyVerifyDepth); Outrigger takes a chain of any length`;
  say(last ?? line, message);
}

function say({ entry }: Directive, message: string, hint?: string): void {
  if (entry.remarks.some((each) => each.message === message)) return;
  remark(entry, 'approximated', 'APACHE_TLS', message, hint === undefined ? {} : { hint });
}
