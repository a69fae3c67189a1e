// Room: which characters of a configuration a report may show. The file may have been written by somebody else.

/**
 * Control characters but tab and line end: HTML has no place for them, and a terminal takes some for commands (ECMA-48) that move the
 * cursor, hide lines or set its title. And overrides of the direction of writing, which make text read as another one.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a page or a terminal
const UNPRINTABLE = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

/** The text with U+FFFD for each character that a page or a terminal would not show but obey. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '\ufffd');
}
