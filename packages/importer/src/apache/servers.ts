// Room: from the tree to the servers Apache has: the main one and its virtual hosts, with addresses and names, and where
// it listens. Pure. Source: httpd 2.4 server/vhost.c get_addr, server/core.c server_hostname_port, server/listen.c.
import { parseAddress } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import {
  type ConfigNode,
  type ConfigTree,
  type Directive,
  directivesOf,
  type Refusal,
  type Section,
  sectionsOf,
} from './tree.ts';

/** An address of a VirtualHost or Listen line. `port` absent: any port. */
export type Address = {
  /** Any address (`*`, `_default_`, 0.0.0.0, ::), one as a number, or a name that only DNS knows. */
  host: { kind: 'any' } | { kind: 'address'; value: bigint } | { kind: 'name' };
  port?: number;
  /** The host as written: a Host that equals it finds the virtual host, too. */
  written: string;
};

/** What a request is for, by its Host. */
export type Names = {
  /** ServerName without scheme and port; absent: nothing names it. */
  serverName?: string;
  /** Port of the ServerName: what redirects to itself are made of. */
  port?: number;
  /** ServerAlias in order, those with `*` and `?` among them. */
  aliases: string[];
  /** ServerPath: finds it for clients that send no Host. */
  path?: string;
};

export type VirtualHost = Names & {
  kind: 'virtual';
  section: Section;
  addresses: Address[];
  nodes: readonly ConfigNode[];
};

/** The main server: what no VirtualHost takes, and what every VirtualHost inherits from. */
export type MainServer = Names & { kind: 'main'; nodes: readonly ConfigNode[] };

export type Server = VirtualHost | MainServer;

/** A Listen line. `protocol` as written, else https on port 443: it decides which sites mod_ssl guesses to be TLS, and no more. */
export type Listen = { directive: Directive; host: Address['host']; port: number; written: string; protocol: string };

export type Servers = { main: MainServer; virtualHosts: VirtualHost[]; listens: Listen[]; refusal?: Refusal };

const PORT_MAX = 65_535;

/** Reads servers and listeners. `refusal`: a line with which Apache would not start, remarked on already. */
export function readServers({ nodes }: ConfigTree): Servers {
  const refusals: Refusal[] = [];
  const refuse = (node: ConfigNode, message: string): void => {
    remark(node.entry, 'malformed', 'APACHE_REFUSED', `Apache does not start with this line: ${message}`);
    refusals.push({ at: node.at, reported: node.reported, message });
  };
  const main: MainServer = { kind: 'main', nodes, ...readNames(nodes, refuse) };
  const virtualHosts = sectionsOf(nodes, 'virtualhost').map((section): VirtualHost => {
    const addresses = section.words.flatMap(({ text }) =>
      readAddress(text, section, defaultPort(nodes, section), refuse),
    );
    return { kind: 'virtual', section, addresses, nodes: section.children, ...readNames(section.children, refuse) };
  });
  const listens = directivesOf(nodes, 'listen').flatMap((directive) => readListen(directive, refuse));
  for (const [index, { directive, port, written }] of listens.entries()) {
    const isSame = (each: Listen): boolean => each.port === port && isSameAddress(each.written, written);
    if (listens.slice(0, index).some(isSame)) refuse(directive, 'it listens there already');
  }
  const [refusal] = refusals;
  return { main, virtualHosts, listens, ...(refusal && { refusal }) };
}

type Refuse = (node: ConfigNode, message: string) => void;

/** The port of a VirtualHost without one: that of a ServerName of the main server above it, else any (AP-39). */
function defaultPort(nodes: readonly ConfigNode[], section: Section): number | undefined {
  const above = directivesOf(nodes.slice(0, nodes.indexOf(section)), 'servername').at(-1);
  return splitName(above?.words[0]?.text ?? '').port;
}

function readNames(nodes: readonly ConfigNode[], refuse: Refuse): Names {
  const names: Names = {
    aliases: directivesOf(nodes, 'serveralias').flatMap(({ words }) => words.map(({ text }) => text)),
  };
  for (const directive of directivesOf(nodes, 'servername')) {
    const written = directive.words[0]?.text ?? '';
    const { host, port, isBad } = splitName(written);
    if (directive.words.length !== 1 || written === '') refuse(directive, 'it takes one name');
    else if (/[*?[]/.test(written)) refuse(directive, `${written} is a pattern, which only ServerAlias takes`);
    else if (isBad) refuse(directive, `${written} has no port from 1 to ${PORT_MAX}`);
    names.serverName = host;
    if (port === undefined) delete names.port;
    else names.port = port;
  }
  const path = directivesOf(nodes, 'serverpath').at(-1)?.words[0]?.text;
  return path === undefined ? names : { ...names, path };
}

/** `[scheme://]name[:port]`; digits at the front of the port count, as atoi reads them (AP-37). */
function splitName(written: string): { host: string; port?: number; isBad: boolean } {
  const [, host = '', digits] = /^(?:.*?:\/\/)?([^:]*)(?::(.*))?$/s.exec(written) ?? [];
  if (digits === undefined) return { host, isBad: false };
  const port = Number.parseInt(digits, 10);
  return port >= 1 && port <= PORT_MAX ? { host, port, isBad: false } : { host, isBad: true };
}

/** One word of a VirtualHost line. What DNS would have to say stays a name; what Apache ignores is left out. */
function readAddress(word: string, section: Section, port: number | undefined, refuse: Refuse): Address[] {
  if (word === '*') return [{ host: { kind: 'any' }, written: '*' }];
  const isAnyPort = word.endsWith(':*');
  const split = isAnyPort ? { host: word.slice(0, -2) } : splitAddress(word);
  if (split === undefined) {
    refuse(section, `${word} is no address, or has no port from 1 to ${PORT_MAX}`);
    return [];
  }
  const host = hostOf(split.host);
  if (host.kind === 'name') {
    const hint = 'Write the address in its place.';
    const message = `which address ${word} is, only DNS knows; where it knows none, Apache ignores it (AP-23)`;
    remark(section.entry, 'untranslated', 'APACHE_NAME_AS_ADDRESS', message, { hint });
  }
  const own = isAnyPort ? undefined : (split.port ?? port);
  return [{ host, written: split.host, ...(own !== undefined && { port: own }) }];
}

/** HOST:PORT or HOST, as apr_parse_addr_port does; undefined where it refuses. Digits alone are a port without a host. */
function splitAddress(word: string): { host: string; port?: number } | undefined {
  const [, host = '', digits] = /^(.*?)(?:(?<=[^:]):(\d+))?$/.exec(word) ?? [];
  const port = Number(digits);
  if (host.startsWith('[') && !BRACKETED.test(host)) return undefined;
  if (host === '' || /^:?\d+$/.test(host) || (digits !== undefined && (port < 1 || port > PORT_MAX))) return undefined;
  return digits === undefined ? { host } : { host, port };
}

/** IPv6 as a number, with the name of an interface or without. */
const BRACKETED = /^\[[\da-f:.]+(?:%[^\]]+)?\]$/i;

function hostOf(written: string): Address['host'] {
  if (written === '*' || written.toLowerCase() === '_default_') return { kind: 'any' };
  const value = parseAddress(bare(written));
  if (value === undefined) return { kind: 'name' };
  return ANY.has(value) ? { kind: 'any' } : { kind: 'address', value };
}

/** 0.0.0.0 and ::, which Apache takes for any address. */
const ANY: ReadonlySet<bigint> = new Set(['0.0.0.0', '::'].map((text) => parseAddress(text) ?? -1n));

/** `*`, 0.0.0.0 and :: are three addresses to Listen, and it takes them beside each other. Source: httpd 2.4 server/listen.c. */
function isSameAddress(left: string, right: string): boolean {
  const [a, b] = [left, right].map((written) => parseAddress(bare(written)));
  return a === undefined || b === undefined ? left.toLowerCase() === right.toLowerCase() : a === b;
}

/** An address without the brackets of IPv6. */
export function bare(written: string): string {
  return written.replace(/^\[(.*)\]$/, '$1');
}

function readListen(directive: Directive, refuse: Refuse): Listen[] {
  const [address = '', protocol] = directive.words.map(({ text }) => text);
  if (directive.words.length > 2) refuse(directive, 'it takes an address and a protocol');
  const split = /^\d+$/.test(address) ? { host: '*', port: Number(address) } : splitAddress(address);
  if (split?.port === undefined || split.port < 1 || split.port > PORT_MAX) {
    refuse(directive, `${address} names no port from 1 to ${PORT_MAX}`);
    return [];
  }
  const { host: written, port } = split;
  const isOption = protocol?.includes('=');
  const spoken = protocol === undefined || isOption ? (port === 443 ? 'https' : 'http') : protocol.toLowerCase();
  return [{ directive, host: hostOf(written), port, written, protocol: spoken }];
}
