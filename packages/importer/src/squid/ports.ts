// Room: http_port and https_port lines, and the listener each becomes.
// Source: cache_cf.cc parse_port_option, parsePortCfg, parsePortSpecification; security/ServerOptions.cc (SQ-100 to SQ-137).
import { type Listener, parseListenAddress, SYSTEM_AUTHORITIES, type TlsVersion } from '@outrigger/rules';
import { type LedgerEntry, remark } from '../ledger.ts';
import type { Directive } from './expand.ts';
import {
  ACCELERATOR_SIGNS,
  checkMode,
  checkOptions,
  MODE_SINCE,
  MODES,
  NEED_MODE,
  type Options,
  splitOption,
} from './portoptions.ts';
import { readFlags, readTlsVersions } from './tls.ts';

/** An accelerator port that becomes a listener. */
export type Port = {
  directive: Directive;
  listener: Listener;
  /** What `myportname` compares: `name=`, or the address word as written (SQ-64). */
  word: string;
  /** Address it is bound to; absent where it is every address. */
  host?: string;
  port: number;
  /** Every request gets this Host, whatever the client sent (`no-vhost`). */
  site?: string;
  /** The port every URL gets, whatever the Host names (`vport`; SQ-109). */
  replacesPort?: number;
  /** Connections must begin with a PROXY header; who may send it is balancers.ts. */
  wantsProxyHeader: boolean;
  /** May go to the host the client names. */
  allowDirect: boolean;
};

type ClientCertificates = NonNullable<NonNullable<Listener['tls']>['clientCertificates']>;

/** Reads one port line; undefined for a port that becomes no listener, which is remarked with the reason. */
export function readPort(directive: Directive, version: number): Port | undefined {
  const { entry, at, name: kind } = directive;
  const word = directive.words[0]?.text ?? '';
  const address = readAddressWord(word);
  if (address === undefined) {
    remark(
      entry,
      'malformed',
      'SQUID_PORT_BAD',
      `${word === '' ? 'an empty word' : word} is not a port: Squid does not start`,
      {
        hint: 'The first word is PORT or ADDRESS:PORT.',
      },
    );
    return undefined;
  }
  const options: Options = new Map(directive.words.slice(1).map(({ text }) => splitOption(text)));
  checkOptions(options, directive);
  if (version >= MODE_SINCE) checkMode(directive);
  if (kind === 'https_port' && options.has('require-proxy-header')) {
    const message = 'require-proxy-header is not for https_port: Squid does not start. No listener is made';
    const hint =
      'If a balancer forwards TLS here, write the listener by hand, with proxyProtocol and proxyProtocolOnly.';
    remark(entry, 'malformed', 'SQUID_PORT_BAD', message, { hint });
    return undefined;
  }
  const obstacle = obstacleOf(options, version);
  if (obstacle !== undefined) {
    remark(entry, 'untranslated', obstacle.code, obstacle.message, { hint: obstacle.hint });
    return undefined;
  }

  const isTls =
    kind === 'https_port'
      ? options.get('protocol')?.toLowerCase() !== 'http'
      : options.get('protocol')?.toLowerCase() === 'https';
  if (kind === 'https_port' && !isTls) {
    const message = 'with protocol=http Squid speaks clear text on this port; so does the listener';
    remark(entry, 'translated', 'SQUID_PORT_PLAIN', message, {
      severity: 'warning',
      hint: 'Remove protocol=http if TLS was meant.',
    });
  }
  const listener: Listener = { address: `${address.host ?? '*'}:${address.port}`, from: [at] };
  const given = options.get('name') || undefined;
  // In a list of listeners `!` turns an entry around, and an address is the name of the listener that has none.
  if (given !== undefined && !given.startsWith('!') && parseListenAddress(given) === undefined) listener.name = given;
  if (isTls) {
    const tls = readTls(options, directive);
    if (tls === undefined) return undefined;
    listener.tls = tls;
  }
  // A host name as address names the site too (SQ-112).
  const named =
    address.host !== undefined && /[a-z]/i.test(address.host) && !address.host.includes(':') ? address.host : undefined;
  if (named !== undefined && named !== 'localhost') {
    const message = `${named} is taken for a host name: where it does not resolve, Squid does not start and the listener cannot bind`;
    remark(entry, 'translated', 'SQUID_PORT_BAD', message, { severity: 'warning', hint: 'Write the address.' });
  }
  const defaultSite = options.get('defaultsite') ?? named;
  if (defaultSite !== undefined && defaultSite !== '') listener.defaultHost = defaultSite;
  const port: Port = {
    directive,
    listener,
    word: given ?? word,
    port: address.port,
    ...(address.host !== undefined && { host: address.host.replace(/^\[|\]$/g, '') }),
    ...(options.has('vport') && { replacesPort: Number(options.get('vport') || address.port) }),
    wantsProxyHeader: options.has('require-proxy-header'),
    allowDirect: options.has('allow-direct'),
  };
  return withSite(port, options, defaultSite, version);
}

/** `no-vhost`, and `accel` without `vhost` before 3.2: the site replaces whatever Host came (SQ-104 to SQ-106). */
function withSite(port: Port, options: Options, site: string | undefined, version: number): Port | undefined {
  const { entry } = port.directive;
  const replaces = options.has('no-vhost') || (version < 3.2 && !options.has('vhost'));
  if (replaces && site === undefined) {
    remark(
      entry,
      'untranslated',
      'SQUID_PORT_SITE',
      'names no site and keeps no Host: Squid answers every request with 400',
      {
        hint: 'Add vhost, or defaultsite=NAME.',
      },
    );
    return undefined;
  }
  if (replaces && site !== undefined) return { ...port, site };
  if (!options.has('vhost') && site !== undefined && version >= 3.2) {
    remark(
      entry,
      'translated',
      'SQUID_VHOST_IMPLIED',
      `since Squid 3.2 the Host of the client counts here; 3.1 and older put ${site} in its place`,
      {
        hint: 'If the file last ran on 3.1 or older, import with --squid-version 3.1.',
      },
    );
  }
  return port;
}

function obstacleOf(
  options: Options,
  version: number,
): { code: 'SQUID_PORT_FORWARD' | 'SQUID_PORT_CLIENT_CERT'; message: string; hint: string } | undefined {
  const interception = ['intercept', 'tproxy', 'transparent', 'ssl-bump'].find((option) => options.has(option));
  if (interception !== undefined) {
    return {
      code: 'SQUID_PORT_FORWARD',
      message: `${interception} intercepts other people’s connections; no listener is made`,
      hint: 'Leave that port to Squid.',
    };
  }
  const signs = version >= MODE_SINCE ? [...MODES, ...NEED_MODE] : ACCELERATOR_SIGNS;
  if (!signs.some((option) => options.has(option))) {
    return {
      code: 'SQUID_PORT_FORWARD',
      message: 'without accel it is a forward proxy; no listener is made',
      hint: 'Leave that port to Squid, or add accel if it serves your sites.',
    };
  }
  const asksForList = /VERIFY_CRL/.test(options.get('sslflags') ?? '');
  if (options.has('clientca') && asksForList && !options.has('crlfile') && !options.has('capath')) {
    return {
      code: 'SQUID_PORT_CLIENT_CERT',
      message:
        'looks up certificates of clients in a revocation list and names none, so Squid lets nobody in; no listener is made',
      hint: 'Name the list (crlfile=) and import again.',
    };
  }
  return undefined;
}

function readTls(options: Options, directive: Directive): Listener['tls'] | undefined {
  const { entry, words } = directive;
  const certificates: { cert: string; key: string }[] = [];
  for (const [option, value] of words.slice(1).map(({ text }) => splitOption(text))) {
    // Without key= the key stands in the certificate's file (SQ-137).
    if (option === 'cert' || option === 'tls-cert') certificates.push({ cert: value, key: value });
    const last = certificates.at(-1);
    if ((option === 'key' || option === 'tls-key') && last !== undefined && value !== '') last.key = value;
  }
  if (certificates.some(({ cert }) => cert === '') || certificates.length === 0) {
    remark(entry, 'malformed', 'SQUID_PORT_BAD', 'has no cert=: Squid does not start', { hint: 'Add cert= and key=.' });
    return undefined;
  }
  const ciphers = options.get('cipher') || options.get('tls-cipher') || undefined;
  const versions = readTlsVersions(
    {
      of: 'port',
      options: options.get('options') ?? options.get('tls-options'),
      version: options.get('version'),
      least: options.get('tls-min-version'),
      ciphers,
    },
    entry,
  );
  const tls: NonNullable<Listener['tls']> = { certificates };
  const asked = clientCertificates(options, entry);
  if (asked !== undefined) tls.clientCertificates = asked;
  if (versions.minVersion !== undefined) tls.minVersion = versions.minVersion satisfies TlsVersion;
  if (versions.maxVersion !== undefined) tls.maxVersion = versions.maxVersion;
  if (ciphers !== undefined) {
    tls.ciphers = ciphers;
    // OpenSSL goes by the client's order unless it is told otherwise; Outrigger by its own.
    const written = (options.get('options') ?? options.get('tls-options') ?? '').split(/[:,]/);
    if (!written.includes('CIPHER_SERVER_PREFERENCE')) tls.cipherOrder = 'client';
  }
  return tls;
}

/**
 * `clientca` names the authorities to clients; `cafile` and `capath`, where they are given, those that count (cf.data.pre, https_port;
 * SQ-136). Undefined where clients are asked for nothing.
 */
function clientCertificates(options: Options, entry: LedgerEntry): ClientCertificates | undefined {
  const get = (...names: string[]): string[] =>
    names.map((name) => options.get(name) ?? '').filter((each) => each !== '');
  const [named] = get('clientca');
  if (named === undefined) return undefined;
  const flags = readFlags(options.get('sslflags'), 'SQUID_PORT_BAD', entry);
  const trustsSystem = options.has('tls-default-ca') && options.get('tls-default-ca') !== 'off';
  const counted = [...(trustsSystem ? [SYSTEM_AUTHORITIES] : []), ...get('cafile', 'tls-cafile', 'capath')];
  const ca = counted.length === 0 ? [named] : counted;
  const asksForList = flags.some((flag) => flag.startsWith('VERIFY_CRL'));
  const [crl] = [...get('crlfile'), ...(asksForList ? get('capath') : [])];
  const mode = flags.includes('DELAYED_AUTH') || flags.includes('CONDITIONAL_AUTH') ? 'request' : 'require';
  const whose = ca.map((each) => (each === SYSTEM_AUTHORITIES ? 'the system' : each)).join(', ');
  const message =
    mode === 'require'
      ? `a client without a certificate of ${whose} gets no connection; servers are told of it in X-Client-Cert fields`
      : `a client is asked for a certificate of ${whose} and let in without one`;
  remark(entry, 'translated', 'SQUID_PORT_CLIENT_CERT', message);
  if (crl !== undefined && !flags.includes('VERIFY_CRL_ALL')) {
    const stricter = `${crl} must hold a list of every authority in the chain of a client; Squid asked for that of its certificate alone`;
    const hint = 'Add the list of the root where another authority signs for clients.';
    remark(entry, 'approximated', 'SQUID_PORT_CLIENT_CERT', stricter, { hint });
  }
  return { ca, ...(crl !== undefined && { crl: [crl] }), mode };
}

/** `PORT`, `ADDRESS:PORT`, `[IPV6]:PORT` or `NAME:PORT`. */
function readAddressWord(word: string): { host?: string; port: number } | undefined {
  if (/^\d{1,5}$/.test(word)) return Number(word) > 0 && Number(word) <= 65_535 ? { port: Number(word) } : undefined;
  const parsed = parseListenAddress(word.replace(/^:(?=\d+$)/, '*:'));
  if (parsed === undefined || parsed.port === 0) return undefined;
  const host = parsed.host?.includes(':') ? `[${parsed.host}]` : parsed.host;
  // Both spellings of "every address".
  return host === undefined || host === '0.0.0.0' || host === '[::]'
    ? { port: parsed.port }
    : { host, port: parsed.port };
}
