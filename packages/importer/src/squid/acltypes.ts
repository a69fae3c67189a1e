// Room: what the values of each acl type mean as a condition of the rules file, or why no condition can say it. A table of
// types and the reader of each kind of value. Sources are the SQ rows named at each.
import { type Condition, type HeaderCondition, parseAddressRange, type UrlCondition } from '@outrigger/rules';
import type { ImportCode } from '../codes.ts';
import type { AclValue } from './acl.ts';
import { decimalRange } from './digits.ts';
import type { Ere } from './ere.ts';
import { type Subject, translatePattern } from './regex.ts';

/** Something to say about the values of one acl line. */
export type ValueNote = { code: ImportCode; message: string; hint?: string; grave?: true };

/** A pattern of an acl as written, with its tree: for the search for what it lets through. */
export type Pattern = { text: string; ere: Ere; ignoreCase: boolean };

/** What one acl line means. */
export type Meaning = { notes: ValueNote[] } & (
  | { kind: 'condition'; condition: Condition; patterns: Pattern[] }
  | { kind: 'always' }
  | { kind: 'never' }
  | { kind: 'inexpressible'; reason: string }
);

/** What meanings depend on besides the values. */
export type MeaningContext = {
  /** Ports that will be listeners. `word` is the address as written, or `name=`; `listener` what a condition calls it. */
  ports: readonly { word: string; listener: string; port: number; host?: string }[];
  /** The Host every request gets, where all ports replace it (`no-vhost`; SQ-106). */
  site?: string;
  /** A port line puts another port into every URL (`vport`; SQ-109): the line that does. */
  replacedPort?: string;
  /** Set where `src` acls see the address a header names (follow_x_forwarded_for). */
  indirectClients?: string;
};

type Read = (values: readonly AclValue[], context: MeaningContext) => Meaning;

/** Methods that Squid 5 knows; those it reads in any case, all others as they are (http/MethodType.h, SQ-60). */
const KNOWN_METHODS: ReadonlySet<string> = new Set(
  `GET POST PUT HEAD CONNECT TRACE OPTIONS DELETE CHECKOUT CHECKIN UNCHECKOUT MKWORKSPACE VERSION-CONTROL REPORT UPDATE LABEL
  MERGE BASELINE-CONTROL MKACTIVITY PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK SEARCH PRI PURGE`.split(/\s+/),
);

const PORT_MAX = 65_535;
/** Ports of a range that are listed one by one; a longer range is a pattern over the URL. */
const LISTED_PORTS_MAX = 32;

const READERS: Readonly<Record<string, Read>> = {
  url_regex: (values, context) =>
    (context.site ?? context.replacedPort) === undefined ? patterns(values, 'url') : urlReplaced(context),
  urlpath_regex: (values) => patterns(values, 'path'),
  dstdom_regex: (values, context) => (context.site === undefined ? patterns(values, 'host') : urlReplaced(context)),
  'ssl::server_name_regex': (values, context) =>
    context.site === undefined ? patterns(values, 'host') : urlReplaced(context),
  dstdomain: domains,
  // On an accelerator it looks at the host of the URL, never at SNI (SQ-71).
  'ssl::server_name': domains,
  src: addresses,
  method: methods,
  port: ports,
  proto: schemes,
  myportname: (values, { ports: all }) => listeners(all, ({ word }) => values.some(({ text }) => text === word)),
  localport: localPorts,
  localip: localAddresses,
  browser: (values) => headers('User-Agent', values),
  referer_regex: (values) => headers('Referer', values),
  req_mime_type: (values) => headers('Content-Type', values),
  req_header: (values) => headers(values[0]?.text ?? '', values.slice(1)),
};

/** Why the other types cannot be said. All are names Squid 2.6 to 7 know; any other type stops Squid from starting. */
const INEXPRESSIBLE: readonly (readonly [reason: string, types: string])[] = [
  ['it needs a DNS look-up for each request', 'dst srcdomain srcdom_regex dst_as src_as'],
  ['it depends on the time of day', 'time'],
  [
    'it needs Squid to know the user',
    'proxy_auth proxy_auth_regex ident ident_regex ext_user ext_user_regex user_cert ca_cert url_login urllogin max_user_ip',
  ],
  ['a helper program decides it', 'external'],
  ['it looks at the reply', 'http_status rep_header rep_mime_type hier_code peername peername_regex tag'],
  [
    'it counts or marks connections',
    'maxconn random clientside_mark client_connection_mark connections_encrypted annotate_client annotate_transaction note transaction_initiator has at_step adaptation_service urlgroup snmp_community server_cert_fingerprint client_cert_fingerprint ssl_error certUntrusted',
  ],
  ['it looks at the link layer', 'arp eui64'],
];

const REASONS: ReadonlyMap<string, string> = new Map(
  INEXPRESSIBLE.flatMap(([reason, types]) => types.split(' ').map((type) => [type, reason] as const)),
);

/** Every acl type that some Squid from 2.6 to 7 accepts. */
export function isAclType(type: string): boolean {
  return READERS[type] !== undefined || REASONS.has(type) || isGroupType(type) || type.startsWith('ssl::');
}

/** `any-of` and `all-of`: made of other acls. */
export function isGroupType(type: string): boolean {
  return type === 'any-of' || type === 'all-of';
}

/** What the values of one line of an acl mean. Bad values are noted and left out as Squid leaves them out. */
export function meaningOf(type: string, values: readonly AclValue[], context: MeaningContext): Meaning {
  const read = READERS[type];
  if (read === undefined) {
    return { kind: 'inexpressible', reason: REASONS.get(type) ?? 'Outrigger has nothing like it', notes: [] };
  }
  if (values.length === 0) {
    return { kind: 'never', notes: [{ code: 'SQUID_ACL_EMPTY', message: 'has no value, so it never matches' }] };
  }
  return read(values, context);
}

function urlReplaced({ site, replacedPort }: MeaningContext): Meaning {
  const reason =
    site !== undefined
      ? `the port lines put ${site} into every URL, which the pattern sees and a rule does not`
      : `${replacedPort} puts its own port into every URL, which the pattern sees and a rule does not`;
  return { kind: 'inexpressible', reason, notes: [] };
}

function condition(condition: Condition, notes: ValueNote[], patterns: Pattern[] = []): Meaning {
  return { kind: 'condition', condition, notes, patterns };
}

/** Patterns of one line OR; one that Squid cannot compile is dropped alone (SQ-85). */
function patterns(values: readonly AclValue[], subject: Subject): Meaning {
  const found = readPatterns(values, subject);
  if (found.kind !== 'patterns') return found;
  return found.list.length === 0
    ? { kind: 'never', notes: found.notes }
    : condition({ url: found.list }, found.notes, found.patterns);
}

type Patterns = { kind: 'patterns'; list: UrlCondition[]; patterns: Pattern[]; notes: ValueNote[] };

function readPatterns(
  values: readonly AclValue[],
  subject: Subject,
): Patterns | Extract<Meaning, { kind: 'always' | 'inexpressible' }> {
  const list: UrlCondition[] = [];
  const patterns: Pattern[] = [];
  const notes: ValueNote[] = [];
  if (subject === 'host') notes.push(REVERSE_LOOKUP);
  for (const { text, ignoreCase } of values) {
    const translation = translatePattern(text, ignoreCase, subject);
    switch (translation.kind) {
      case 'patterns':
        list.push(...translation.patterns);
        patterns.push({ text, ere: translation.ere, ignoreCase });
        break;
      case 'always':
        return { kind: 'always', notes: [{ code: 'SQUID_CARRIED', message: `${text} matches everything` }] };
      case 'invalid':
        notes.push({
          code: 'SQUID_REGEX_DROPPED',
          message: `Squid drops the pattern ${text}: ${translation.message}. Dropped here too`,
          hint: 'Correct the pattern if it was meant to count.',
        });
        break;
      case 'inexpressible':
        return { kind: 'inexpressible', reason: `of the pattern ${text}: ${translation.message}`, notes };
    }
  }
  return { kind: 'patterns', list, patterns, notes };
}

/** Regexes on the value of a field; a request without the field never matches, even an empty pattern (SQ-70). */
function headers(name: string, values: readonly AclValue[]): Meaning {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
    return { kind: 'inexpressible', reason: `${name} is no field name`, notes: [] };
  const found = readPatterns(values, 'text');
  if (found.kind === 'inexpressible') return found;
  const list: HeaderCondition[] =
    found.kind === 'always' ? [{ name, regex: '^' }] : found.list.map((each) => ({ name, ...each }));
  return list.length === 0 ? { kind: 'never', notes: found.notes } : condition({ headers: list }, found.notes);
}

const REVERSE_LOOKUP: ValueNote = {
  code: 'SQUID_REVERSE_LOOKUP',
  message: 'where the Host is an address, Squid may also ask DNS for its name; Outrigger compares what the client sent',
};

/** `.x` is the domain and all below, `x` is exact, case-blind (SQ-50 to SQ-52); the same words as in `hosts`. */
function domains(values: readonly AclValue[], { site }: MeaningContext): Meaning {
  const notes: ValueNote[] = [];
  const hosts: string[] = [];
  for (const { text } of values) {
    const host = text.toLowerCase();
    if (/[/:*!\s]/.test(host)) {
      const meant = host
        .replace(/^[a-z]+:\/\//, '')
        .replace(/[/:].*$/, '')
        .replace(/^\*\./, '.');
      notes.push({
        code: 'SQUID_DSTDOMAIN_NEVER',
        message: `${text} never matches: dstdomain compares the host alone, letter by letter`,
        ...(meant !== '' && { hint: `${meant} was probably meant.` }),
      });
      continue;
    }
    const over = hosts.find(
      (each) => host.startsWith('.') && each !== host && (each.endsWith(host) || each === host.slice(1)),
    );
    if (over !== undefined) {
      notes.push({
        code: 'SQUID_ACL_BAD',
        message: `${over} is a subdomain of ${text} and stands before it: Squid does not start`,
        grave: true,
      });
    }
    hosts.push(host);
  }
  if (site !== undefined) {
    const host = site.replace(/:\d+$/, '').toLowerCase();
    const holds = hosts.some((each) => (each.startsWith('.') ? `.${host}`.endsWith(each) : each === host));
    return { kind: holds ? 'always' : 'never', notes };
  }
  return hosts.length === 0 ? { kind: 'never', notes } : condition({ hosts }, notes);
}

/** Addresses, CIDR, netmasks, ranges; names are resolved when Squid starts (SQ-65 to SQ-67). */
function addresses(values: readonly AclValue[], { indirectClients }: MeaningContext): Meaning {
  const notes: ValueNote[] = [];
  const clients: string[] = [];
  for (const { text } of values) {
    if (['all', '0/0', '0.0.0.0/0', '0.0.0.0/0.0.0.0', '::/0'].includes(text)) return { kind: 'always', notes };
    if (text === 'none') continue;
    if (/^\[/.test(text)) {
      notes.push({
        code: 'SQUID_ACL_BAD',
        message: `${text}: an address in brackets stops Squid from starting`,
        grave: true,
      });
      continue;
    }
    const read = readAddress(text);
    if (read === undefined) {
      const reason = `${text} is a name that Squid resolves when it starts; write the address`;
      return { kind: 'inexpressible', reason, notes };
    }
    clients.push(...read);
  }
  if (indirectClients !== undefined) {
    return { kind: 'inexpressible', reason: `with ${indirectClients} it sees the address a header names`, notes };
  }
  return clients.length === 0 ? { kind: 'never', notes } : condition({ clients }, notes);
}

const ADDRESS_WORDS: Readonly<Record<string, string[]>> = {
  localhost: ['127.0.0.1', '::1'],
  ipv4: ['0.0.0.0/0'],
  ipv6: ['::/0'],
};

function readAddress(text: string): string[] | undefined {
  const word = ADDRESS_WORDS[text];
  if (word !== undefined) return word;
  const masked = /^([\d.]+)\/(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const written = masked === null ? text : `${masked[1]}/${prefixOf(masked[2] ?? '')}`;
  return parseAddressRange(written) === undefined ? undefined : [written];
}

/** Bits of a netmask up to its first zero: how Squid reads one with holes, with a warning (SQ-66). */
function prefixOf(mask: string): number {
  const bits = mask
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('');
  return bits.indexOf('0') === -1 ? 32 : bits.indexOf('0');
}

function methods(values: readonly AclValue[]): Meaning {
  const names = values.map(({ text }) => (KNOWN_METHODS.has(text.toUpperCase()) ? text.toUpperCase() : text));
  const note: ValueNote = {
    code: 'SQUID_METHOD_CASE',
    message: 'Squid takes a method it knows in any case (put as PUT); here methods are compared as sent',
  };
  return condition({ methods: [...new Set(names)] }, names.some((name) => KNOWN_METHODS.has(name)) ? [note] : []);
}

type Range = { first: number; last: number };

function readRanges(values: readonly AclValue[]): { ranges: Range[]; notes: ValueNote[] } {
  const notes: ValueNote[] = [];
  const ranges: Range[] = [];
  for (const { text } of values) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(text);
    const first = Number(match?.[1]);
    const last = match?.[2] === undefined ? first : Number(match[2]);
    if (match === null || last < first || last > PORT_MAX) {
      notes.push({ code: 'SQUID_ACL_BAD', message: `${text} is no port and no range of ports`, grave: true });
    } else {
      ranges.push({ first, last });
    }
  }
  return { ranges, notes };
}

/** The port of the URL: of the Host, else of the scheme (SQ-62). */
function ports(values: readonly AclValue[], context: MeaningContext): Meaning {
  if ((context.site ?? context.replacedPort) !== undefined) return urlReplaced(context);
  const { ranges, notes } = readRanges(values);
  if (ranges.length === 0) return { kind: 'never', notes };
  if (ranges.some(({ first, last }) => first <= 1 && last >= PORT_MAX)) return { kind: 'always', notes };
  const isShort = ({ first, last }: Range): boolean => last - first < LISTED_PORTS_MAX;
  const listed = ranges
    .filter(isShort)
    .flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, index) => first + index));
  const long = ranges.filter((range) => !isShort(range));
  // The URL names a port only where it is not the default: those two are listed beside the pattern.
  const defaults = [80, 443].filter((port) => long.some(({ first, last }) => first <= port && port <= last));
  const list = [...new Set([...listed, ...defaults])].filter((port) => port > 0);
  if (long.length === 0) return condition({ ports: list }, notes);
  const digits = long.flatMap(({ first, last }) => decimalRange(first, last)).join('|');
  const url: Condition = { url: [{ regex: `^[a-z]+://[^/]*:(?:${digits})[/*]` }] };
  return condition(list.length === 0 ? url : { any: [{ ports: list }, url] }, notes);
}

/** The scheme of the URL: of an absolute target, else of the listener (SQ-61). Outrigger serves http and https alone. */
function schemes(values: readonly AclValue[]): Meaning {
  const wanted = new Set(
    values.map(({ text }) => text.toLowerCase()).filter((scheme) => scheme === 'http' || scheme === 'https'),
  );
  if (wanted.size === 2) return { kind: 'always', notes: [] };
  const [scheme] = wanted;
  return scheme === undefined ? { kind: 'never', notes: [] } : condition({ url: [{ regex: `^${scheme}://` }] }, []);
}

function listeners(
  all: MeaningContext['ports'],
  holds: (port: MeaningContext['ports'][number]) => boolean,
  notes: ValueNote[] = [],
): Meaning {
  const matching = all.filter(holds);
  if (matching.length === 0) return { kind: 'never', notes };
  if (matching.length === all.length) return { kind: 'always', notes };
  return condition({ listeners: matching.map(({ listener }) => listener) }, notes);
}

function localPorts(values: readonly AclValue[], { ports: all }: MeaningContext): Meaning {
  const { ranges, notes } = readRanges(values);
  return listeners(all, ({ port }) => ranges.some(({ first, last }) => first <= port && port <= last), notes);
}

function localAddresses(values: readonly AclValue[], { ports: all }: MeaningContext): Meaning {
  if (all.some(({ host }) => host === undefined)) {
    return {
      kind: 'inexpressible',
      reason: 'a port listens on every address, and rules know listeners, not addresses',
      notes: [],
    };
  }
  return listeners(all, ({ host }) => values.some(({ text }) => text === host || text.startsWith(`${host}/`)));
}
