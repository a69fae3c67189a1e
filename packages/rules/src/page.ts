// Room: pages that denials are answered with: their shape in a rules file, and what one comes to for one request. Files are read by
// whoever answers; here there are texts, in latin1: one character is one byte.
import { z } from 'zod';
import { type RequestFacts, urlOf } from './facts.ts';
import { isFieldValue } from './headers.ts';
import { REQUEST_VALUES, requestValue } from './requestvalue.ts';
import { asWireBytes } from './target.ts';
import { type Placeholder, parseTemplate, type TemplatePart } from './template.ts';
import { text } from './values.ts';

/** Bytes of a page, and of a file put into it: a page is kept in memory and sent at once, to whoever has no business here. */
export const PAGE_MAX = 256 * 1_024;

/** Places in one page that are filled in. Each may take a value of the request, and all of them are sent to whoever asks. */
export const PAGE_PLACES_MAX = 64;

/** Characters of one value of the request: no person reads more of an address, and a client must not blow the page up with it. */
const VALUE_MAX = 8_192;

/** Characters of a mark, and of the text that stands for it. */
const MARK_MAX = 64;
const FILLING_MAX = 4_096;

/** What a page is sent as where the rules are silent: what Squid says of its own. */
export const PAGE_TYPE = 'text/html;charset=utf-8';

const fieldValue = z.string().refine(isFieldValue, 'a type is one line of visible characters');
const filling = z.union([z.string().max(FILLING_MAX), z.strictObject({ file: text })], {
  error: `what stands for a mark is a text of up to ${FILLING_MAX} characters, or { file: PATH }`,
});

export const page = z.strictObject({
  file: text.meta({ description: 'The page, up to 256 KiB; read at the start and at each reload' }),
  type: fieldValue.default(PAGE_TYPE).meta({ description: 'Content-Type it is sent with' }),
  language: z
    .string()
    .regex(/^[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*$/, 'a language is a tag such as en or de-AT')
    .optional()
    .meta({ description: 'Content-Language it is sent with; none where absent' }),
  fill: z.record(z.string().min(1).max(MARK_MAX), filling).optional().meta({
    description:
      'Marks in the page and what is put in their place: a text, in which {client}, {host}, {url}, {date}, … are filled in, or another file',
  }),
});

export type Page = z.output<typeof page>;

/** `now`: when the answer is given. */
type Moment = { facts: RequestFacts; now: Date };

/** What a page may tell beside the values of the request. */
const PAGE_VALUES: Readonly<Record<string, (moment: Moment) => string>> = {
  /** RFC 9110 5.6.7. */
  date: ({ now }) => now.toUTCString(),
  /** The whole URL up to its `?`: what stands behind may be secret. */
  urlWithoutQuery: ({ facts }) => urlOf(facts).replace(/\?.*$/s, '?'),
};

/** Why a filling cannot be used, as a sentence; undefined where it can. */
export function fillingError(text: string): string | undefined {
  const parsed = parseTemplate(text);
  if (!parsed.ok) return parsed.message;
  const wrong = parsed.parts.find((part) => typeof part !== 'string' && !isPageValue(part));
  if (wrong === undefined) return undefined;
  const names = [...REQUEST_VALUES, ...Object.keys(PAGE_VALUES)].map((name) => `{${name}}`).join(', ');
  return `${(wrong as Placeholder).written} is not known here; there are ${names}`;
}

function isPageValue({ name, written }: Placeholder): boolean {
  return written === `{${name}}` && (REQUEST_VALUES.includes(name) || Object.hasOwn(PAGE_VALUES, name));
}

/** The bytes of a page for one request. */
export type PageFor = (facts: RequestFacts, now: Date) => string;
export type PageResult = { kind: 'page'; pageFor: PageFor } | { kind: 'bad'; message: string };

/**
 * A page made ready. `content`: the text of its file; `contentOf`: that of a file a mark stands for. The page must have passed the
 * loader; `bad` is a page with more places than PAGE_PLACES_MAX, as a sentence. What a request says is written so that no browser
 * takes it for anything but text, except in text/plain.
 */
export function compilePage(given: Page, content: string, contentOf: (file: string) => string): PageResult {
  const isPlain = /^text\/plain(?:$|[ ;])/i.test(given.type);
  const encode = isPlain ? (value: string) => value : asText;
  const fillings = new Map(
    Object.entries(given.fill ?? {}).map(([mark, filled]) => [
      asWireBytes(mark),
      typeof filled === 'string' ? partsOf(filled) : [contentOf(filled.file)],
    ]),
  );
  const parts: TemplatePart[] = [];
  let places = 0;
  for (const piece of piecesOf(content, [...fillings.keys()])) {
    const filled = piece.isMark ? fillings.get(piece.text) : undefined;
    if (filled !== undefined) places += 1;
    parts.push(...(filled ?? [piece.text]));
  }
  if (places > PAGE_PLACES_MAX) {
    return { kind: 'bad', message: `it has ${places} places to be filled in, and ${PAGE_PLACES_MAX} are the most` };
  }
  const pageFor: PageFor = (facts, now) =>
    parts
      .map((part) =>
        typeof part === 'string' ? part : encode(valueFor(part.name, { facts, now }).slice(0, VALUE_MAX)),
      )
      .join('');
  return { kind: 'page', pageFor };
}

/** A text as marks cut it: the first mark that stands in it, the longest where two begin at one place. */
function* piecesOf(content: string, marks: readonly string[]): Generator<{ text: string; isMark: boolean }> {
  const known = new Set(marks);
  const starts = new Set(marks.map((mark) => mark[0]));
  const lengths = [...new Set(marks.map((mark) => mark.length))].sort((a, b) => b - a);
  const markAt = (at: number): string | undefined =>
    starts.has(content[at])
      ? lengths.map((length) => content.slice(at, at + length)).find((text) => known.has(text))
      : undefined;
  let from = 0;
  for (let at = 0; at < content.length; ) {
    const mark = markAt(at);
    if (mark === undefined) {
      at += 1;
      continue;
    }
    if (at > from) yield { text: content.slice(from, at), isMark: false };
    yield { text: mark, isMark: true };
    at += mark.length;
    from = at;
  }
  if (from < content.length) yield { text: content.slice(from), isMark: false };
}

function partsOf(text: string): TemplatePart[] {
  const parsed = parseTemplate(text);
  if (!parsed.ok) throw new Error(`a filling that cannot be read passed the loader: ${text}`);
  return parsed.parts.map((part) => (typeof part === 'string' ? asWireBytes(part) : part));
}

function valueFor(name: string, moment: Moment): string {
  const value = PAGE_VALUES[name]?.(moment) ?? requestValue(name, moment.facts);
  if (value === undefined) throw new Error(`an unknown placeholder passed the loader: ${name}`);
  return value;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** As Squid does it (html_quote): bytes beyond ASCII by their numbers, whatever the page is written in. */
function asText(value: string): string {
  return value.replace(/[^ !#-%(-;=?-~]/g, (character) => ENTITIES[character] ?? `&#${character.charCodeAt(0)};`);
}
