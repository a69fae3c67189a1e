// Room: the private copy of an Apache configuration: its tree printed again, with addresses, certificates, folders and servers of the
// run's own in place of the file's. What decides over requests stays letter for letter. Pure.
import {
  type ApacheModel,
  type ConfigNode,
  type Directive,
  everyNode,
  parseTarget,
  type Redactor,
} from '@outrigger/importer';
import { listenerName, type RuleSet } from '@outrigger/rules';
import type { Membership, OldConfig, OldServer, TakenOut } from '../oracle.ts';
import type { Entrance } from '../probe.ts';
import { isLoadable, isProxyRule, takenOutBecause } from './takenout.ts';

/** Where the copy's parts are. Ports are of loopback. */
export type Mapping = {
  /** A folder for the daemon to write to, and an empty one for pages. */
  run: string;
  pages: string;
  modules: string;
  /** Whether a module is installed, by name: `proxy_http`. */
  hasModule(name: string): boolean;
  account?: { user: string; gid: number };
  cert: string;
  key: string;
  portOf(port: number): number;
  /** Undefined for a server that requests are sent on to by no line. */
  serverPortOf(origin: string): number | undefined;
  /** A port that takes connections when the others do. */
  ready: number;
};

export type ApacheCopy = OldConfig & {
  /** Ports of the file, to be mapped. */
  ports: readonly number[];
  /** The loopback address on which the copy takes what comes for an entrance. */
  addressOf(entrance: Entrance): { host: string; port: number };
  write(mapping: Mapping): string;
  redactor: Redactor;
};

/** Modules of a file that names none: what its lines may need, of those that run nothing. */
const COMMON_MODULES =
  `access_compat alias auth_basic authn_core authn_file authz_groupfile authz_host authz_user deflate dir env expires filter headers
  lbmethod_byrequests mime proxy proxy_balancer proxy_http proxy_wstunnel reqtimeout rewrite setenvif slotmem_shm socache_shmcb ssl
  status substitute unique_id`.split(/\s+/);
/** Loaded in any case: the engine, who may ask, and how the client is named. */
const OWN_MODULES = ['mpm_event', 'authz_core', 'unixd', 'log_config', 'remoteip'];

/** Scheme, host and port of a server, as lines have it; in a Proxy section `*` may follow. */
const URL = /https?:\/\/[\w.-]*[\w-](?::\d+)?(?=[/"'\s>$*]|$)/gi;
/** A host in an expression of ProxyMatch, each dot with its backslash. */
const ESCAPED_HOST = /(?<![\w\])}.*+?-])(?:https?:\/\/)?(?:[\w-]+\\\.)+[\w-]+(?::\d+)?(?=[/$|)"'\s]|$)/gi;

/** `rules` are those the import writes: their listeners are the entrances. */
export function copyApache({ tree, servers, redactor }: ApacheModel, rules: RuleSet): ApacheCopy {
  const listed = tree.modules.loadedFiles();
  const names =
    listed === undefined
      ? COMMON_MODULES
      : [...listed].flatMap((file) => (isLoadable(file) ? (/^mod_(\w+)\.c$/.exec(file)?.[1] ?? []) : []));
  const wanted = [...new Set([...OWN_MODULES, ...names])];
  const provided = new Set(['core.c', 'mod_so.c', 'http_core.c', 'event.c', ...wanted.map((name) => `mod_${name}.c`)]);
  const out = new Map<Directive, TakenOut>();
  for (const node of everyNode(tree.nodes)) {
    const reason = node.kind === 'directive' ? takenOutBecause(node, provided) : undefined;
    if (reason !== undefined && node.kind === 'directive') out.set(node, { severity: 'note', at: node.at, ...reason });
  }
  const entrances = rules.listen.map(
    (listener): Entrance => ({
      name: listenerName(listener),
      address: listener.address,
      tls: listener.tls !== undefined,
      at: listener.from?.[0] ?? { file: '', line: 1, directive: 'Listen' },
    }),
  );
  // Every address of the file is another one of loopback, for virtual hosts are told apart by them.
  const addresses = new Map<string, string>();
  const onLoopback = (written: string): string => {
    const known = addresses.get(written) ?? `127.0.0.${addresses.size + 2}`;
    addresses.set(written, known);
    return known;
  };
  const hostAddresses = servers.virtualHosts.flatMap((each) => each.addresses);
  for (const { written, host } of [...servers.listens, ...hostAddresses])
    if (host.kind === 'address') onLoopback(written);
  const hostOf = (written: string): string => addresses.get(written) ?? '127.0.0.1';
  return {
    entrances,
    servers: serversOf([...everyNode(tree.nodes)].filter((node) => !out.has(node as Directive))),
    takenOut: [...out.values()],
    // Those of virtual hosts that no Listen line opens, too: Apache starts with them.
    ports: [...new Set([...servers.listens, ...hostAddresses].flatMap(({ port }) => port ?? []))],
    addressOf: ({ address }) => {
      const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address) ?? [];
      return { host: hostOf(host), port: Number(port) };
    },
    redactor,
    write: (mapping) => {
      const loadable = wanted.filter((name) => mapping.hasModule(name));
      const print = (nodes: readonly ConfigNode[]): string[] =>
        nodes.flatMap((node) => (out.has(node as Directive) ? [] : printed(node, mapping, hostOf, print)));
      const listens = servers.listens.flatMap(({ host, port, written, protocol }) => {
        const hosts = host.kind === 'any' ? ['127.0.0.1', ...addresses.values()] : [hostOf(written)];
        return hosts.map((each) => `Listen ${each}:${mapping.portOf(port)} ${protocol}`);
      });
      return [
        `ServerRoot "${mapping.run}"`,
        'ServerName localhost',
        `PidFile "${mapping.run}/${PID_FILE}"`,
        `DefaultRuntimeDir "${mapping.run}"`,
        `Mutex file:${mapping.run} default`,
        `ErrorLog "${mapping.run}/error.log"`,
        `DocumentRoot "${mapping.pages}"`,
        ...loadable.map((name) => `LoadModule ${name}_module "${mapping.modules}/mod_${name}.so"`),
        // Without a file of types mod_mime lets nothing start, and of the kinds of answers nothing is compared.
        ...(loadable.includes('mime') ? ['TypesConfig /dev/null'] : []),
        ...(mapping.account === undefined ? [] : [`User ${mapping.account.user}`, `Group "#${mapping.account.gid}"`]),
        `RemoteIPHeader ${CLIENT_FIELD}`,
        'RemoteIPInternalProxy 127.0.0.0/8',
        ...new Set(listens),
        `Listen 127.0.0.1:${mapping.ready} http`,
        ...print(tree.nodes),
        '',
      ].join('\n');
    },
  };
}

/** In the folder the copy runs in. */
export const PID_FILE = 'apache.pid';

/** By this the copy is told who the client is: the field in which Outrigger says so to the Apache behind it. */
export const CLIENT_FIELD = 'X-Forwarded-For';

/** What requests are sent on to, once for each. */
function serversOf(nodes: readonly ConfigNode[]): OldServer[] {
  const found = new Map<string, OldServer>();
  for (const node of nodes) {
    if (!namesServers(node)) continue;
    for (const [url] of node.rest.matchAll(URL)) {
      const target = parseTarget(url);
      if (target.kind === 'http' && !found.has(target.origin))
        found.set(target.origin, { name: target.origin, url: target.origin, at: node.at });
    }
  }
  const balancers = balancersOf(nodes);
  return [...found.values()].map((server) => {
    const own = balancers.get(server.name);
    return own === undefined ? server : { ...server, balancers: own };
  });
}

/** The balancers that each server is a member of, by its origin. */
function balancersOf(nodes: readonly ConfigNode[]): ReadonlyMap<string, Membership[]> {
  const found = new Map<string, Membership[]>();
  const enter = (balancer: string, { words }: ConfigNode): void => {
    for (const { text } of words) {
      const target = parseTarget(text);
      if (target.kind !== 'http') continue;
      const membership = { balancer, path: target.path.replace(/\/$/, '') };
      found.set(target.origin, [...(found.get(target.origin) ?? []), membership]);
    }
  };
  for (const node of nodes) {
    const [first = ''] = node.words.map(({ text }) => text.toLowerCase().replace(/\/$/, ''));
    if (!first.startsWith('balancer://')) continue;
    if (node.key === 'balancermember') enter(first, node);
    if (node.kind === 'section' && node.key === 'proxy')
      for (const each of node.children) if (each.key === 'balancermember') enter(first, each);
  }
  return found;
}

/** Only where requests are sent on: where clients are sent to is what they are to be told. */
function namesServers(node: ConfigNode): boolean {
  return (
    /^(?:proxy(?!.*(?:cookie|preserve))|balancermember)/.test(node.key) ||
    (node.kind === 'directive' && isProxyRule(node))
  );
}

function printed(
  node: ConfigNode,
  mapping: Mapping,
  hostOf: (written: string) => string,
  print: (nodes: readonly ConfigNode[]) => string[],
): string[] {
  const rest = namesServers(node) ? withStandIns(node, mapping) : node.rest;
  if (node.kind === 'section') {
    const shown =
      node.key === 'virtualhost' ? node.words.map(({ text }) => addressIn(text, mapping, hostOf)).join(' ') : rest;
    return [`<${node.name} ${shown}>`, ...print(node.children), `</${node.name}>`];
  }
  switch (node.key) {
    case 'listen':
      return [];
    case 'documentroot':
      return [`DocumentRoot "${mapping.pages}"`];
    case 'sslcertificatefile':
      return [`SSLCertificateFile "${mapping.cert}"`, `SSLCertificateKeyFile "${mapping.key}"`];
    case 'require':
      // Who a client is by name, only DNS would know; none of the probes has one.
      if (/^(?:not\s+)?(?:host|forward-dns)\b/i.test(rest)) return ['Require all denied'];
      // Nor has one a login, which other machines would look at.
      return [/^(?:ldap|dbd)-/i.test(rest) ? 'Require valid-user' : `${node.name} ${rest}`];
    case 'authbasicprovider':
    case 'authdigestprovider':
      return [`${node.name} file`];
    default:
      return [`${node.name} ${rest}`];
  }
}

function addressIn(word: string, { portOf }: Mapping, hostOf: (written: string) => string): string {
  const [, host = '', port] = /^(.*?)(?::(\d+|\*))?$/.exec(word) ?? [];
  const shown = host === '*' || /^_default_$/i.test(host) || /^(?:0\.0\.0\.0|\[::\])$/.test(host) ? '*' : hostOf(host);
  if (port === undefined) return shown;
  return `${shown}:${port === '*' ? '*' : portOf(Number(port))}`;
}

function withStandIns({ key, rest }: ConfigNode, { serverPortOf }: Mapping): string {
  const standIn = (url: string): string | undefined => {
    const target = parseTarget(url);
    const port = target.kind === 'http' ? serverPortOf(target.origin) : undefined;
    return port === undefined ? undefined : `http://127.0.0.1:${port}`;
  };
  const mapped = rest.replace(URL, (url) => standIn(url) ?? url);
  if (key !== 'proxymatch') return mapped;
  return mapped.replace(ESCAPED_HOST, (escaped) => {
    const named = escaped.replaceAll('\\', '');
    const isWhole = named.includes('://');
    const url = standIn(isWhole ? named : `http://${named}`) ?? (isWhole ? undefined : standIn(`https://${named}`));
    return url === undefined ? escaped : url.slice(isWhole ? 0 : 'http://'.length).replaceAll('.', '\\.');
  });
}
