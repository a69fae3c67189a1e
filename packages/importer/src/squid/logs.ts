// Room: access_log and logformat, as Squid reads them and as access logs of the rules (SQ-251 to SQ-254). Sources: cache_cf.cc,
// parse_access_log; format/Token.cc and Quoting.cc for what stands for what, and how it is escaped where.
import { type AccessLog, type LOG_FORMATS, literally, logFormatError, secretsOfFormat } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { lineExpr, printTerms, readTerms, type Term } from './access.ts';
import type { Acl, FileContext } from './acl.ts';
import type { Directive } from './expand.ts';
import { type FormatPiece, placeholderNamed, readFormat } from './formatcodes.ts';
import { and, atomsOf, type Expr, isNever, not } from './logic.ts';
import type { Resolver } from './resolve.ts';

/** One access_log line. `place`: undefined for `none`. */
type SquidLog = { place?: { module: string; name: string }; format?: string; terms: Term[]; directive: Directive };

export type SquidLogs = {
  lines: SquidLog[];
  /** logformat lines by name; the last of a name counts. */
  formats: Map<string, { text: string; directive: Directive }>;
  /** strip_query_terms, which is on unless it is switched off. */
  keepsQueries: boolean;
  /** client_netmask, where it hides a part of addresses. */
  netmask?: Directive;
  /** Lines that name no format are common (emulate_httpd_log of Squid 2). */
  emulatesHttpd: boolean;
};

export function noLogs(): SquidLogs {
  return { lines: [], formats: new Map(), keepsQueries: false, emulatesHttpd: false };
}

type BuiltIn = { name?: keyof typeof LOG_FORMATS; format: string };

/** Formats that Squid knows unasked: as one of ours, and spelled out in Squid's codes. */
const BUILT_IN: Readonly<Record<string, BuiltIn>> = {
  squid: { name: 'squid', format: '%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt' },
  common: { name: 'squidCommon', format: '%>a %[ui %[un [%tl] "%rm %ru HTTP/%rv" %>Hs %<st %Ss:%Sh' },
  combined: {
    name: 'squidCombined',
    format: '%>a %[ui %[un [%tl] "%rm %ru HTTP/%rv" %>Hs %<st "%{Referer}>h" "%{User-Agent}>h" %Ss:%Sh',
  },
  referrer: { format: '%ts.%03tu %>a %{Referer}>h %ru' },
  useragent: { format: '%>a [%tl] "%{User-Agent}>h"' },
};

/** `access_log none|[MODULE:]PLACE [option=value…] [FORMAT] [acl…]` */
export function readLog(
  directive: Directive,
  logs: SquidLogs,
  acls: ReadonlyMap<string, Acl>,
  files: FileContext,
): void {
  const [first, ...rest] = directive.words.map(({ text }) => text);
  if (first === undefined) {
    remark(directive.entry, 'malformed', 'SQUID_LOG', 'names no place for the log: Squid does not start');
    return;
  }
  if (first === 'none') {
    logs.lines.push({ terms: readTerms(directive, 1, acls, files), directive });
    return;
  }
  const [, module = 'daemon', name = ''] = /^(?:([a-z]+):)?(.*)$/s.exec(first) ?? [];
  const options = rest.findIndex((word) => !/^[a-z-]+=/.test(word));
  const optionWords = options === -1 ? rest : rest.slice(0, options);
  const given = optionWords.map((word) => /^logformat=(.*)$/.exec(word)?.[1]).find((format) => format !== undefined);
  let next = 1 + optionWords.length;
  const word = directive.words[next]?.text;
  // A word that is no format is an acl (SQ-252).
  const named = word !== undefined && (logs.formats.has(word) || Object.hasOwn(BUILT_IN, word)) ? word : undefined;
  if (named !== undefined) next += 1;
  const format = given ?? named;
  logs.lines.push({
    place: { module, name },
    ...(format !== undefined && { format }),
    terms: readTerms(directive, next, acls, files),
    directive,
  });
}

/** `logformat NAME codes`: the rest of the line as it stands. */
export function readLogFormat(directive: Directive, logs: SquidLogs): void {
  const [name, first] = directive.words;
  if (name === undefined || first === undefined) {
    remark(directive.entry, 'malformed', 'SQUID_LOG', 'expects a name and a format: Squid does not start');
  } else if (Object.hasOwn(BUILT_IN, name.text)) {
    const message = `${name.text} is a format of Squid's own, which it does not let be changed`;
    remark(directive.entry, 'irrelevant', 'SQUID_LOG', message);
  } else {
    logs.formats.set(name.text, { text: directive.line.text.slice(first.offset).trimEnd(), directive });
  }
}

/** Access logs of the rules, each line accounted for. */
export function lowerLogs(logs: SquidLogs, resolver: Resolver): AccessLog[] {
  const result: AccessLog[] = [];
  const hidden: Expr[] = [];
  const used = new Set<string>();
  for (const line of logs.lines) {
    const { entry } = line.directive;
    const expr = lineExpr(line.terms, resolver.exprOf);
    if (line.place === undefined) {
      const isClear = atomsOf(expr).every(resolver.isKnown);
      hidden.push(expr);
      const where = line.terms.length === 0 ? 'every request' : printTerms(line.terms);
      if (isClear) remark(entry, 'translated', 'SQUID_CARRIED', `no line behind this one tells of ${where}`);
      else
        remark(entry, 'untranslated', 'SQUID_LOG', 'keeps requests out of the log that rules cannot tell', {
          hint: BY_HAND,
        });
      continue;
    }
    if (line.format !== undefined) used.add(line.format);
    const log = lowerLine(line, and([expr, ...hidden.map(not)]), logs, resolver);
    if (log !== undefined) result.push(log);
  }
  for (const [name, { directive }] of logs.formats) {
    const isUsed = used.has(name);
    const message = isUsed ? 'the format of an access log' : 'no access_log line uses it';
    remark(directive.entry, isUsed ? 'translated' : 'irrelevant', isUsed ? 'SQUID_CARRIED' : 'SQUID_LOG', message);
  }
  return result;
}

const BY_HAND = 'Write accessLog by hand if the log is needed.';

function lowerLine(line: SquidLog, when: Expr, logs: SquidLogs, resolver: Resolver): AccessLog | undefined {
  const { entry } = line.directive;
  const { module = '', name = '' } = line.place ?? {};
  const untranslated = (message: string, hint = BY_HAND): undefined => {
    remark(entry, 'untranslated', 'SQUID_LOG', message, { hint });
    return undefined;
  };
  if (isNever(when)) {
    remark(entry, 'irrelevant', 'SQUID_LOG', 'tells nothing: a line before it keeps every request out');
    return undefined;
  }
  if ((module !== 'daemon' && module !== 'stdio') || !name.startsWith('/')) {
    return untranslated(
      `goes to ${module}:${name}; access logs of Outrigger are files`,
      'Its log on stdout reaches the journal, and syslog from there.',
    );
  }
  if (logs.netmask !== undefined) {
    return untranslated(
      `client_netmask (line ${logs.netmask.at.line}) hides a part of addresses, which Outrigger cannot`,
    );
  }
  const unclear = atomsOf(when).find((atom) => !resolver.isKnown(atom));
  if (unclear !== undefined) {
    return untranslated(`the acl ${resolver.nameOf(unclear)} cannot be said as a rule (${resolver.reasonOf(unclear)})`);
  }
  const read = formatOf(line, logs);
  if (read.kind === 'bad') return untranslated(`its format holds ${read.code}, which no line of Outrigger can tell`);
  const message = `access log ${name}, ${read.name}${when.kind === 'always' ? '' : ', for the requests that the acls name'}`;
  remark(entry, 'translated', 'SQUID_CARRIED', message);
  if (read.unknown.length > 0)
    remark(
      entry,
      'approximated',
      'SQUID_LOG',
      `${read.unknown.join(', ')} is written as -: no line of Outrigger tells it`,
    );
  return {
    file: name,
    format: read.format,
    ...(when.kind !== 'always' && { when: resolver.condition(when) }),
  };
}

type ReadFormat = { kind: 'format'; name: string; format: string; unknown: string[] } | { kind: 'bad'; code: string };

function formatOf({ format: named }: SquidLog, logs: SquidLogs): ReadFormat {
  const name = named ?? (logs.emulatesHttpd ? 'common' : 'squid');
  const builtIn = Object.hasOwn(BUILT_IN, name) ? BUILT_IN[name] : undefined;
  if (builtIn?.name !== undefined && !logs.keepsQueries) {
    return { kind: 'format', name: `format ${builtIn.name}`, format: builtIn.name, unknown: [] };
  }
  const text = builtIn?.format ?? logs.formats.get(name)?.text;
  if (text === undefined) return { kind: 'bad', code: `no format, for no line defines ${name}` };
  const template = templateOf(text, logs.keepsQueries);
  return template.kind === 'bad' ? template : { ...template, name: `format ${name}` };
}

/** A format in Squid's codes as a template. What Squid knows and we do not is `-`, so that each field keeps its place. */
function templateOf(
  text: string,
  keepsQueries: boolean,
): Exclude<ReadFormat, { kind: 'format' }> | Omit<ReadFormat & { kind: 'format' }, 'name'> {
  const read = readFormat(text);
  if (read.kind === 'bad') return read;
  const unknown: string[] = [];
  let inside: '"' | '[' | undefined;
  let format = '';
  for (const piece of read.pieces) {
    if (piece.kind === 'text') {
      format += literally(piece.text);
      for (const sign of piece.text) inside = enclosing(inside, sign);
      continue;
    }
    const placeholder = placeholderOf(piece, inside, keepsQueries);
    const isKnown = placeholder !== undefined && logFormatError(placeholder) === undefined;
    const isSecret = isKnown && secretsOfFormat(placeholder).length > 0;
    if (placeholder !== '-' && (!isKnown || isSecret)) unknown.push(piece.written);
    format += isKnown && !isSecret ? placeholder : '-';
  }
  return { kind: 'format', format, unknown };
}

/** A quote or a bracket around a code decides how its value is escaped (Token.cc, parse). */
function enclosing(inside: '"' | '[' | undefined, sign: string): '"' | '[' | undefined {
  if (inside === undefined) return sign === '"' || sign === '[' ? sign : undefined;
  return (inside === '"' && sign === '"') || (inside === '[' && sign === ']') ? undefined : inside;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': 'quoted',
  '[': 'bracketed',
  '#': 'url',
  "'": 'quoted',
  '/': 'quoted',
};

/** What may hold any byte. All else is a number, a name of ours, or has been read as an address. */
const SAID_BY_CLIENTS = /^(?:request|response|method|target|url|urlWithoutQuery|mimeType)$/;

function placeholderOf(
  { code, escape: escaping, padding, argument }: FormatPiece & { kind: 'code' },
  inside: '"' | '[' | undefined,
  keepsQueries: boolean,
): string | undefined {
  const name = code === 'ru' && !keepsQueries ? 'urlWithoutQuery' : placeholderNamed(code);
  if (name === undefined || name === '-') return name;
  if (argument !== undefined && name.includes(':')) return undefined;
  const width = padding === undefined ? '' : `,${padding}`;
  const escaped = SAID_BY_CLIENTS.test(name) ? `|${ESCAPES[escaping ?? inside ?? ''] ?? 'url'}` : '';
  return `{${name}${argument === undefined ? '' : `:${argument}`}${width}${escaped}}`;
}
