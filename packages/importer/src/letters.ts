// Room: what letters the bytes of a config stand for. Nothing in such a file says so: it is UTF-8 where all of it can be, else Windows-1252,
// which is latin1 with quotation marks, dashes and a few letters more.
import { isUtf8 } from 'node:buffer';

/** How a file spells letters beyond ASCII. */
export type Letters = 'utf8' | 'windows1252';

/**
 * The letters of a whole file; `text` is latin1, one character a byte. One byte that cannot be UTF-8 makes the file Windows-1252: text in
 * it is hardly ever UTF-8 by chance (RFC 3629 section 1).
 */
export function lettersOf(text: string): Letters {
  return isUtf8(Buffer.from(text, 'latin1')) ? 'utf8' : 'windows1252';
}

/** Bytes in which Windows-1252 is not latin1: none of them is a letter there, and a terminal takes some for commands (ECMA-48, C1). */
const NO_LATIN1 = /[\x80-\x9f]/g;

/** Their letters, from 0x80 on; U+FFFD for the five that have none. A table: decoders of some runtimes take this encoding for latin1. */
const WINDOWS_1252 = '€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ';

/** Bytes of a file of those letters as a person reads them, U+FFFD for what is none; `text` is latin1, one character a byte. */
export function readable(text: string, letters: Letters): string {
  if (letters === 'utf8') return Buffer.from(text, 'latin1').toString('utf8');
  return text.replace(NO_LATIN1, (byte) => WINDOWS_1252[byte.charCodeAt(0) - 0x80] ?? '\ufffd');
}
