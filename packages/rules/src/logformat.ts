// Room: access logs in files: their shape in a rules file, what a line of them may tell, and the formats that have names. How a line
// is made of a request is the proxy's matter.
import { z } from 'zod';
import { condition } from './condition.ts';
import { type Placeholder, parseTemplate, type TemplatePart } from './template.ts';
import { text } from './values.ts';

/**
 * Formats by name. `common` and `combined` are Apache's (mod_log_config); the others are those that Squid 5 has built in
 * (Log/FormatSquidNative.cc, FormatHttpdCombined.cc), whose times are those of the end. Departure: Squid writes Referer and
 * User-Agent into them as they came, and so lets a client forge fields; here quotes in them are escaped as in Squid's own logformat.
 */
export const LOG_FORMATS = {
  common: '{client} - - [{time}] "{requestLine}" {status} {sent:bodyOrDash}',
  combined:
    '{client} - - [{time}] "{requestLine}" {status} {sent:bodyOrDash} "{request:Referer}" "{request:User-Agent}"',
  squid:
    '{endTime:seconds}.{endTime:milliseconds,03} {duration:milliseconds,6} {client} {result}/{status,03} {sent} {method} {urlWithoutQuery|url} - {hierarchy}/{server:address} {mimeType}',
  squidCommon:
    '{client} - - [{endTime}] "{method} {urlWithoutQuery|url} HTTP/{version}" {status} {sent} {result}:{hierarchy}',
  squidCombined:
    '{client} - - [{endTime}] "{method} {urlWithoutQuery|url} HTTP/{version}" {status} {sent} "{request:Referer|quoted}" "{request:User-Agent|quoted}" {result}:{hierarchy}',
} as const;

/** Formats that are no templates: the lines of the log on stdout. */
const OWN_FORMATS = ['text', 'json'] as const;

/** Letters of strftime that a time may be made of (POSIX date). */
const STRFTIME = /^(?:[^%]|%[aAbBdeHIjmMpSTyYzFD%])+$/;

type Arguments = readonly string[] | RegExp;

const NAME = /^[!#$%&'*+.^_`~0-9A-Za-z-]+$/;
const TIME: Arguments = ['', 'seconds', 'milliseconds', 'utc'];
const BYTES: Arguments = ['', 'head', 'body', 'bodyOrDash'];
const ALONE: Arguments = [''];

/** What a line may tell, with the arguments of each; what is not known is `-`. Closed; the README has a line for each. */
const VALUES: Readonly<Record<string, Arguments>> = {
  client: ALONE,
  clientPort: ALONE,
  time: TIME,
  endTime: TIME,
  duration: ['seconds', 'milliseconds', 'microseconds'],
  method: ALONE,
  target: ALONE,
  path: ALONE,
  query: ALONE,
  url: ALONE,
  urlWithoutQuery: ALONE,
  requestLine: ALONE,
  scheme: ALONE,
  host: ALONE,
  port: ALONE,
  version: ALONE,
  status: ALONE,
  sent: BYTES,
  received: BYTES,
  total: ALONE,
  request: NAME,
  response: NAME,
  mimeType: ALONE,
  listener: ALONE,
  upstream: ALONE,
  server: ['', 'address', 'port'],
  result: ALONE,
  hierarchy: ALONE,
};

/** How bytes that could be taken for something else are written; `apache` where a placeholder does not say. */
export const LOG_ESCAPES = ['apache', 'quoted', 'url', 'bracketed'] as const;

/** Fields that let somebody in; no line tells them. */
const SECRET = /^(?:proxy-)?authorization$|^(?:set-)?cookie2?$/i;

/** One access log. */
export const accessLog = z.strictObject({
  file: text.meta({ description: 'Lines are appended; opened anew at SIGHUP, so that it can be rotated' }),
  format: text.default('text').meta({
    description: 'text or json as on stdout, common, combined, squid, squidCommon, squidCombined, or a template',
  }),
  when: condition.optional().meta({ description: 'Requests that are told; all where absent' }),
});

export type AccessLog = z.output<typeof accessLog>;

/** A format ready to be filled in: one of the proxy's own, or parts. The format must have passed the loader: a bug throws. */
export type LogFormatParts = { kind: 'own'; form: 'text' | 'json' } | { kind: 'parts'; parts: TemplatePart[] };

export function logFormatParts(format: string): LogFormatParts {
  const own = OWN_FORMATS.find((name) => name === format);
  if (own !== undefined) return { kind: 'own', form: own };
  const parsed = parseTemplate(templateOf(format));
  if (!parsed.ok) throw new Error(`a log format that cannot be read passed the loader: ${format}`);
  return { kind: 'parts', parts: parsed.parts };
}

/** True for a field whose value no log tells. */
export function isSecretField(name: string): boolean {
  return SECRET.test(name);
}

/** Why a format cannot be used, as a sentence; undefined where it can. */
export function logFormatError(format: string): string | undefined {
  if (OWN_FORMATS.some((name) => name === format)) return undefined;
  const parsed = parseTemplate(templateOf(format));
  if (!parsed.ok) return parsed.message;
  // A name that is none, and a line that is the same for all requests, are the same mistake.
  if (parsed.parts.every((part) => typeof part === 'string')) {
    return `${format} is no format; there are ${[...OWN_FORMATS, ...Object.keys(LOG_FORMATS)].join(', ')}, or a template such as '{client} {requestLine}'`;
  }
  const wrong = parsed.parts.find((part): part is Placeholder => typeof part !== 'string' && !isLogValue(part));
  return wrong === undefined
    ? undefined
    : `${wrong.written} is not known here; there are ${Object.keys(VALUES).join(', ')}`;
}

/** Placeholders of a format that would tell a secret. */
export function secretsOfFormat(format: string): string[] {
  const parsed = parseTemplate(templateOf(format));
  if (!parsed.ok) return [];
  return parsed.parts.flatMap((part) =>
    typeof part !== 'string' && /^re(?:quest|sponse)$/.test(part.name) && isSecretField(part.argument ?? '')
      ? [part.written]
      : [],
  );
}

function templateOf(format: string): string {
  return Object.hasOwn(LOG_FORMATS, format) ? LOG_FORMATS[format as keyof typeof LOG_FORMATS] : format;
}

function isLogValue({ name, argument = '', escape: escaping }: Placeholder): boolean {
  const known = Object.hasOwn(VALUES, name) ? VALUES[name] : undefined;
  if (known === undefined || (escaping !== undefined && !LOG_ESCAPES.some((each) => each === escaping))) return false;
  if (known instanceof RegExp) return known.test(argument);
  return known.includes(argument) || (known === TIME && argument.includes('%') && STRFTIME.test(argument));
}
