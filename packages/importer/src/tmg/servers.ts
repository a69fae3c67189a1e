// Room: from a publishing rule to the servers it publishes: one, or those of a farm; over TLS or not; under which name. Pure.
import { type Health, type Upstream, upstreamOf } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { certificateFile } from './certificates.ts';
import { pathsOfExchange } from './exchange.ts';
import { HOST_NAME } from './hosts.ts';
import { type Export, isOff, isOn, property, type TmgRecord, textOf } from './records.ts';
import { referencesOf } from './references.ts';
import type { WebFilters } from './webfilters.ts';
import { childOf, everyElement, type XmlElement } from './xml.ts';

/** How the rule goes on to its servers; `refused`: why it cannot be said. */
export type Published = { kind: 'server'; server: PublishedServer } | { kind: 'refused'; message: string };

type PublishedServer = {
  /** What its upstream is called. */
  name: string;
  /** The upstream for requests that go on over TLS, or in the clear. */
  upstream(isSecure: boolean): Upstream;
  /** Where redirects of its servers point. */
  origins(isSecure: boolean): string[];
};

const PORT_MAX = 65_535;
/** Milliseconds between two checks of a farm by TMG. */
const VERIFIER_INTERVAL = 30_000;
/** Milliseconds within which a verifier wants its answer, where none is said (SDK, Threshold). */
const VERIFIER_TIMEOUT = 5_000;
/** Answers by which TMG holds a server for well: any but errors, and the wish for a login. */
const WELL = [200, 204, 301, 302, 303, 304, 307, 308, 401];

export function publishedServer(rule: TmgRecord, found: Export, { addsFrontEndHttps }: WebFilters): Published {
  const site = textOf(rule, 'WebSite');
  const refused = (message: string): Published => ({ kind: 'refused', message });
  if (!HOST_NAME.test(site) || site.startsWith('*')) return refused('the server it publishes could not be read');
  const ports = [portOf(rule, 'HTTPRedirectPort', 80), portOf(rule, 'SSLRedirectPort', 443)] as const;
  if (ports.includes(undefined)) return refused('the port of the server it publishes is none');
  const isFarm =
    isOn(textOf(rule, 'LoadBalancingEnabled')) ||
    (property(rule, 'LoadBalancingEnabled') === undefined && property(rule, 'ServerFarm') !== undefined);
  const farm = isFarm ? readFarm(rule, found) : undefined;
  if (isFarm && farm === undefined) return refused('the server farm it publishes could not be read');
  const published = textOf(rule, 'PublishedServer') || site;
  if (farm === undefined && !HOST_NAME.test(published)) return refused('the server it publishes could not be read');
  const servers = farm?.servers ?? [published];
  const originsOf = (isSecure: boolean): string[] =>
    servers.map(
      (each) =>
        `${isSecure ? 'https' : 'http'}://${each.includes(':') ? `[${each}]` : each}:${ports[isSecure ? 1 : 0]}`,
    );
  const isExchange = pathsOfExchange(rule).isAny;
  const certificate = property(rule, 'SSLClientCertificate');
  const pkcs12 = certificate === undefined ? undefined : certificateFile(rule, '-client');
  return {
    kind: 'server',
    server: {
      name: site,
      origins: (isSecure) => [
        ...new Set([...originsOf(isSecure), `${isSecure ? 'https' : 'http'}://${site}:${ports[isSecure ? 1 : 0]}`]),
      ],
      upstream: (isSecure) => ({
        ...upstreamOf({
          servers: originsOf(isSecure),
          ...(isExchange && { rpcOverHttp: true }),
          ...(addsFrontEndHttps && { frontEndHttps: true }),
          ...(!isOn(textOf(rule, 'SendOriginalHostHeader')) && { host: site }),
          ...(farm !== undefined && servers.length > 1 && { affinity: farm.affinity }),
          ...(isSecure && tlsOf(site, servers, pkcs12)),
          from: [rule.at],
        }),
        ...(farm?.health !== undefined && { health: farm.health }),
      }),
    },
  };
}

/** TMG asked for the certificate of the internal site, whatever address it connected to. */
function tlsOf(site: string, servers: readonly string[], pkcs12: string | undefined): { tls?: Upstream['tls'] } {
  const isOther = servers.some((server) => server !== site);
  if (!isOther && pkcs12 === undefined) return {};
  return {
    tls: {
      verify: true,
      ...(isOther && { serverName: [site] }),
      ...(pkcs12 !== undefined && { certificate: { pkcs12 } }),
    },
  };
}

function portOf(rule: TmgRecord, name: string, usual: number): number | undefined {
  const text = textOf(rule, name);
  const port = text === '' ? usual : Number(text);
  return Number.isInteger(port) && port >= 1 && port <= PORT_MAX ? port : undefined;
}

/** Values of PublishedServerType (SDK, FpcPublishedServerType). */
const THROUGH_HTTP = '0';
const THROUGH_TLS = '1';
const THROUGH_BOTH = '2';

/**
 * Whether requests of a listener go on over TLS. Where nothing is said of it, what any listener of the rule takes by TLS goes on by TLS:
 * never weaker than it was. Undefined for a type that is no web server.
 */
export function bridging(rule: TmgRecord, hasTls: boolean): ((isTls: boolean) => boolean) | undefined {
  const type = textOf(rule, 'PublishedServerType');
  if (type === '') return () => hasTls;
  if (type === THROUGH_HTTP) return () => false;
  if (type === THROUGH_TLS) return () => true;
  return type === THROUGH_BOTH ? (isTls) => isTls : undefined;
}

type Farm = { servers: string[]; affinity: 'cookie' | 'client'; health?: Health };

/** Value of AffinityType (SDK, FpcLoadBalancingAffinityType); any other is a cookie. */
const BY_ADDRESS = '1';

/** Undefined, and told, where no server of it is left. */
function readFarm(rule: TmgRecord, found: Export): Farm | undefined {
  const list = property(rule, 'ServerFarm');
  const [reference] = list?.references ?? [];
  const farm = reference === undefined ? undefined : found.named.get(reference.id);
  if (list === undefined || farm?.name !== 'ServerFarm') {
    if (list !== undefined)
      remark(list.entry, 'untranslated', 'TMG_ABSENT', 'the farm is not in the export', {
        hint: 'Export the whole array.',
      });
    return undefined;
  }
  const all = [...everyElement(farm)].filter(({ name }) => name === 'PublishedServer');
  const isDrained = (server: XmlElement): boolean => !isOff(childOf(server, 'DrainStopped')?.text ?? '0');
  const names = all.map((server) => childOf(server, 'NameOrIP')?.text ?? '');
  const servers = names.filter((name, index) => !isDrained(all[index] as XmlElement) && SERVER.test(name));
  if (names.some((name) => !SERVER.test(name)))
    remark(
      list.entry,
      'malformed',
      'TMG_BAD_VALUE',
      'a server of the farm has no name that can be read: it is left out',
    );
  if (servers.length === 0) {
    remark(list.entry, 'untranslated', 'TMG_SERVER', 'no server of the farm is left');
    return undefined;
  }
  const drained = names.filter((_, index) => isDrained(all[index] as XmlElement));
  if (drained.length > 0)
    remark(list.entry, 'approximated', 'TMG_SERVER', `${drained.join(', ')} was drained, and is left out`, {
      hint: 'Write it into the upstream when it is back.',
    });
  const affinity = textOf(rule, 'AffinityType') === BY_ADDRESS ? 'client' : 'cookie';
  remark(list.entry, 'translated', 'TMG_CARRIED', `the servers ${servers.join(', ')}; affinity ${affinity}`);
  const health = healthOf(childOf(farm, 'ConnectivityVerifier'), list.entry);
  return { servers: [...new Set(servers)], affinity, ...(health !== undefined && { health }) };
}

const SERVER = /^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?|[\da-f]*:[\da-f:]*)$/i;

/** Values of RequestType (SDK, FpcRequestType). */
const BY_HTTP = '0';
const BY_CONNECTING = '2';

function healthOf(verifier: XmlElement | undefined, entry: TmgRecord['entry']): Health | undefined {
  const text = (name: string): string => childOf(verifier, name)?.text ?? '';
  if (verifier === undefined || isOff(text('Enabled'))) {
    remark(
      entry,
      'approximated',
      'TMG_SERVER',
      'nothing is said of how its servers are looked after: one that takes no connections is passed over',
    );
    return undefined;
  }
  const type = text('RequestType') || BY_HTTP;
  const path = /^https?:\/\/[^/?#]*(\/[!-~]*)?$/i.exec(text('ServerAddress'))?.[1];
  if (type !== BY_HTTP || path === undefined) {
    const way = type === BY_HTTP ? 'a page that could not be read' : type === BY_CONNECTING ? 'a connection' : 'ping';
    remark(
      entry,
      'approximated',
      'TMG_SERVER',
      `TMG looked after its servers by ${way}; a server that takes no connections is passed over`,
      {
        hint: 'Write health with a page of the servers, such as /owa/healthcheck.htm on Exchange.',
      },
    );
    return undefined;
  }
  const host = text('HostHeader');
  const threshold = Number(text('Threshold'));
  remark(
    entry,
    'approximated',
    'TMG_SERVER',
    `its verifier became health: ${path} is asked for, with the scheme and port of the servers`,
  );
  return {
    path,
    interval: VERIFIER_INTERVAL,
    timeout: Number.isInteger(threshold) && threshold > 0 ? threshold : VERIFIER_TIMEOUT,
    ...(/^[!-~]+$/.test(host) && { host }),
    expect: WELL,
  };
}

/** Web listeners that a rule is for, by StorageName. */
export function listenersUsed(rule: TmgRecord): string[] {
  const used = property(rule, 'WebListenerUsed');
  return used === undefined ? [] : referencesOf(used.element).flatMap(({ id, isText }) => (isText ? [] : id));
}
