// Room: what an old config and a set of rules talk about: hosts, targets, methods, clients, fields, ports, gathered from acls and
// conditions alike, so that probes can be made of them. Pure.
import type { Acl, AclValue, Model } from '@outrigger/importer';
import { type Condition, parseAddressRange, type RuleSet } from '@outrigger/rules';
import { examplesOf } from './examples.ts';

/** Texts to make probes of. `urls` are pairs that belong together: the host and the target of one pattern. */
export type Subjects = {
  urls: { host?: string; target: string }[];
  hosts: string[];
  methods: string[];
  clients: string[];
  ports: number[];
  fields: [name: string, value: string][];
  schemes: string[];
};

/** Everything the acls of an old config and the conditions of the rules name. */
export function subjectsOf(
  model: (Pick<Model, 'acls'> & Partial<Pick<Model, 'headers'>>) | undefined,
  rules: RuleSet,
  more: Partial<Subjects> = {},
): Subjects {
  const none: Subjects = { urls: [], hosts: [], methods: [], clients: [], ports: [], fields: [], schemes: [] };
  const subjects: Subjects = { ...none, ...more };
  for (const acl of model?.acls.values() ?? []) fromAcl(acl, subjects);
  for (const { access, replacements } of model?.headers === undefined ? [] : [model.headers.request])
    for (const { name } of [...access, ...replacements.values()]) takeField(name, subjects);
  const conditions = [...rules.access.map(({ when }) => when), ...rules.routes.flatMap(({ when }) => when ?? [])];
  for (const condition of conditions) fromCondition(condition, subjects);
  for (const { defaultHost } of rules.listen) if (defaultHost !== undefined) subjects.hosts.push(defaultHost);
  return subjects;
}

/** Addresses that stand where a name should, in the Host of probes (RFC 5737, RFC 3849). */
export const PROBE_ADDRESSES: readonly string[] = ['192.0.2.80', '2001:db8::1'];

type Take = (values: readonly AclValue[], subjects: Subjects) => void;

const words =
  (take: (text: string, subjects: Subjects) => void): Take =>
  (values, subjects) => {
    for (const { text } of values) take(text, subjects);
  };
const patterns =
  (take: (text: string, anchored: boolean, subjects: Subjects) => void): Take =>
  (values, subjects) => {
    for (const { text, ignoreCase } of values) {
      const { texts, anchored } = examplesOf(text, ignoreCase);
      for (const example of texts) take(example, anchored, subjects);
    }
  };
const field =
  (name: string): Take =>
  (values, subjects) =>
    patterns((text) => subjects.fields.push([name, fieldValue(text)]))(values, subjects);

/** How each acl type names what it looks at; types that are not here look at nothing a probe can set. */
const TAKERS: Readonly<Record<string, Take>> = {
  url_regex: patterns(takeUrl),
  urlpath_regex: patterns(takePath),
  dstdomain: words(takeDomain),
  'ssl::server_name': words(takeDomain),
  dstdom_regex: patterns((text, _anchored, { hosts }) => hosts.push(fieldValue(text))),
  'ssl::server_name_regex': patterns((text, _anchored, { hosts }) => hosts.push(fieldValue(text))),
  src: words((text, subjects) => takeClient(text, subjects)),
  method: words((text, { methods }) => methods.push(text)),
  port: words((text, { ports }) => ports.push(...text.split('-').map(Number))),
  proto: words((text, { schemes }) => schemes.push(text.toLowerCase())),
  browser: field('User-Agent'),
  referer_regex: field('Referer'),
  req_mime_type: field('Content-Type'),
  req_header: (values, subjects) => field(values[0]?.text ?? '')(values.slice(1), subjects),
};

function fromAcl({ type, lines }: Acl, subjects: Subjects): void {
  const take = TAKERS[type];
  // Squid's own acls have lines without a directive: nobody wrote them.
  for (const { values, directive } of lines) if (directive !== undefined) take?.(values, subjects);
}

function fromCondition(condition: Condition, subjects: Subjects): void {
  const plain = (text: string): string => text.replace(/^!/, '');
  for (const host of condition.hosts ?? []) takeDomain(plain(host), subjects);
  for (const path of condition.path ?? []) {
    if ('regex' in path) patterns(takePath)([{ text: path.regex, ignoreCase: path.ignoreCase ?? false }], subjects);
    else subjects.urls.push({ target: asTarget('prefix' in path ? path.prefix : path.exact) });
  }
  for (const { regex, ignoreCase = false } of condition.url ?? [])
    patterns(takeUrl)([{ text: regex, ignoreCase }], subjects);
  subjects.methods.push(...(condition.methods ?? []).map(plain));
  for (const address of [...(condition.clients ?? []), ...(condition.connectsFrom ?? [])])
    takeClient(plain(address), subjects);
  for (const port of condition.ports ?? []) subjects.ports.push(...String(port).split('-').map(Number));
  for (const { name, regex, ignoreCase = false } of condition.headers ?? [])
    field(name)([{ text: regex, ignoreCase }], subjects);
  for (const inner of [...(condition.any ?? []), ...(condition.all ?? []), ...(condition.not ? [condition.not] : [])])
    fromCondition(inner, subjects);
}

/** Fields that are no client's to say, or that a proxy reads and writes anew: what becomes of them is no word of a list. */
const OF_PROXIES =
  /^(?:proxy-.*|cache-control|pragma|connection|keep-alive|te|trailers?|transfer-encoding|upgrade|content-length|host|via|x-forwarded-for|authorization|range|if-.*|expect|max-forwards|front-end-https)$/i;

/** A field that lines take away or replace, with a value of its own. Some names stand for many fields: one that no Squid knows is among them. */
function takeField(name: string, { fields }: Subjects): void {
  if (OF_PROXIES.test(name)) return;
  fields.push([/^(?:all|other)$/i.test(name) ? 'X-Unknown' : name, 'sent']);
}

/** A text of a pattern over the whole URL: where it can be read as host and path, so; else somewhere in a path and a query. */
function takeUrl(text: string, anchored: boolean, { urls, hosts }: Subjects): void {
  const rest = text.replace(/^[a-z]+:\/\//i, '');
  const slash = rest.indexOf('/');
  const host = (slash === -1 ? rest : rest.slice(0, slash)).toLowerCase();
  const isHost = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)+\.?(?::\d+)?$/.test(host);
  const target = slash === -1 ? '/' : asTarget(rest.slice(slash));
  if (isHost) {
    urls.push({ host, target });
    hosts.push(host);
  } else if (slash === 0) {
    urls.push({ target });
  }
  if (anchored) return;
  urls.push({ target: asTarget(`/x${slash === 0 ? text : `/${text}`}`) }, { target: asTarget(`/?q=${text}`) });
}

function takePath(text: string, anchored: boolean, { urls }: Subjects): void {
  const path = text.startsWith('/') ? text : `/${text}`;
  urls.push({ target: asTarget(path) });
  if (!anchored) urls.push({ target: asTarget(`/x${path}`) }, { target: asTarget(`/x${text}`) });
}

function takeDomain(text: string, { hosts }: Subjects): void {
  const host = text.toLowerCase().replace(/^\./, '');
  if (/^[a-z0-9_.-]+$/.test(host)) hosts.push(host);
}

/** Both ends of a range, and the neighbours outside. */
function takeClient(text: string, { clients }: Subjects): void {
  const [address = '', mask = ''] = text.split('/');
  const range = parseAddressRange(mask.includes('.') ? address : text);
  if (range === undefined) return;
  const { first, last } = range;
  const middle = (first + last) / 2n;
  clients.push(...[first, last, middle, first - 1n, last + 1n].flatMap(addressText));
}

/** IPv4 in one space with IPv6 (::ffff:0:0/96), as rules hold them. */
const MAPPED = 0xffffn;

function addressText(address: bigint): string[] {
  if (address <= 0n || address >= 1n << 128n) return [];
  const part = (index: number, bits: bigint): bigint => (address >> (BigInt(index) * bits)) & ((1n << bits) - 1n);
  if (address >> 32n === MAPPED) return [[3, 2, 1, 0].map((index) => part(index, 8n)).join('.')];
  return [[7, 6, 5, 4, 3, 2, 1, 0].map((index) => part(index, 16n).toString(16)).join(':')];
}

/** A text as it can stand in a request target: what is no character of one is percent-encoded (RFC 3986 2.1). */
export function asTarget(text: string): string {
  return text.replace(/[^!$&-;=?-Z_a-z~[\]]|%/g, (character) => percent(character));
}

export function percent(character: string): string {
  return `%${(character.charCodeAt(0) & 0xff).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** A text as it can stand in a field: no line ends, no controls, no blanks around it. */
function fieldValue(text: string): string {
  return text.replace(/[^ -~]/g, '').trim();
}
