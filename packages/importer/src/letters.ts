// Room: what letters the bytes of a config stand for. Nothing in such a file says so: it is UTF-8 where all of it can be, else latin1.
import { isUtf8 } from 'node:buffer';

/** How a file spells letters beyond ASCII. */
export type Letters = 'utf8' | 'latin1';

/**
 * The letters of a whole file; `text` is latin1, one character a byte. One byte that cannot be UTF-8 makes the file latin1: text in
 * latin1 is hardly ever UTF-8 by chance (RFC 3629 section 1).
 */
export function lettersOf(text: string): Letters {
  return isUtf8(Buffer.from(text, 'latin1')) ? 'utf8' : 'latin1';
}

/** Bytes that are no letter in latin1 (ISO 8859-1): a terminal takes some of them for commands (ECMA-48, C1). */
const NO_LETTER = /[\x80-\x9f]/g;

/** Bytes of a file of those letters as a person reads them, U+FFFD for what is none; `text` is latin1, one character a byte. */
export function readable(text: string, letters: Letters): string {
  return letters === 'latin1' ? text.replace(NO_LETTER, '\ufffd') : Buffer.from(text, 'latin1').toString('utf8');
}
