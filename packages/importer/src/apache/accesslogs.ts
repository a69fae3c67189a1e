// Room: CustomLog, TransferLog and LogFormat, as access logs of the rules: for the paths that moved Apache writes no lines any more.
// Source: modules/loggers/mod_log_config.c (AP-150 to AP-152).
import {
  type AccessLog,
  type Condition,
  LOG_FORMATS,
  literally,
  logFormatError,
  secretsOfFormat,
} from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { pathIn } from '../source.ts';
import type { Server, Servers } from './servers.ts';
import { inherited } from './settings.ts';
import { type Directive, directivesOf } from './tree.ts';

/** mod_log_config's format where no line names another. */
const DEFAULT_FORMAT = '%h %l %u %t "%r" %>s %b';

/**
 * Access logs of a virtual host for the requests of `moved`. Those of the main server count only where it has none of its own
 * (AP-151), GlobalLog lines always. `root`: what relative names are in. Each line is accounted for.
 */
export function accessLogsOf(servers: Servers, server: Server, moved: Condition, root: string): AccessLog[] {
  const own = logLines(server);
  const lines = [...(own.length > 0 ? own : logLines(servers.main)), ...directivesOf(servers.main.nodes, 'globallog')];
  for (const line of inherited(servers, server, 'errorlog'))
    say(line, 'irrelevant', 'what goes wrong on paths that moved is in the log of Outrigger, on stdout');
  return lines.flatMap((line) => accessLogOf(line, servers, server, moved, root) ?? []);
}

function logLines({ nodes }: Server): Directive[] {
  return ['customlog', 'transferlog'].flatMap((key) => directivesOf(nodes, key));
}

/** `CustomLog PLACE FORMAT|NICKNAME [env=…|expr=…]`, `TransferLog PLACE`. */
function accessLogOf(
  line: Directive,
  servers: Servers,
  server: Server,
  moved: Condition,
  root: string,
): AccessLog | undefined {
  const [place = '', named, condition] = line.words.map(({ text }) => text);
  const byHand = (why: string): undefined => {
    say(line, 'untranslated', `${why}; requests of paths that moved are not in it`);
    return undefined;
  };
  if (place.startsWith('|')) return byHand('a program takes its lines, and no command of a configuration is run');
  if (/^syslog/i.test(place)) return byHand('it goes to syslog; access logs of Outrigger are files');
  if (condition !== undefined) return byHand(`it tells only of requests with ${condition}, which no rule can say`);
  const found = formatOf(line.key === 'transferlog' ? undefined : named, servers, server);
  if (found.line !== undefined) say(found.line, 'translated', 'the format of an access log');
  const { format, unknown } = templateOf(found.text);
  if (logFormatError(format) !== undefined) return byHand('its format tells nothing of a request');
  const file = place.startsWith('/') ? place : pathIn(root, place);
  say(
    line,
    'translated',
    `access log ${file} for the paths that moved; Apache writes those that stay into the same file`,
  );
  if (unknown.length > 0)
    say(line, 'approximated', `${unknown.join(', ')} is written as -: no line of Outrigger tells it`);
  return { file, format, when: moved };
}

/** A nickname, else the word itself (AP-150); without a word the last LogFormat without a nickname. */
function formatOf(named: string | undefined, servers: Servers, server: Server): { text: string; line?: Directive } {
  const formats = inherited(servers, server, 'logformat');
  const line = formats.findLast(({ words }) =>
    named === undefined ? words.length === 1 : words[1]?.text.toLowerCase() === named.toLowerCase(),
  );
  return line === undefined ? { text: named ?? DEFAULT_FORMAT } : { text: line.words[0]?.text ?? '', line };
}

/** Codes without an argument, as placeholders; `-` for what Apache knows of no proxied request. */
const CODES: Readonly<Record<string, string>> = {
  a: '{client}',
  h: '{client}',
  b: '{sent:bodyOrDash}',
  B: '{sent:body}',
  D: '{duration:microseconds}',
  H: 'HTTP/{version}',
  I: '{received}',
  O: '{sent}',
  S: '{total}',
  T: '{duration:seconds}',
  U: '{path}',
  V: '{host}',
  l: '-',
  m: '{method}',
  p: '{port}',
  q: '{query}',
  r: '{requestLine}',
  s: '{status}',
  t: '[{time}]',
  u: '-',
  v: '{host}',
};
/** Codes with an argument in braces. */
const WITH_ARGUMENT: Readonly<Record<string, (argument: string) => string | undefined>> = {
  a: () => '{client}',
  i: (name) => `{request:${name}}`,
  o: (name) => `{response:${name}}`,
  p: (which) => ({ canonical: '{port}', remote: '{clientPort}' })[which],
  T: (unit) => ({ s: '{duration:seconds}', ms: '{duration:milliseconds}', us: '{duration:microseconds}' })[unit],
  t: timeOf,
};

function timeOf(form: string): string | undefined {
  const [, edge, rest = ''] = /^(?:(begin|end):)?(.*)$/s.exec(form) ?? [];
  const name = edge === 'end' ? 'endTime' : 'time';
  if (rest === '') return `[{${name}}]`;
  if (rest === 'sec') return `{${name}:seconds}`;
  return rest === 'msec_frac' ? `{${name}:milliseconds,03}` : `{${name}:${rest}}`;
}

const CODE = /%(?:%|(!?\d{3}(?:,\d{3})*)?[<>]*(?:\{([^}]*)\})?[<>]*(\^F[BUE]|\^t[io]|[A-Za-z]))/g;

/** A format in Apache's codes as a template, by its name where it has one. What Apache knows and we do not is `-`. */
function templateOf(text: string): { format: string; unknown: string[] } {
  const unknown: string[] = [];
  const parts: string[] = [];
  let end = 0;
  for (const match of text.matchAll(CODE)) {
    parts.push(plain(text.slice(end, match.index)));
    end = match.index + match[0].length;
    const placeholder = placeholderOf(match);
    if (placeholder === undefined) unknown.push(match[0]);
    parts.push(placeholder ?? '-');
  }
  const format = parts.join('') + plain(text.slice(end));
  const name = (['common', 'combined'] as const).find((each) => LOG_FORMATS[each] === format);
  return { format: name ?? format, unknown };
}

function placeholderOf([written, statuses, argument, code = '']: RegExpMatchArray): string | undefined {
  if (written === '%%') return '%';
  // A code for some statuses only is - for all others; no template knows that.
  if (statuses !== undefined) return undefined;
  const own = (table: object): boolean => Object.hasOwn(table, code);
  const placeholder =
    argument === undefined
      ? own(CODES)
        ? CODES[code]
        : undefined
      : own(WITH_ARGUMENT)
        ? WITH_ARGUMENT[code]?.(argument)
        : undefined;
  if (placeholder === undefined || !placeholder.includes('{')) return placeholder;
  return logFormatError(placeholder) === undefined && secretsOfFormat(placeholder).length === 0
    ? placeholder
    : undefined;
}

/** Text between codes: \t is a tab (parse_log_misc_string), braces are themselves. */
function plain(text: string): string {
  return literally(text.replace(/\\([\\t])/g, (_, letter: string) => (letter === 't' ? '\t' : letter)));
}

function say(
  line: Directive,
  disposition: 'translated' | 'approximated' | 'untranslated' | 'irrelevant',
  message: string,
): void {
  if (line.entry.remarks.some((each) => each.message === message)) return;
  const hint = disposition === 'untranslated' ? { hint: 'Write accessLog by hand if the log is needed.' } : {};
  remark(line.entry, disposition, disposition === 'translated' ? 'APACHE_CARRIED' : 'APACHE_LOG', message, hint);
}
