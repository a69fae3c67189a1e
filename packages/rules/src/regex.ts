// Room: regular expressions that may meet bytes from the network. Only a linear-time engine (RE2) ever runs them;
// JavaScript's own engine backtracks and must not be used for a pattern a person wrote.
import { RE2JS } from 're2js';

/** A compiled pattern: does it occur anywhere in `text` (latin1, one character a byte)? Time is linear in its length. */
export type Regex = { test(text: string): boolean };

export type RegexResult = { ok: true; regex: Regex } | { ok: false; message: string };

/**
 * Compiles one pattern in RE2 syntax. It is searched for anywhere unless anchored, and `.` matches every byte, line ends
 * included, as in Squid (which compiles without REG_NEWLINE). A pattern RE2 cannot hold (back-references, look-around)
 * comes back as a message.
 */
export function compileRegex(source: string, ignoreCase: boolean): RegexResult {
  try {
    return {
      ok: true,
      regex: RE2JS.compile(source, ignoreCase ? RE2JS.DOTALL | RE2JS.CASE_INSENSITIVE : RE2JS.DOTALL),
    };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

/** Compiles a list into one pattern that holds where any of them does: one pass over the text instead of one for each. */
export function compileAny(patterns: readonly { regex: string; ignoreCase?: boolean | undefined }[]): Regex {
  const alternatives = patterns.map(({ regex, ignoreCase }) => `(?${ignoreCase === true ? 'i' : '-i'}:${regex})`);
  const result = compileRegex(alternatives.join('|'), false);
  if (!result.ok) throw new Error(`a pattern passed the loader and does not compile: ${result.message}`);
  return result.regex;
}

/** A compiled pattern that also says what it found: the whole match, then each group; undefined for a group that took no part. */
export type Finder = { find(text: string): (string | undefined)[] | undefined };

/** The same as compileRegex, for those who need the groups: an importer that follows what a rewriting rule makes of a path. */
export function compileFinder(
  source: string,
  ignoreCase: boolean,
): { ok: true; finder: Finder } | { ok: false; message: string } {
  const compiled = compileRegex(source, ignoreCase);
  if (!compiled.ok) return compiled;
  const pattern = compiled.regex as RE2JS;
  const find = (text: string): (string | undefined)[] | undefined => {
    const matcher = pattern.matcher(text);
    if (!matcher.find()) return undefined;
    return Array.from({ length: matcher.groupCount() + 1 }, (_, index) => matcher.group(index) ?? undefined);
  };
  return { ok: true, finder: { find } };
}
