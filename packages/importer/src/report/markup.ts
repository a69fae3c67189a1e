// Room: HTML in which text can only be text. Whatever is put into a template is escaped, unless it is markup made here.
import { printable } from './printable.ts';

const MARKUP = Symbol('markup');

/** A piece of HTML. Nobody outside this file can make one of a string. */
export type Markup = { readonly [MARKUP]: string };

type Insert = string | number | Markup | undefined | readonly (Markup | undefined)[];

/** A template of HTML: strings and numbers are escaped for text and for quoted attributes; nothing stands for undefined. */
export function html(strings: TemplateStringsArray, ...inserts: readonly Insert[]): Markup {
  const text = strings.reduce((left, each, index) => left + printed(inserts[index - 1]) + each);
  return { [MARKUP]: text };
}

/** What stands between `<style>` or `<script>` and its end, as it is: for constants of ours alone, whose hash the page names. */
export function verbatim(constant: string): Markup {
  return { [MARKUP]: constant };
}

export function textOf(markup: Markup): string {
  return markup[MARKUP];
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function printed(insert: Insert): string {
  if (insert === undefined) return '';
  if (typeof insert === 'string' || typeof insert === 'number') {
    return printable(String(insert)).replace(/[&<>"']/g, (sign) => ESCAPES[sign] ?? '');
  }
  return Array.isArray(insert) ? insert.map(printed).join('') : (insert as Markup)[MARKUP];
}
