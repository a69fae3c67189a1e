// Room: which addresses of Apache move to Outrigger, and where Apache goes on listening for what is passed on to it. A listener
// is made of each address whose connections Apache would answer with TLS. Pure.
import type { CertificateFiles, Listener, SourceRef } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { type ApachePlace, remarkTaken, serversOn } from './place.ts';
import { type Address, bare, type Listen, type Servers, type VirtualHost } from './servers.ts';
import { inherited } from './settings.ts';
import { type ServerTls, tlsOf } from './tls.ts';
import type { Directive } from './tree.ts';
import { addressSet, type Member } from './vhosts.ts';

/** A listener of ours, the virtual hosts it stands for, and where Apache keeps them. `server`: as an upstream names it. */
export type Door = { listener: Listener; hosts: VirtualHost[]; listen: Listen; server: string };

/** One door for each TLS address, in the order of the Listen lines. */
export function readDoors(servers: Servers, place: ApachePlace): Door[] {
  remarkTaken(place, servers.listens);
  const nextServer = serversOn(place, servers.listens);
  const taken = new Set<string>();
  return servers.listens.flatMap((listen) =>
    addressesOf(listen, servers).flatMap(({ address, set }) => {
      const hosts = set.map(({ server }) => server);
      const first = hosts[0];
      const tls = first === undefined ? undefined : tlsOf(servers, first);
      if (tls === undefined) return [];
      const listener = listenerOf(address, listen, hosts, tls, servers);
      if (listener === undefined) return [];
      // 0.0.0.0 and :: beside each other are one listener here.
      if (taken.has(address)) {
        carried(
          listen.directive.entry,
          `listener ${address} takes its connections, too; Apache must listen here no more`,
        );
        return [];
      }
      taken.add(address);
      return [{ listener, hosts, listen, server: nextServer() }];
    }),
  );
}

/** A Listen line is one address, or, where virtual hosts have addresses of their own on its port, each of theirs. */
function addressesOf(listen: Listen, servers: Servers): { address: string; set: Member[] }[] {
  const { port } = listen;
  const { host } = listen;
  const of = (written: string): { address: string; set: Member[] } => ({
    address: `${written}:${port}`,
    set: addressSet(servers, { address: bare(written), port }),
  });
  if (host.kind !== 'any') return [of(listen.written)];
  const own = servers.virtualHosts.flatMap(({ addresses }) => addresses.filter((each) => isOwn(each, port)));
  const written = [...new Set(own.map((each) => each.written))];
  const rest = of('*');
  if (written.length === 0) return rest.set.length === 0 ? [] : [rest];
  const isServed = rest.set.length > 0 && servers.listens.every((each) => each.port !== port || each === listen);
  if (isServed) {
    const message = `virtual hosts have addresses of their own on port ${port}; a listener is made for each, and none for the other addresses of this machine`;
    remark(listen.directive.entry, 'untranslated', 'APACHE_OTHER_ADDRESSES', message, {
      hint: 'Write a listener for each other address that is in use, with the certificates of the hosts on any address.',
    });
  }
  return written.map(of);
}

function isOwn({ host, port }: Address, asked: number): boolean {
  return host.kind === 'address' && (port === undefined || port === asked);
}

/** The listener of one address; undefined where nothing can be shown to clients. */
function listenerOf(
  address: string,
  listen: Listen,
  hosts: readonly VirtualHost[],
  tls: ServerTls,
  servers: Servers,
): Listener | undefined {
  const all = hosts.flatMap((host) => tlsOf(servers, host) ?? []);
  const certificates = distinct(all.flatMap((each) => each.certificates));
  if (certificates.length === 0) {
    remark(listen.directive.entry, 'untranslated', 'APACHE_TLS', `no virtual host of ${address} names a certificate`);
    return undefined;
  }
  remarkTls(hosts, tls, servers);
  const from: SourceRef[] = [listen.directive.at, ...hosts.map(({ section }) => section.at)];
  const { versions, ciphers } = tls;
  return {
    address,
    tls: {
      certificates: certificates as [CertificateFiles, ...CertificateFiles[]],
      ...(versions?.min !== undefined && { minVersion: versions.min }),
      ...(versions?.max !== undefined && { maxVersion: versions.max }),
      ...(ciphers !== undefined && { ciphers: ciphers.list, ...(ciphers.isClients && { cipherOrder: 'client' }) }),
    },
    from,
  };
}

function distinct(certificates: ServerTls['certificates']): CertificateFiles[] {
  const byFile = new Map(certificates.map(({ cert, key }) => [`${cert}\n${key}`, { cert, key } as CertificateFiles]));
  return [...byFile.values()];
}

/** What became of the TLS lines. Versions and ciphers are those of the first host: an address has one of each. */
function remarkTls(hosts: readonly VirtualHost[], tls: ServerTls, servers: Servers): void {
  for (const host of hosts) {
    const own = tlsOf(servers, host);
    if (own === undefined) {
      const message =
        'it speaks plain HTTP on an address that speaks TLS; clients that get here get TLS from Outrigger';
      remark(host.section.entry, 'approximated', 'APACHE_TLS', message);
      continue;
    }
    for (const { entry } of own.certificates.flatMap(({ lines }) => lines))
      carried(entry, 'shown to clients by the listener');
    for (const line of inherited(servers, host, 'sslstrictsnivhostcheck')) {
      const message = 'clients that send no name in TLS are served on paths that moved, where Apache answered 403';
      if (line.words[0]?.text.toLowerCase() === 'on') remarkTlsOnce(line, message);
    }
    for (const line of inherited(servers, host, 'sslusestapling').slice(-1)) {
      const message =
        'Outrigger staples no OCSP response: a certificate that demands one (must-staple) would be refused by browsers';
      if (line.words[0]?.text.toLowerCase() === 'on') remarkTlsOnce(line, message);
    }
    for (const line of inherited(servers, host, 'sslhonorcipherorder').slice(-1))
      if (own.ciphers !== undefined) carried(line.entry, 'cipherOrder of the listener');
      else remarkTlsOnce(line, 'the order of ciphers is that of Outrigger where no line names them');
    for (const chain of own.chains) {
      const message = `a listener takes the chain from the certificate's own file`;
      remark(chain.entry, 'approximated', 'APACHE_TLS', message, {
        hint: `Append ${chain.words[0]?.text ?? 'it'} to the file of the certificate.`,
      });
    }
    for (const key of ['versions', 'ciphers'] as const) remarkSetting(own[key], tls[key]);
  }
}

/** `listeners`: what the first virtual host says, which is what the listener has. */
function remarkSetting(own: { directives: Directive[] } | undefined, listeners: typeof own): void {
  for (const directive of own?.directives ?? []) {
    if (listeners?.directives.includes(directive)) carried(directive.entry, 'said of the listener');
    else {
      const message = 'an address has one set of versions and ciphers: that of its first virtual host';
      remarkTlsOnce(directive, message);
    }
  }
}

function remarkTlsOnce({ entry }: Directive, message: string): void {
  if (!entry.remarks.some((each) => each.message === message)) remark(entry, 'approximated', 'APACHE_TLS', message);
}

function carried(entry: VirtualHost['section']['entry'], message: string): void {
  if (!entry.remarks.some(({ code }) => code === 'APACHE_CARRIED'))
    remark(entry, 'translated', 'APACHE_CARRIED', message);
}
