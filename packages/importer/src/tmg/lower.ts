// Room: from the records of an export to rules. A rule that cannot be said without letting more in is not carried, and its entry says so.
import {
  type AccessLine,
  type Condition,
  defaultLimits,
  type Listener,
  listenerName,
  type Route,
  type RuleSet,
  TUNNEL_METHODS,
  type Upstream,
  upstreamOf,
} from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { DENY, isPublished, isWebPublishing, tellAbsences } from './absences.ts';
import { ADDRESS, certificateOf, clientsOf, tellLists } from './lists.ts';
import { mappingsOf, pathCondition, prefixOf } from './paths.ts';
import { type Export, isOff, isOn, property, type TmgRecord, textOf } from './records.ts';

/** Paths of Exchange and RD Gateway, the first segment in lower case. */
const RPC_PATHS =
  /^\/(?:rpc(?:withcert)?|owa|ecp|ews|mapi|oab|autodiscover|microsoft-server-activesync|rdweb|remotedesktopgateway)(?:\/|$)/i;
const HOST_NAME = /^(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?$/;

/** A listener of TMG, and the names ours have. */
type Door = { record: TmgRecord; listeners: Listener[] };

export function lower(found: Export): RuleSet | undefined {
  const published = found.rules.filter(isPublished);
  const used = new Set(published.flatMap((rule) => property(rule, 'WebListenerUsed')?.refs ?? []));
  const doors = new Map<string, Door>();
  const taken = new Set<string>();
  for (const record of found.listeners) {
    if (used.has(record.element.id)) doors.set(record.element.id, readDoor(record, taken));
    else remark(record.entry, 'irrelevant', 'TMG_NOT_USED', 'no publishing rule that is enabled uses it');
  }
  for (const record of found.listeners) tellLists(record, found);
  const upstreams = new Map<string, Upstream>();
  const access: AccessLine[] = [];
  const routes: Route[] = [];
  for (const rule of found.rules) {
    tellLists(rule, found);
    if (!isPublished(rule)) {
      tellUnpublished(rule);
      continue;
    }
    tellAbsences(rule);
    lowerRule(rule, { found, doors, upstreams, access, routes });
  }
  const listen = [...doors.values()].flatMap(({ listeners }) => listeners);
  if (listen.length === 0 || routes.length === 0) return undefined;
  return { listen, upstreams, access, routes, limits: defaultLimits(), tunnelMethods: [...TUNNEL_METHODS] };
}

function tellUnpublished(rule: TmgRecord): void {
  if (isWebPublishing(rule)) remark(rule.entry, 'irrelevant', 'TMG_NOT_USED', 'it is disabled');
  else if (textOf(rule, 'Type') === '1')
    remark(rule.entry, 'untranslated', 'TMG_SERVER_PUBLISHING', 'it publishes a server that is no web server', {
      hint: 'Forward its port on the firewall.',
    });
  else remark(rule.entry, 'irrelevant', 'TMG_OPERATION', 'a rule of the firewall, no publishing');
}

function readDoor(record: TmgRecord, taken: Set<string>): Door {
  const door: Door = { record, listeners: [] };
  const given = property(record, 'IPAddresses')?.values ?? [];
  const addresses = given.filter((each) => ADDRESS.test(each)).map((each) => (each.includes(':') ? `[${each}]` : each));
  if (given.length > addresses.length) {
    remark(record.entry, 'malformed', 'TMG_BAD_VALUE', 'an address of it is none: it gets no listener');
    return door;
  }
  if (given.length === 0) {
    remark(record.entry, 'untranslated', 'TMG_ABSENT', 'the export does not say its IPAddresses: it gets no listener', {
      hint: 'Name them; if on every address, write IPAddresses with a Str 0.0.0.0.',
    });
    return door;
  }
  const redirect = textOf(record, 'RedirectHTTPAsHTTPS');
  const ports = (['SSLPort', 'TCPPort'] as const).map((name) => [name, Number(textOf(record, name))] as const);
  for (const [name, port] of ports) {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) continue;
    for (const address of addresses) {
      const key = `${address}:${port}`;
      if (taken.has(key)) {
        remark(record.entry, 'untranslated', 'TMG_LISTENER', `${key} is taken by a listener before it`, {
          hint: 'Give it an address of its own.',
        });
        continue;
      }
      taken.add(key);
      door.listeners.push({
        address: key,
        ...(name === 'SSLPort'
          ? { tls: { certificates: [{ pkcs12: certificateOf(record) }] } }
          : !isOff(redirect) && { redirect: 'https' as const }),
        from: [record.at],
      });
    }
  }
  if (door.listeners.length === 0)
    remark(record.entry, 'untranslated', 'TMG_LISTENER', 'no port of it could be read: it gets no listener');
  else remark(record.entry, 'translated', 'TMG_CARRIED', `listener ${door.listeners.map(listenerName).join(', ')}`);
  if (door.listeners.some((listener) => listener.redirect !== undefined) && !isOn(redirect))
    remark(
      record.entry,
      'untranslated',
      'TMG_ABSENT',
      'the export does not say its RedirectHTTPAsHTTPS: whether it let in without TLS is unknown; its plain port only redirects',
      { hint: 'If it did, write RedirectHTTPAsHTTPS 0.' },
    );
  if ((property(record, 'AuthenticationSchemes')?.values ?? []).length === 0)
    remark(
      record.entry,
      'untranslated',
      'TMG_ABSENT',
      'the export does not say its AuthenticationSchemes: whether TMG asked for a login is unknown; Outrigger asks for none',
      { hint: 'Make sure that every server asks for a login itself, and locks out who guesses.' },
    );
  return door;
}

type Work = {
  found: Export;
  doors: ReadonlyMap<string, Door>;
  upstreams: Map<string, Upstream>;
  access: AccessLine[];
  routes: Route[];
};

function lowerRule(rule: TmgRecord, { found, doors, upstreams, access, routes }: Work): void {
  const isDenied = textOf(rule, 'Action') === DENY;
  const used = (property(rule, 'WebListenerUsed')?.refs ?? []).flatMap((ref) => doors.get(ref) ?? []);
  const listeners = used.flatMap((door) => door.listeners).filter(({ redirect }) => redirect === undefined);
  const names = property(rule, 'PublicNames')?.values ?? [];
  const hosts = names.includes('*') ? [] : names;
  const mappings = mappingsOf(rule);
  const bars = [...rule.bars, ...used.flatMap(({ record }) => record.bars)];
  // Whom the rule kept out, a later rule must not let in: what it took is denied, as widely as it can be said.
  const refuse = (message: string): void => {
    const hint = 'What it took is denied. Write it by hand if it is needed.';
    remark(rule.entry, 'untranslated', 'TMG_NOT_CARRIED', `the rule is not carried: ${message}`, { hint });
    const isNamed = hosts.every((host) => HOST_NAME.test(host));
    const taken = mappings?.map(({ external }) => external) ?? ['/*'];
    const widest: Condition = {
      ...(isNamed && hostCondition(hosts)),
      ...(!taken.includes('/*') && { path: taken.map(pathCondition) }),
    };
    access.push({ action: 'deny', when: widest, answer: 'forbidden', from: [rule.at] });
  };
  if (listeners.length === 0) {
    refuse('it has no listener');
    return;
  }
  if (!hosts.every((host) => HOST_NAME.test(host))) {
    refuse('a public name of it is none');
    return;
  }
  if (mappings === undefined) {
    refuse('a path of it is neither whole nor ends in /*');
    return;
  }
  // A denial that cannot be said exactly is widened to whom it does not name: it may deny more, never less.
  if (bars.length > 0 && !isDenied) {
    refuse([...new Set(bars)].join(', '));
    return;
  }
  if (bars.length > 0)
    remark(rule.entry, 'approximated', 'TMG_RESTRICTION', 'it denies everybody, not only whom it named');
  const clients = bars.length > 0 ? undefined : clientsOf(found, property(rule, 'SelectionIPs')?.refs ?? []);
  const methods = property(rule, 'AllowedMethods')?.values ?? [];
  const when: Condition = {
    ...hostCondition(hosts),
    ...(clients !== undefined && { clients }),
    ...(methods.length > 0 && !isDenied && { methods }),
    ...(doors.size > 1 && { listeners: listeners.map(listenerName) }),
  };
  const paths = mappings.map(({ external }) => external);
  const whole: Condition = paths.includes('/*') ? when : { ...when, path: paths.map(pathCondition) };
  if (isDenied) {
    access.push({ action: 'deny', when: whole, answer: 'forbidden', from: [rule.at] });
    remark(rule.entry, 'translated', 'TMG_CARRIED', 'an access line that denies');
    return;
  }
  const server = serverOf(
    rule,
    used.some(({ record }) => textOf(record, 'SSLPort') !== ''),
  );
  if (server === undefined) {
    refuse('the server it publishes could not be read');
    return;
  }
  const rpcOverHttp = paths.some((path) => RPC_PATHS.test(path));
  const keepsHost = isOn(textOf(rule, 'SendOriginalHostHeader'));
  const made = upstreamOf({
    servers: [server.url],
    ...(rpcOverHttp && { rpcOverHttp }),
    ...(!keepsHost && { host: server.name }),
    from: [rule.at],
  });
  const to = nameFor(made, server.name, upstreams);
  if (rpcOverHttp)
    remark(
      rule.entry,
      'translated',
      'TMG_EXCHANGE',
      `its paths are those of Exchange or RD Gateway: RPC may be tunnelled to ${to}`,
    );
  if (hosts.length === 0)
    remark(rule.entry, 'approximated', 'TMG_HOSTS', 'its public name is *: it takes every Host', {
      hint: 'Name the hosts.',
    });
  access.push({ action: 'allow', when: whole, answer: 'forbidden', from: [rule.at] });
  for (const { external, internal } of mappings) {
    const condition = external === '/*' ? when : { ...when, path: [pathCondition(external)] };
    const [from, target] = [prefixOf(external), prefixOf(internal)];
    routes.push({
      ...(Object.keys(condition).length > 0 && { when: condition }),
      to,
      ...(from !== target && {
        rewrite: {
          path: { from, to: target },
          location: [{ from: `${server.url.replace(/^(https:.*):443$|^(http:.*):80$/, '$1$2')}${target}`, to: from }],
        },
      }),
      from: [rule.at],
    });
  }
  remark(rule.entry, 'translated', 'TMG_CARRIED', `routes to upstream ${to}`);
}

/** `*.x` of TMG is all below x and not x itself, which `.x` is too. */
function hostCondition(hosts: readonly string[]): Condition {
  if (hosts.length === 0) return {};
  const plain = hosts.filter((host) => !host.startsWith('*.'));
  const below = hosts.filter((host) => host.startsWith('*.')).map((host) => host.slice(2));
  if (below.length === 0) return { hosts: plain };
  return {
    any: [
      ...(plain.length > 0 ? [{ hosts: plain }] : []),
      ...below.map((host) => ({ hosts: [`.${host}`], not: { hosts: [host] } })),
    ],
  };
}

/** Where nothing is said of bridging, what came by TLS goes on by TLS: never weaker than it was. */
function serverOf(rule: TmgRecord, isTls: boolean): { url: string; name: string } | undefined {
  const name = textOf(rule, 'WebSite');
  if (!HOST_NAME.test(name) || name.startsWith('*')) return undefined;
  const isSecure = isTls && textOf(rule, 'RedirectSSLAs') !== '0';
  const given = textOf(rule, isSecure ? 'SSLRedirectPort' : 'HTTPRedirectPort');
  const port = given === '' ? (isSecure ? 443 : 80) : Number(given);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  return { url: `${isSecure ? 'https' : 'http'}://${name}:${port}`, name };
}

/** Rules that go to one server alike share an upstream. */
function nameFor(made: Upstream, name: string, upstreams: Map<string, Upstream>): string {
  const alike = ({ from: _, ...rest }: Upstream): string => JSON.stringify(rest);
  for (const [each, upstream] of upstreams) {
    if (alike(upstream) !== alike(made)) continue;
    upstream.from?.push(...(made.from ?? []));
    return each;
  }
  // Keys that are numbers lose their place among others.
  const first = /^\d+$/.test(name) ? `server-${name}` : name;
  let free = first;
  for (let number = 2; upstreams.has(free); number += 1) free = `${first}-${number}`;
  upstreams.set(free, made);
  return free;
}
