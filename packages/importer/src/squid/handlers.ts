// Room: what each directive that rules are made of adds to the model: one row a name, one function where a row is not enough.
import { suggestion } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { readAccessLine, readTerms } from './access.ts';
import { readAcl } from './acl.ts';
import { isAclType, isGroupType } from './acltypes.ts';
import type { Modelled } from './directives.ts';
import { PAGE_SETTINGS, type PageSetting, readPageSetting } from './errorpages.ts';
import type { Directive } from './expand.ts';
import { readHeaderAccess, readHeaderAdd, readHeaderReplace, type Side } from './headers.ts';
import { LIMIT_DIRECTIVES, type LimitName, readLimit } from './limits.ts';
import { readLog, readLogFormat } from './logs.ts';
import type { Lists, Model, Reading } from './model.ts';
import { type Peer, readPeer } from './peers.ts';
import { readPort } from './ports.ts';

/** By name: how a directive is read into the model. */
export const HANDLERS: Readonly<Record<Modelled, (directive: Directive, reading: Reading) => void>> = {
  acl: readAclLine,
  http_port: addPort,
  https_port: addPort,
  cache_peer: (directive, { model, version }) => {
    const peer = readPeer(directive, new Set(model.peers.map(({ name }) => name.toLowerCase())), version.number);
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
  ...pageHandlers(),
  extension_methods: (directive, { model, version }) => {
    model.extensionMethods.push(...directive.words.map(({ text }) => text));
    const message =
      version.number < 3.1
        ? 'every method passes without being named'
        : 'obsolete since Squid 3.1: every method passes without being named';
    remark(directive.entry, 'irrelevant', 'SQUID_OBSOLETE', message);
  },
  follow_x_forwarded_for: (directive, { model, files }) => {
    const line = readAccessLine(directive, 0, model.acls, files);
    if (line !== undefined) model.followForwarded.push(line);
  },
  proxy_protocol_access: (directive, { model, files }) => {
    const line = readAccessLine(directive, 0, model.acls, files);
    if (line !== undefined) model.proxyProtocol.push(line);
  },
  acl_uses_indirect_client: (directive, { model }) => {
    if (directive.words[0]?.text === 'off') model.directAcls = directive;
    else delete model.directAcls;
    remark(directive.entry, 'irrelevant', 'SQUID_OPERATION', 'matters only together with follow_x_forwarded_for');
  },
  log_uses_indirect_client: (directive, { model }) => {
    if (directive.words[0]?.text === 'off') model.directLog = directive;
    else delete model.directLog;
    remark(directive.entry, 'irrelevant', 'SQUID_OPERATION', 'matters only together with follow_x_forwarded_for');
  },
  forwarded_for: (directive, { model }) => {
    if (model.forwardedFor !== undefined) {
      const message = `line ${directive.at.line} says it again, and the last one counts`;
      remark(model.forwardedFor.directive.entry, 'irrelevant', 'SQUID_OPERATION', message);
    }
    model.forwardedFor = { policy: directive.words[0]?.text ?? 'on', directive };
  },
  access_log: (directive, { model, files }) => readLog(directive, model.logs, model.acls, files),
  cache_access_log: (directive, { model, files }) => readLog(directive, model.logs, model.acls, files),
  logformat: (directive, { model }) => readLogFormat(directive, model.logs),
  strip_query_terms: (directive, { model }) => {
    model.logs.keepsQueries = directive.words[0]?.text === 'off';
    const message = model.logs.keepsQueries ? 'access logs tell queries' : 'access logs leave queries out';
    remark(directive.entry, 'translated', 'SQUID_CARRIED', message);
  },
  emulate_httpd_log: (directive, { model, version }) => {
    const isOn = directive.words[0]?.text === 'on' && version.number < 3;
    model.logs.emulatesHttpd ||= isOn;
    if (isOn) remark(directive.entry, 'translated', 'SQUID_CARRIED', 'access logs have the format common');
    else remark(directive.entry, 'irrelevant', 'SQUID_LOG', 'changes nothing: Squid 3 and later do not look at it');
  },
  client_netmask: (directive, { model }) => {
    const isWhole = directive.words[0]?.text === '255.255.255.255';
    if (!isWhole) model.logs.netmask = directive;
    const message = isWhole ? 'whole addresses are logged here, too' : 'no access log is written in its place';
    remark(directive.entry, isWhole ? 'irrelevant' : 'translated', 'SQUID_LOG', message);
  },
  request_header_access: headerAccessHandler('request'),
  reply_header_access: headerAccessHandler('reply'),
  request_header_replace: (directive, { model }) => readHeaderReplace(directive, [model.headers.request]),
  reply_header_replace: (directive, { model }) => readHeaderReplace(directive, [model.headers.reply]),
  request_header_add: (directive, { model, files }) =>
    readHeaderAdd(directive, model.headers.request, model.acls, files),
  reply_header_add: (directive, { model, files }) => readHeaderAdd(directive, model.headers.reply, model.acls, files),
  // In Squid 2.6 and 2.7 one list for both directions (its cf.data.pre); 3.0 parted them.
  header_access: (directive, { model, files, version }) => {
    const { request, reply } = model.headers;
    if (version.number < 3) readHeaderAccess(directive, [request, reply], model.acls, files);
    else {
      const message = 'is ignored since Squid 3.0, which has request_header_access and reply_header_access instead';
      const hint = 'If the file was made for Squid 2, import with --squid-version 2.7.';
      remark(directive.entry, 'irrelevant', 'SQUID_OBSOLETE', message, { severity: 'warning', hint });
    }
  },
  header_replace: (directive, { model, version }) => {
    const { request, reply } = model.headers;
    readHeaderReplace(directive, version.number < 3 ? [request, reply] : [request]);
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

function headerAccessHandler(side: Side): (directive: Directive, reading: Reading) => void {
  return (directive, { model, files }) => readHeaderAccess(directive, [model.headers[side]], model.acls, files);
}

function pageHandlers(): Record<PageSetting, (directive: Directive, reading: Reading) => void> {
  const handlerOf =
    (name: PageSetting) =>
    (directive: Directive, { model }: Reading) =>
      readPageSetting(name, directive, model.errorPages.settings);
  return Object.fromEntries(PAGE_SETTINGS.map((name) => [name, handlerOf(name)])) as ReturnType<typeof pageHandlers>;
}

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
    // Squid lets two ports have one name, and myportname match both; a listener is told by its address then.
    if (model.ports.some(({ listener: { name } }) => name === port.listener.name)) delete port.listener.name;
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
