// Room: virtual hosts that ask clients for certificates. Only who ends TLS can ask, and Apache goes on asking: connections for their names
// pass through unread (AP-43), none of their paths moves, and who comes by another name is answered 421, as Apache does. Pure.
import type { AccessLine, Condition, PassThrough } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { hostsOf } from './hosts.ts';
import type { Servers, VirtualHost } from './servers.ts';
import { everyNode, inherited } from './settings.ts';
import type { ConfigNode, Directive } from './tree.ts';

/** What a listener does for the virtual hosts of its address that ask. */
export type Passing = { passThrough: PassThrough[]; access: AccessLine[] };

/** The lines by which a virtual host asks, for all of its paths or for some; empty where it asks nobody. */
export function askingLines(servers: Servers, host: VirtualHost): Directive[] {
  const inSections = [...sectionsIn(servers.main.nodes), ...sectionsIn(host.nodes)].flatMap((node) =>
    node.kind === 'directive' && node.key === 'sslverifyclient' ? [node] : [],
  );
  return [...inherited(servers, host, 'sslverifyclient').slice(-1), ...inSections].filter(
    ({ words }) => words[0]?.text.toLowerCase() !== 'none',
  );
}

/** What sections hold; those of the main server are for every virtual host, and each of these is one of them. */
function sectionsIn(nodes: readonly ConfigNode[]): ConfigNode[] {
  return nodes.flatMap((node) =>
    node.kind === 'section' && node.key !== 'virtualhost' ? [...everyNode(node.children)] : [],
  );
}

/**
 * Pass-through entries and access lines of a listener, whose virtual hosts are `hosts` in the order of the file; undefined where none
 * asks. `here`: what holds for requests of the listener. `apache`: the upstream that is Apache.
 */
export function passingOf(
  hosts: readonly VirtualHost[],
  servers: Servers,
  here: Condition,
  apache: string,
): Passing | undefined {
  const asking = hosts.filter((host) => askingLines(servers, host).length > 0);
  if (asking.length === 0) return undefined;
  const namesOf = (host: VirtualHost): string[] => {
    const read = hostsOf(host, hosts, servers);
    return read.kind === 'some' ? (read.hosts ?? []) : [];
  };
  const passing: Passing = { passThrough: [], access: [] };
  for (const host of asking) {
    const lines = askingLines(servers, host);
    // The first of an address has whoever names none of the others, or nobody (AP-30).
    const others = hosts.slice(1).flatMap((other) => namesOf(other).filter((name) => !name.startsWith('!')));
    const isFirst = host === hosts[0];
    const names = isFirst ? [...new Set(others)].map((name) => `!${name}`) : namesOf(host);
    if (!isFirst && names.length === 0) continue;
    passing.passThrough.push({ hosts: isFirst ? ['*', ...names] : names, to: apache });
    if (names.length > 0) {
      const from = lines.map(({ at }) => at);
      passing.access.push({ action: 'deny', when: { hosts: names, ...here }, answer: 'misdirected', from });
    }
    for (const line of lines) remarkPassing(line, isFirst ? 'whoever names no other virtual host' : names.join(', '));
  }
  return passing;
}

function remarkPassing({ entry }: Directive, whom: string): void {
  const message = `connections for ${whom} pass through unread, and Apache goes on asking for the certificate; clients' addresses come with the PROXY protocol, so the virtual hosts of this address need RemoteIPProxyProtocol On, which plan writes`;
  if (!entry.remarks.some((each) => each.message === message))
    remark(entry, 'translated', 'APACHE_CLIENT_CERTIFICATE', message);
}

/** Where Apache is to speak plain HTTP, nobody is left to ask. */
export function remarkUnasked(lines: readonly Directive[]): void {
  for (const { entry } of lines) {
    const message =
      'with TLS taken off its sites Apache can ask nobody for a certificate: whoever needs one is not let in';
    remark(entry, 'untranslated', 'APACHE_CLIENT_CERTIFICATE', message, { hint: 'Import without --apache-plain.' });
  }
}
