// Room: http_port, https_port and cache_peer lines as they stand in the private copy: moved to loopback, all that decides kept.
// Source: cache_cf.cc parse_port_option, parsePortCfg, parse_peer; security/PeerOptions.cc, ServerOptions.cc.
import { isIP } from 'node:net';
import type { Word } from '@outrigger/importer';

/** A port line: where it listened, what it is called, and the line that takes its place. */
export type PortLine = {
  /** `HOST:PORT`, `*` for every address: lines with one address share it in the copy too (SQ-117). */
  address: string;
  port: number;
  /** What `myportname` compares: `name=`, or the first word as written (SQ-64). */
  name: string;
  tls: boolean;
  /** The address alone, or `*`. */
  host: string;
  write(place: { host: string; port: number; cert: string; key: string }): string;
};

/** Options that end with the machine they were written for: TLS parameters and files. */
const PORT_TLS =
  /^(?:tls-)?(?:cert|key|cipher|options|min-version|dh|dhparams|cafile|capath|crlfile|clientca|default-ca)=|^(?:version|dhparams|sslflags|sslcontext)=/;
const PORT_CERT = /^(?:tls-)?cert=/;
/** Modes that need the kernel's help and serve other people's connections. */
const INTERCEPTION = ['intercept', 'tproxy', 'transparent', 'ssl-bump'];

/** Reads a port line; `intercepts` for one that cannot be moved; undefined where Squid is to say what is wrong with it. */
export function readPortLine(kind: string, words: readonly Word[]): PortLine | 'intercepts' | undefined {
  const [first = '', ...options] = words.map(({ text }) => text);
  const match = /^(?:(.*):)?(\d{1,5})$/.exec(first);
  if (match === null) return undefined;
  if (options.some((option) => INTERCEPTION.includes(option))) return 'intercepts';
  const host = match[1] === undefined || ['', '0.0.0.0', '[::]'].includes(match[1]) ? '*' : match[1];
  const value = (name: string): string | undefined =>
    options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
  const protocol = value('protocol')?.toLowerCase();
  const tls = kind === 'https_port' ? protocol !== 'http' : protocol === 'https';
  const named = /[a-z]/i.test(host) && !host.includes(':') && value('defaultsite') === undefined;
  // Probes come without a balancer in between; with TLS, Squid is to say that it does not start.
  const isBehind = (option: string): boolean => option === 'require-proxy-header' && kind === 'http_port';
  const kept = options.filter((option) => !PORT_TLS.test(option) && !isBehind(option));
  const hasCertificate = options.some((option) => PORT_CERT.test(option));
  return {
    address: `${host}:${match[2]}`,
    port: Number(match[2]),
    host,
    name: value('name') ?? first,
    tls,
    write: (place) =>
      [
        kind,
        `${place.host}:${place.port}`,
        ...kept,
        ...(value('name') === undefined ? [`name=${first}`] : []),
        // A host name as address sets the site too (SQ-112).
        ...(named && kept.length > 0 ? [`defaultsite=${host}`] : []),
        ...(tls && hasCertificate ? [`cert=${place.cert}`, `key=${place.key}`] : []),
      ].join(' '),
  };
}

/** A cache_peer line: its name, where it led, and the line that takes its place. */
export type PeerLine = {
  name: string;
  url: string;
  /** Names and addresses that the certificate of its stand-in must have; none without TLS. */
  names: string[];
  /** Its host, where that is a name that TLS sends: the copy must find the stand-in by it. */
  hostName?: string;
  /** `ca`: file of the authority behind the stand-ins. */
  write(place: { port: number; ca: string }): string;
};

const PEER_TLS = /^(?:ssl|tls)(?:$|=|-)|^(?:ssl|tls)[a-z-]*=/;
/** TLS options that decide what a stand-in sees: that there is TLS, whom its certificate is checked for, and whether. */
const PEER_TLS_KEPT = /^(?:ssl|tls)$|^(?:ssldomain|tls-domain|sslflags|tls-flags)=/;
/** A list of revoked certificates ends with the machine. */
const REVOCATION = /\bVERIFY_CRL(?:_ALL)?\b[,:]?/g;
/** A stand-in answers no ICP, holds no digest and no network database. */
const QUIET = ['no-query', 'no-digest', 'no-netdb-exchange'];
/** In place of a password that the copy must not hold. */
const NO_SECRET = 'verify';

/** Reads a peer line; undefined where Squid is to say what is wrong with it. Versions and ciphers of TLS are the stand-in's. */
export function readPeerLine(words: readonly Word[]): PeerLine | undefined {
  const [host, type, port, , ...options] = words.map(({ text }) => text);
  if (host === undefined || type === undefined || !/^\d{1,5}$/.test(port ?? '')) return undefined;
  const given = options.find((option) => option.startsWith('name='))?.slice('name='.length);
  const isTls = options.some((option) => PEER_TLS.test(option));
  const kept = options
    .filter((option) => (!PEER_TLS.test(option) || PEER_TLS_KEPT.test(option)) && !QUIET.includes(option))
    .map((option) => option.replace(/^(login=[^:]+:).*/, `$1${NO_SECRET}`))
    .map((option) => (PEER_TLS.test(option) ? option.replace(REVOCATION, '') : option));
  const domain = options.map((option) => /^(?:ssldomain|tls-domain)=(.+)/.exec(option)?.[1]).find(Boolean);
  const hostName = isTls && isIP(host.replace(/^\[|\]$/g, '')) === 0 ? host : undefined;
  const bracketed = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return {
    name: given || host,
    url: `${isTls ? 'https' : 'http'}://${bracketed}:${port}`,
    names: isTls ? [host.replace(/^\[|\]$/g, ''), ...(domain === undefined ? [] : [domain])] : [],
    ...(hostName !== undefined && { hostName }),
    write: (standIn) =>
      [
        ...['cache_peer', hostName ?? '127.0.0.1', type, standIn.port, 0, ...kept, ...QUIET],
        ...(isTls ? [`sslcafile=${standIn.ca}`] : []),
        ...(given ? [] : [`name=${host}`]),
      ].join(' '),
  };
}
