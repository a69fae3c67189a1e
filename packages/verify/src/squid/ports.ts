// Room: http_port, https_port and cache_peer lines as they stand in the private copy: moved to loopback, all that decides kept.
// Source: cache_cf.cc parse_port_option, parsePortCfg, parse_peer; security/PeerOptions.cc, ServerOptions.cc.
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
export type PeerLine = { name: string; url: string; write(port: number): string };

const PEER_TLS = /^(?:ssl|tls)(?:$|=|-)|^(?:ssl|tls)[a-z-]*=/;
/** A stand-in answers no ICP, holds no digest and no network database. */
const QUIET = ['no-query', 'no-digest', 'no-netdb-exchange'];
/** In place of a password that the copy must not hold. */
const NO_SECRET = 'verify';

/** Reads a peer line; undefined where Squid is to say what is wrong with it. TLS towards a stand-in would show nothing. */
export function readPeerLine(words: readonly Word[]): PeerLine | undefined {
  const [host, type, port, , ...options] = words.map(({ text }) => text);
  if (host === undefined || type === undefined || !/^\d{1,5}$/.test(port ?? '')) return undefined;
  const given = options.find((option) => option.startsWith('name='))?.slice('name='.length);
  const isTls = options.some((option) => PEER_TLS.test(option));
  const kept = options
    .filter((option) => !PEER_TLS.test(option) && !QUIET.includes(option))
    .map((option) => option.replace(/^(login=[^:]+:).*/, `$1${NO_SECRET}`));
  const bracketed = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return {
    name: given || host,
    url: `${isTls ? 'https' : 'http'}://${bracketed}:${port}`,
    write: (standIn) =>
      ['cache_peer', '127.0.0.1', type, standIn, 0, ...kept, ...QUIET, ...(given ? [] : [`name=${host}`])].join(' '),
  };
}
