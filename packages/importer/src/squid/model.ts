// Room: what a squid.conf says, in Squid's own terms: ports, peers, acls, access lists. One pass in file order, because Squid
// reads in one pass: what is used before it is defined is undefined (SQ-33, SQ-153).
import { suggestion } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { readAccessLine, readTerms, type SquidAccessLine } from './access.ts';
import { type Acl, builtInAcls, type FileContext, readAcl } from './acl.ts';
import { isAclType, isGroupType } from './acltypes.ts';
import { directiveKind, type Modelled } from './directives.ts';
import type { Directive } from './expand.ts';
import { LIMIT_DIRECTIVES, type LimitName, readLimit, type SquidLimits } from './limits.ts';
import { type Peer, readPeer } from './peers.ts';
import { type Port, readPort } from './ports.ts';
import { refusedValue } from './settings.ts';
import type { SquidVersion } from './version.ts';

/** Access lists that decide over requests as a whole. `adapted` and `miss` are asked after http_access, `reply` once there is one. */
export type Lists = Record<'http' | 'adapted' | 'miss' | 'reply' | 'alwaysDirect' | 'neverDirect', SquidAccessLine[]>;

export type DenyInfo = { answer: string; acls: string[]; directive: Directive };

export type Model = {
  ports: Port[];
  peers: Peer[];
  /** By name in lower case. */
  acls: Map<string, Acl>;
  lists: Lists;
  denyInfos: DenyInfo[];
  /** extension_methods lines: since 3.1 without effect, and the sure sign of an Exchange recipe. */
  extensionMethods: string[];
  limits: SquidLimits;
  /** The line by which `src` acls see an address that a header names. */
  indirectClients?: Directive;
};

/** Directives whose words are read as values, quotes and all. */
const FOLLOWS_QUOTES = /^acl$|_access2?$|_direct$/;

type Reading = { model: Model; files: FileContext; version: SquidVersion };

/** Reads directives into a model. What is settled by its name alone is remarked and done with. */
export function buildModel(directives: readonly Directive[], files: FileContext, version: SquidVersion): Model {
  const model: Model = {
    ports: [],
    peers: [],
    acls: builtInAcls(),
    lists: { http: [], adapted: [], miss: [], reply: [], alwaysDirect: [], neverDirect: [] },
    denyInfos: [],
    extensionMethods: [],
    limits: new Map(),
  };
  const reading: Reading = { model, files, version };
  for (const directive of directives) {
    const words = directive.words.map(({ text }) => text);
    const refused = refusedValue(directive.name, words, version.number);
    if (refused !== undefined) {
      const [disposition, severity] = refused.later
        ? (['translated', 'warning'] as const)
        : (['malformed', 'error'] as const);
      remark(directive.entry, disposition, 'SQUID_VALUE_BAD', refused.message, { hint: refused.hint, severity });
    }
    if (reading.files.quotedValues && !FOLLOWS_QUOTES.test(directive.name) && /["']/.test(directive.line.text)) {
      remark(
        directive.entry,
        'untranslated',
        'SQUID_UNTRANSLATED',
        'quoted values are followed in acl and access lines alone',
        {
          hint: 'Write the values plainly, and import again.',
        },
      );
    }
    const found = directiveKind(directive.name, words.join(' '));
    if (found.kind === 'modelled') HANDLERS[found.name](directive, reading);
    else if (found.kind === 'settled') {
      const { disposition, code, why, hint } = found.settled;
      remark(directive.entry, disposition, code, why, hint === undefined ? {} : { hint });
    } else {
      const message = 'no Squid knows this directive: it does not start';
      remark(
        directive.entry,
        'unknown',
        'SQUID_UNKNOWN_DIRECTIVE',
        message,
        found.hint === undefined ? {} : { hint: found.hint },
      );
    }
  }
  return model;
}

const HANDLERS: Readonly<Record<Modelled, (directive: Directive, reading: Reading) => void>> = {
  acl: readAclLine,
  http_port: addPort,
  https_port: addPort,
  cache_peer: (directive, { model }) => {
    const peer = readPeer(directive, new Set(model.peers.map(({ name }) => name.toLowerCase())));
    if (peer !== undefined) model.peers.push(peer);
  },
  cache_peer_access: (directive, { model, files }) => {
    const peer = peerOf(directive, model);
    const line = peer && readAccessLine(directive, 1, model.acls, files);
    if (line !== undefined) peer?.access.push(line);
  },
  cache_peer_domain: addPeerDomains,
  http_access: listHandler('http'),
  http_access2: listHandler('adapted'),
  adapted_http_access: listHandler('adapted'),
  miss_access: listHandler('miss'),
  http_reply_access: listHandler('reply'),
  always_direct: listHandler('alwaysDirect'),
  never_direct: listHandler('neverDirect'),
  deny_info: (directive, { model }) => {
    const [answer = '', ...acls] = directive.words.map(({ text }) => text);
    model.denyInfos.push({ answer, acls, directive });
  },
  ...limitHandlers(),
  extension_methods: (directive, { model, version }) => {
    model.extensionMethods.push(...directive.words.map(({ text }) => text));
    const message =
      version.number < 3.1
        ? 'every method passes without being named'
        : 'obsolete since Squid 3.1: every method passes without being named';
    remark(directive.entry, 'irrelevant', 'SQUID_OBSOLETE', message);
  },
  follow_x_forwarded_for: (directive, { model }) => {
    if (directive.words[0]?.text === 'allow') {
      model.indirectClients = directive;
      const message = 'rules on client addresses see the address that connects, not one that a header names';
      remark(directive.entry, 'untranslated', 'SQUID_UNTRANSLATED', message, {
        hint: 'Check every rule on client addresses.',
      });
    } else {
      remark(directive.entry, 'irrelevant', 'SQUID_OPERATION', 'no header is believed here either');
    }
  },
  configuration_includes_quoted_values: (directive, reading) => {
    const { quotedValues: _before, ...files } = reading.files;
    const isOn = directive.words[0]?.text === 'on';
    reading.files = isOn ? { ...files, quotedValues: true } : files;
    const message = isOn
      ? 'from here on quotes are quotes, and files are named by parameters("…")'
      : 'a word in quotes names a file';
    remark(directive.entry, isOn ? 'translated' : 'irrelevant', isOn ? 'SQUID_CONTROL' : 'SQUID_OPERATION', message);
  },
};

function limitHandlers(): Record<LimitName, (directive: Directive, reading: Reading) => void> {
  const handlerOf =
    (name: LimitName) =>
    (directive: Directive, { model }: Reading) =>
      readLimit(name, directive, model.limits);
  return Object.fromEntries(LIMIT_DIRECTIVES.map((name) => [name, handlerOf(name)])) as ReturnType<
    typeof limitHandlers
  >;
}

function listHandler(list: keyof Lists): (directive: Directive, reading: Reading) => void {
  return (directive, { model, files }) => {
    const line = readAccessLine(directive, 0, model.acls, files);
    if (line !== undefined) model.lists[list].push(line);
  };
}

function readAclLine(directive: Directive, { model, files }: Reading): void {
  const type = directive.words[1]?.text ?? '';
  if (type !== '' && !isAclType(type) && type !== 'myport' && type !== 'myip') {
    const hint = suggestion(type, [
      'url_regex',
      'urlpath_regex',
      'dstdomain',
      'dstdom_regex',
      'src',
      'method',
      'port',
      'proto',
      'myportname',
      'localport',
      'req_header',
      'browser',
      'any-of',
      'all-of',
    ]);
    remark(
      directive.entry,
      'malformed',
      'SQUID_ACL_BAD',
      `${type} is no acl type of current Squids: it does not start`,
      hint === undefined ? {} : { hint },
    );
    return;
  }
  // The acls of a group must exist when it is read; remarked here, resolved later.
  if (isGroupType(type)) readTerms(directive, 2, model.acls, files);
  readAcl(directive, model.acls, files);
}

function addPort(directive: Directive, { model, version }: Reading): void {
  const port = readPort(directive, version.number);
  if (port === undefined) return;
  const taken = model.ports.find(({ listener }) => listener.address === port.listener.address);
  if (taken === undefined) {
    model.ports.push(port);
  } else {
    const message = `${port.listener.address} is taken by line ${taken.directive.at.line}: Squid goes on without this port`;
    remark(directive.entry, 'irrelevant', 'SQUID_PORT_TWICE', message, { severity: 'warning' });
  }
}

/** The peer an access line names; undefined, with a remark, where no line before defines it (SQ-153). */
function peerOf(directive: Directive, model: Model): Peer | undefined {
  const name = directive.words[0]?.text ?? '';
  const peer = model.peers.find((each) => each.name.toLowerCase() === name.toLowerCase());
  if (peer !== undefined) return peer;
  const hint = suggestion(
    name,
    model.peers.map((each) => each.name),
  );
  const message = `no line before this one defines the peer ${name}: Squid drops the line, so the peer that was meant takes any request`;
  remark(directive.entry, 'malformed', 'SQUID_PEER_UNKNOWN', message, hint === undefined ? {} : { hint });
  return undefined;
}

/**
 * Up to 3.5 a first-match list over the host, `!` refusing, with the same implied opposite as an access list; from 4 on
 * ignored, which leaves the peer unrestricted (SQ-158). A file that has it was written for the former.
 */
function addPeerDomains(directive: Directive, { model, version }: Reading): void {
  const { entry } = directive;
  const peer = peerOf(directive, model);
  if (peer === undefined) return;
  if (version.given && version.number >= 4) {
    const message = `ignored since Squid 4: the peer ${peer.name} takes requests for any host`;
    remark(entry, 'irrelevant', 'SQUID_PEER_DOMAIN', message, {
      severity: 'warning',
      hint: 'If the list was meant to count, import with --squid-version 3.5.',
    });
    return;
  }
  for (const { text } of directive.words.slice(1)) {
    const host = text.replace(/^!/, '').toLowerCase();
    const acl = `cache_peer_domain ${host}`;
    model.acls.set(acl, { name: acl, type: 'dstdomain', lines: [{ values: [{ text: host, ignoreCase: false }] }] });
    peer.domains.push({
      action: text.startsWith('!') ? 'deny' : 'allow',
      terms: [{ acl, negated: false, written: acl }],
      directive,
    });
  }
  if (version.given) remark(entry, 'translated', 'SQUID_PEER_DOMAIN', `hosts that ${peer.name} may take`);
  else {
    const message = `taken as Squid 3.5 and older read it: the hosts that ${peer.name} may take. Squid 4 and later ignore the line`;
    remark(entry, 'approximated', 'SQUID_PEER_DOMAIN', message, {
      hint: 'If the file ran on 4 or later, import with --squid-version 4.',
    });
  }
}
