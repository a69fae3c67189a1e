// Room: the upstream for a server that Apache proxied to: TLS, the Host it is told, whether anybody checks who answers. Pure.
// Source: AP-110, AP-130 to AP-134.
import { type Upstream, upstreamOf } from '@outrigger/rules';
import type { ImportCode } from '../codes.ts';
import { type Disposition, remark } from '../ledger.ts';
import type { Server, Servers } from './servers.ts';
import { remarkServerTls } from './servertls.ts';
import { inherited, isOn, setting } from './settings.ts';
import type { Target } from './target.ts';
import type { Directive } from './tree.ts';

type HttpTarget = Extract<Target, { kind: 'http' }>;

/** `host` absent: the servers are told the Host of the request. */
export type Backend = {
  origin: string;
  host?: string;
  tls?: { verify: boolean; ca?: string; minVersion?: '1.0' | '1.1' };
};

/** How Apache talks to a target for this virtual host; `dead`: it cannot, and answers 500 (AP-130). */
export function backendOf(
  servers: Servers,
  server: Server,
  target: HttpTarget,
): { kind: 'backend'; backend: Backend } | { kind: 'dead'; reason: string } {
  const isPreserved = isOn(servers, server, 'proxypreservehost');
  const isDefaultPort = target.port === (target.scheme === 'https' ? 443 : 80);
  const authority = isDefaultPort ? target.host : `${target.host}:${target.port}`;
  const backend: Backend = { origin: target.origin, ...(!isPreserved && { host: authority }) };
  if (target.scheme === 'http') return { kind: 'backend', backend };
  if (!isOn(servers, server, 'sslproxyengine')) {
    return { kind: 'dead', reason: 'without SSLProxyEngine On Apache answers 500 there' };
  }
  const verify = setting(servers, server, 'sslproxyverify')?.toLowerCase() === 'require';
  const ca = setting(servers, server, 'sslproxycacertificatefile');
  return { kind: 'backend', backend: { ...backend, tls: { verify, ...(verify && ca !== undefined && { ca }) } } };
}

/** The upstream, for Exchange: RPC may be tunnelled to it. */
export function exchangeUpstream(
  backend: Backend,
  lines: readonly Directive[],
  frontEndHttps: Directive | undefined,
): Upstream {
  const { origin, host, tls } = backend;
  return upstreamOf({
    servers: [origin],
    rpcOverHttp: true,
    ...(frontEndHttps !== undefined && { frontEndHttps: true }),
    ...(host !== undefined && { host }),
    ...(tls !== undefined && { tls }),
    from: [...lines, ...(frontEndHttps === undefined ? [] : [frontEndHttps])].map(({ at }) => at),
  });
}

const OWN_LIMITS = 'on paths that moved Outrigger has limits of its own, made for channels that are silent for hours';

const PROXY_TLS = [
  'sslproxyengine',
  'sslproxyverify',
  'sslproxycacertificatefile',
  'sslproxycheckpeername',
  'sslproxycheckpeercn',
  'sslproxycheckpeerexpire',
];

/** What became of the lines that say how Apache talks to a server whose paths moved. */
export function remarkBackend(servers: Servers, server: Server, { tls, host }: Backend, line: Directive): void {
  for (const directive of inherited(servers, server, 'proxypreservehost')) {
    const told = host === undefined ? 'the Host of the request' : `Host: ${host}`;
    once(directive, 'translated', 'APACHE_CARRIED', `servers whose paths moved are told ${told}`);
  }
  for (const directive of ['proxytimeout', 'timeout'].flatMap((key) => inherited(servers, server, key))) {
    once(directive, 'approximated', 'APACHE_TIMEOUT', OWN_LIMITS);
  }
  if (/\s(?:timeout|connectiontimeout|retry)=/i.test(line.rest))
    once(line, 'approximated', 'APACHE_TIMEOUT', OWN_LIMITS);
  if (tls === undefined) return;
  remarkServerTls(servers, server, tls.verify, line);
  for (const directive of PROXY_TLS.flatMap((key) => inherited(servers, server, key))) {
    once(directive, 'translated', 'APACHE_CARRIED', 'in tls of the upstream');
  }
  if (tls.verify) return;
  const message =
    'as with Apache, nobody checks the certificate of the server: whoever can take its address reads logins';
  once(line, 'approximated', 'APACHE_TLS_UNVERIFIED', message, {
    hint: 'Set ca to the file of the authority that signed its certificate, and verify to true.',
  });
}

/** Remarks it once, however many paths it holds for. */
function once(
  { entry }: Directive,
  disposition: Disposition,
  code: ImportCode,
  message: string,
  more: { hint?: string } = {},
): void {
  if (!entry.remarks.some((each) => each.message === message)) remark(entry, disposition, code, message, more);
}
