// Room: one line of an access log from a request that has ended, byte for byte as Apache or Squid would write it. A format is compiled
// once; a line costs what it tells. Sources: mod_log_config.c and ap_escape_logitem (server/util.c); Squid's format/Format.cc.
import {
  type Fields,
  isSecretField,
  logFormatParts,
  type Placeholder,
  padded,
  parseServer,
  type RequestFacts,
  type TemplatePart,
  urlOf,
} from '@outrigger/rules';
import { type RequestRecord, recordLevel, recordText } from './accesslog.ts';
import { fieldValues } from './http1/fields.ts';
import type { RequestHead } from './http1/head.ts';
import { strftime } from './strftime.ts';

/** The head of the answer a client got, and the bytes of it and of the body behind it. */
export type Answered = { fields: Fields; headBytes: number; bodyBytes: number };

/** What access logs are told of a request. `facts` are missing where its Host or target could not be read. */
export type AccessEntry = {
  record: RequestRecord;
  /** No port is known of one that a trusted proxy named. */
  client: { address: string; port: number | undefined };
  head: RequestHead;
  facts: RequestFacts | undefined;
  /** Missing where the client got no answer. */
  answered: Answered | undefined;
};

/** A line without its line end, latin1: one character is one byte. */
export type LogLine = (entry: AccessEntry) => string;

/** Compiles a format that has passed the loader. */
export function compileLogLine(format: string): LogLine {
  const read = logFormatParts(format);
  if (read.kind === 'own') return read.form === 'json' ? jsonLine : textLine;
  const parts = read.parts.map(compilePart);
  return (entry) => parts.map((part) => (typeof part === 'string' ? part : part(entry))).join('');
}

function textLine({ record }: AccessEntry): string {
  return `${new Date(record.at).toISOString()} ${recordLevel(record)} ${recordText(record)}`;
}

function jsonLine({ record }: AccessEntry): string {
  const timestamp = new Date(record.at).toISOString();
  return JSON.stringify({ level: recordLevel(record), message: recordText(record), record, timestamp });
}

function compilePart(part: TemplatePart): string | LogLine {
  if (typeof part === 'string') return Buffer.from(part, 'utf8').toString('latin1');
  const value = VALUES[part.name];
  if (value === undefined) throw new Error(`an unknown placeholder passed the loader: ${part.written}`);
  const escaped = ESCAPES[part.escape ?? 'apache'] ?? escapedForApache;
  // No query is known to be none; nothing else that is empty is known.
  const missing = part.name === 'query' ? '' : '-';
  return (entry) => padded(escaped(value(entry, part.argument ?? '', part) || missing), part);
}

type Value = (entry: AccessEntry, argument: string, placeholder: Placeholder) => string;

const VALUES: Readonly<Record<string, Value>> = {
  client: ({ client }) => client.address,
  clientPort: ({ client }) => String(client.port ?? ''),
  time: ({ record }, form) => timeAs(record.at, form),
  endTime: ({ record }, form) => timeAs(record.at + record.milliseconds, form),
  duration: ({ record }, unit) => durationIn(record.milliseconds, unit),
  method: ({ head }) => head.method,
  target: targetOf,
  path: (entry) => targetOf(entry).split('?', 1)[0] ?? '',
  query: (entry) => /\?.*$/s.exec(targetOf(entry))?.[0] ?? '',
  url: ({ facts, head }) => (facts === undefined ? head.target : urlOf(facts)),
  urlWithoutQuery: (entry) => withoutQuery(VALUES.url?.(entry, '', NO_PLACEHOLDER) ?? ''),
  requestLine: ({ head, record }) => `${head.method} ${head.target} HTTP/${versionOf(record)}`,
  scheme: ({ facts }) => facts?.scheme ?? '',
  host: ({ record }) => record.host,
  port: ({ facts }) => String(facts?.port ?? ''),
  version: ({ record }) => versionOf(record),
  status: ({ record }) => String(record.status ?? 0),
  sent: ({ answered }, part) => bytes(answered?.headBytes ?? 0, answered?.bodyBytes ?? 0, part),
  received: ({ head, record }, part) => bytes(head.raw.length, record.bytesUp, part),
  total: ({ head, record, answered }) =>
    String(head.raw.length + record.bytesUp + (answered?.headBytes ?? 0) + (answered?.bodyBytes ?? 0)),
  request: ({ head }, name) => fieldOf(head.fields, name),
  response: ({ answered }, name) => fieldOf(answered?.fields ?? [], name),
  mimeType: ({ answered }) =>
    fieldOf(answered?.fields ?? [], 'Content-Type')
      .split(';', 1)[0]
      ?.trim() ?? '',
  listener: ({ record }) => record.listener,
  upstream: ({ record }) => record.upstream ?? '',
  server: ({ record }, part) => serverPart(record.server, part),
  result: ({ record }) => resultOf(record),
  hierarchy: ({ record }) => (record.server === undefined ? 'HIER_NONE' : 'FIRSTUP_PARENT'),
};

const NO_PLACEHOLDER: Placeholder = { name: '', written: '' };

function targetOf({ facts, head }: AccessEntry): string {
  return facts?.target ?? head.target;
}

/** As strip_query_terms of Squid leaves it: the question mark stays. */
function withoutQuery(url: string): string {
  return url.replace(/\?.*$/s, '?');
}

function versionOf({ version }: RequestRecord): string {
  return version === '2' ? '2.0' : version;
}

/** Without an argument as Apache's %t: the local time with its zone. */
function timeAs(at: number, form: string): string {
  switch (form) {
    case '':
      return strftime('%d/%b/%Y:%H:%M:%S %z', at);
    case 'utc':
      return strftime('%d/%b/%Y:%H:%M:%S', at + new Date(at).getTimezoneOffset() * 60_000);
    case 'seconds':
      return String(Math.floor(at / 1_000));
    case 'milliseconds':
      return String(Math.floor(at) % 1_000);
    default:
      return strftime(form, at);
  }
}

function durationIn(milliseconds: number, unit: string): string {
  if (unit === 'seconds') return String(Math.floor(milliseconds / 1_000));
  return String(Math.round(unit === 'microseconds' ? milliseconds * 1_000 : milliseconds));
}

function bytes(head: number, body: number, part: string): string {
  if (part === 'head') return String(head);
  if (part === 'bodyOrDash') return body === 0 ? '-' : String(body);
  return String(part === 'body' ? body : head + body);
}

/** Repeated lines as one value (RFC 9110 5.3). What lets somebody in is told nobody. */
function fieldOf(fields: Fields, name: string): string {
  return isSecretField(name) ? '' : fieldValues(fields, name).join(', ');
}

function serverPart(server: string | undefined, part: string): string {
  if (server === undefined || part === '') return server ?? '';
  const parsed = parseServer(server);
  if (parsed === undefined || parsed.scheme === 'unix') return server;
  return part === 'port' ? String(parsed.port) : parsed.host;
}

/** As Squid's %Ss for a proxy that keeps nothing: denied by rules, cut by the client, or carried. */
function resultOf({ code, ending, server }: RequestRecord): string {
  if (code === 'DENIED') return 'TCP_DENIED';
  if (server === undefined) return 'NONE_NONE';
  return ending.by === 'client' && ending.how !== 'complete' ? 'TCP_MISS_ABORTED' : 'TCP_MISS';
}

const ESCAPES: Readonly<Record<string, (text: string) => string>> = {
  apache: escapedForApache,
  quoted: (text) => text.replace(/["\\\r\n\t]/g, (found) => `\\${LETTERS[found] ?? found}`),
  url: (text) => text.replace(/[^!$-&(-;=?@A-Z_a-z]/g, (found) => `%${hex(found).toUpperCase()}`),
  bracketed: (text) => text.replace(/[^ -$&-Z^-~]/g, (found) => (found === '\\' ? '\\\\' : `%${hex(found)}`)),
};

const LETTERS: Readonly<Record<string, string>> = { '\b': 'b', '\n': 'n', '\r': 'r', '\t': 't', '\v': 'v' };

/** Quotes, backslashes, and every byte that is not printable ASCII. */
function escapedForApache(text: string): string {
  return text.replace(/[^ !#-[\]-~]/g, (found) => {
    if (found === '"' || found === '\\') return `\\${found}`;
    return LETTERS[found] === undefined ? `\\x${hex(found)}` : `\\${LETTERS[found]}`;
  });
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(2, '0');
}
