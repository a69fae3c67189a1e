// Room: files that are no squid.conf though they hold one: templates that some program fills in, and pages copied from the web.
// Said once, for the file, since the lines of it fail one by one for a reason they share.
import type { SourceFile } from '../source.ts';

/** A form, the sign of it in a line that is no comment, and how many lines must show it. */
type Form = { what: string; remedy: string; sign: RegExp; least: number };

const FILL = 'Import the file that it is turned into.';
const CLEAN = 'Copy the text of the config alone into a file, and import that.';

const FORMS: readonly Form[] = [
  {
    what: 'a web page (HTML)',
    remedy: CLEAN,
    least: 1,
    sign: /<!DOCTYPE|<html|<\/(?:p|div|pre|td|span|code|a)>|<br ?\/?>|&(?:lt|gt|quot|nbsp|amp);/i,
  },
  { what: 'a copy with line numbers', remedy: CLEAN, least: 3, sign: /^\s*\d+[.:|)]?\s+[a-z_]+ / },
  { what: 'a patch', remedy: 'Apply it, and import the file it makes.', least: 1, sign: /^@@ -\d+|^\+\+\+ \S/ },
  { what: 'a template (Mason)', remedy: FILL, least: 1, sign: /^%\s*\S|<&.*&>/ },
  { what: 'a template (ERB)', remedy: FILL, least: 1, sign: /<%.*%>/ },
  { what: 'a template (Jinja)', remedy: FILL, least: 1, sign: /\{\{.*\}\}|\{%.*%\}/ },
  {
    what: 'a shell script',
    remedy: 'Run it where it belongs, and import the file it writes.',
    least: 1,
    sign: /^#!\s*\/|^(?:cat|tee|sudo)\b.*<</,
  },
  {
    what: 'a template (of a shell or autoconf)',
    remedy: FILL,
    least: 1,
    sign: /\$\{(?!service_name|process_name|process_number)\w+\}|@@?[A-Z_]{3,}@@?/,
  },
];

/** Lines named as examples: enough to find the place. */
const NAMED_MAX = 3;

/** What a file is in truth, as a sentence with places and the remedy; undefined for one that looks like a config. */
export function disguiseOf({ path, text }: SourceFile): string | undefined {
  const lines = text.split('\n').map((line, index) => ({ line, number: index + 1 }));
  const counted = lines.filter(({ line }) => !/^\s*#(?!!)/.test(line));
  for (const { what, remedy, sign, least } of FORMS) {
    const shown = counted.filter(({ line }) => sign.test(line));
    if (shown.length < least) continue;
    const places = shown.slice(0, NAMED_MAX).map(({ number }) => number);
    const more = shown.length > NAMED_MAX ? ` and ${shown.length - NAMED_MAX} more` : '';
    const noun = shown.length === 1 ? 'line' : 'lines';
    return `${path} is ${what}, not a config: see ${noun} ${places.join(', ')}${more}. ${remedy}`;
  }
  return undefined;
}
