// Room: text that is no squid.conf though somebody took it for one: templates, web pages, listings with line numbers, quoted
// mails, files of another encoding. What Squid would make of it is rarely what a person needs to hear.
import type { ImportCode } from '../codes.ts';

/** What a line is instead of a directive, as a sentence, and the way out. */
export type Foreign = { code: ImportCode; message: string; hint: string };

type Kind = { shape: RegExp; code: ImportCode; message: (found: string) => string; hint: string };

const RENDER = 'Import the file that the template is turned into.';

/** What people fill templates with: ${NAME}, ${NAME:-value}, {{ name }}, <%= name %>, @@NAME@@, and $NAME as a word. */
const PLACEHOLDER = /\$\{\w+(?::?[-=?+][^}]*)?\}|\{\{.*?\}\}|<%.*?%>|@@\w+@@|(?<=\s)\$[A-Z][A-Z0-9_]+(?=\s|$)/;

/** In order of trial. None of the shapes but the first can stand in a line that Squid obeys. */
const KINDS: readonly Kind[] = [
  {
    shape: PLACEHOLDER,
    code: 'SQUID_TEMPLATE',
    message: (found) => `${found} is a placeholder: this is a template, not a config`,
    hint: RENDER,
  },
  {
    // Jinja, Mason, Perl and Ruby around and between the lines.
    shape: /^(?:\{%.*|%.*|<\/?%.*|[$@]\w+.*|my [$@%].*)/,
    code: 'SQUID_TEMPLATE',
    message: () => 'is a line of a template language: this is a template, not a config',
    hint: RENDER,
  },
  {
    shape: /^<[!/]?[A-Za-z]/,
    code: 'SQUID_PASTED',
    message: () => 'is markup of a web page: the file was saved from a browser',
    hint: 'Copy the text of the page instead of the page.',
  },
  {
    shape: /^\d+[.:)]?(?:\s|$)/,
    code: 'SQUID_PASTED',
    message: () => 'begins with a number: the file was copied together with its line numbers',
    hint: 'Remove the numbers in front of the lines, and import again.',
  },
  {
    shape: /^(?:[>|]|\[?\w+@\S+[^#$]*[#$] )/,
    code: 'SQUID_PASTED',
    message: (found) =>
      `begins with ${found.length > 1 ? 'the prompt of a shell' : found}: the line was copied out of something else`,
    hint: 'Remove what is no part of the config, and import again.',
  },
];

/** What a logical line is instead of a directive; undefined for what may be one. */
export function foreignText(text: string): Foreign | undefined {
  for (const { shape, code, message, hint } of KINDS) {
    const found = shape.exec(text)?.[0];
    if (found !== undefined) return { code, message: message(found), hint };
  }
  return undefined;
}

/** Quotation marks of a word processor, as bytes of UTF-8: Squid takes them for letters. */
export const TYPOGRAPHIC_QUOTES = /\xe2\x80[\x98-\x9f]/;

export const BYTE_ORDER_MARK = '\xef\xbb\xbf';

/** True for a file of two bytes a character: Squid ends each line at the first of its NUL bytes. */
export function isUtf16(text: string): boolean {
  return /^(?:\xff\xfe|\xfe\xff|(?:[^\0]\0){4}|(?:\0[^\0]){4})/.test(text);
}
