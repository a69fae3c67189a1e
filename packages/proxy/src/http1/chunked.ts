// Room: where a chunked body ends (RFC 9112 7.1). One machine over the bytes of size lines and trailers; data is skipped by
// arithmetic, never looked at, never kept. It reads one spelling only, so that every reader behind us sees the same end.
import { COLON, CR, hexValue, isBlank, isTextByte, isTokenByte, LF, SEMICOLON } from './grammar.ts';

/** Digits of a chunk size, leading zeros included: 64 bits. More is an attempt to overflow somebody's counter. */
export const CHUNK_SIZE_DIGITS = 16;

/** Bytes of extensions on one size line. No client or server we know sends any; signing schemes use under 100. */
export const CHUNK_EXTENSION = 256;

/** Bytes of all trailer lines of a body. They are fields that arrive late, and few; heads have their own, larger limit. */
export const TRAILERS = 16 * 1024;

/** Why a chunked body was refused. */
export type ChunkCode = 'CHUNK_SIZE' | 'CHUNK_EXTENSION' | 'CHUNK_END' | 'TRAILER';

export type ChunkResult =
  | { kind: 'part'; bytes: number; done: boolean }
  | { kind: 'bad'; code: ChunkCode; message: string };

/** Names of what the next byte is: part of a size line, of data, of the CRLF behind either, or of a trailer line. */
type State =
  | 'size'
  | 'extension'
  | 'size LF'
  | 'data'
  | 'data CR'
  | 'data LF'
  | 'trailer start'
  | 'trailer name'
  | 'trailer value'
  | 'trailer LF'
  | 'end LF'
  | 'done';

/** A counter for one chunked body; `push` says how many bytes of the chunk of input belong to it. A refusal is final. */
export function chunkedCounter(): (input: Buffer) => ChunkResult {
  let state: State = 'size';
  /** Of the present size line: its digits so far and their value; then, of its data, the bytes still to come. */
  let digits = 0;
  let remaining = 0;
  let extension = 0;
  let trailers = 0;
  let refusal: ChunkResult | undefined;

  function push(input: Buffer): ChunkResult {
    if (refusal !== undefined) return refusal;
    let at = 0;
    while (at < input.length && state !== 'done') {
      if (state === 'data') {
        const bytes = Math.min(remaining, input.length - at);
        remaining -= bytes;
        at += bytes;
        if (remaining === 0) state = 'data CR';
      } else {
        refusal = step(input[at] ?? 0);
        if (refusal !== undefined) return refusal;
        at++;
      }
    }
    return { kind: 'part', bytes: at, done: state === 'done' };
  }

  /** Takes one byte outside the data. */
  function step(byte: number): ChunkResult | undefined {
    switch (state) {
      case 'size':
        return size(byte);
      case 'extension':
        if (byte === CR) state = 'size LF';
        else if (!isTextByte(byte)) return bad('CHUNK_EXTENSION', 'A chunk extension has a control byte.');
        else if (++extension > CHUNK_EXTENSION) {
          return bad('CHUNK_EXTENSION', `The extensions of a chunk are longer than ${CHUNK_EXTENSION} bytes.`);
        }
        return undefined;
      case 'size LF':
        if (byte !== LF) return bad('CHUNK_SIZE', 'A chunk size line has a CR without LF.');
        state = remaining === 0 ? 'trailer start' : 'data';
        return undefined;
      case 'data CR':
        if (byte !== CR) return bad('CHUNK_END', 'A chunk is longer than its size says.');
        state = 'data LF';
        return undefined;
      case 'data LF':
        if (byte !== LF) return bad('CHUNK_END', 'A chunk ends in a CR without LF.');
        state = 'size';
        digits = remaining = extension = 0;
        return undefined;
      case 'end LF':
        if (byte !== LF) return bad('TRAILER', 'The body ends in a CR without LF.');
        state = 'done';
        return undefined;
      default:
        return trailer(byte);
    }
  }

  /** RFC 9112 7.1: chunk-size [ chunk-ext ] CRLF. Departure: no blank before `;` or CRLF, which readers trim or do not. */
  function size(byte: number): ChunkResult | undefined {
    const value = hexValue(byte);
    if (value === -1) {
      if (digits === 0 || (byte !== CR && byte !== SEMICOLON)) {
        return bad('CHUNK_SIZE', 'A chunk size is not hexadecimal digits followed by CRLF or an extension.');
      }
      state = byte === CR ? 'size LF' : 'extension';
      return undefined;
    }
    remaining = remaining * 16 + value;
    if (++digits > CHUNK_SIZE_DIGITS || remaining > Number.MAX_SAFE_INTEGER) {
      return bad('CHUNK_SIZE', `A chunk size is beyond ${CHUNK_SIZE_DIGITS} digits or 2^53-1.`);
    }
    return undefined;
  }

  /** RFC 9112 7.1.2: trailer-section = *( field-line CRLF ), as strict as a head: a name, a colon, clean text, CRLF. */
  function trailer(byte: number): ChunkResult | undefined {
    if (state === 'trailer start' && byte === CR) {
      state = 'end LF';
      return undefined;
    }
    if (++trailers > TRAILERS) return bad('TRAILER', `The trailers are larger than ${TRAILERS} bytes.`);
    if (state === 'trailer LF') {
      if (byte !== LF) return bad('TRAILER', 'A trailer line has a CR without LF.');
      state = 'trailer start';
    } else if (state === 'trailer value') {
      if (byte === CR) state = 'trailer LF';
      else if (!isTextByte(byte)) return bad('TRAILER', 'A trailer has a control byte.');
    } else if (state === 'trailer name' && byte === COLON) {
      state = 'trailer value';
    } else if (isTokenByte(byte)) {
      state = 'trailer name';
    } else {
      const folded = isBlank(byte) ? 'has a blank at its start or in its name' : 'has no clean name before a colon';
      return bad('TRAILER', `A trailer line ${folded}.`);
    }
    return undefined;
  }

  return push;
}

function bad(code: ChunkCode, message: string): ChunkResult {
  return { kind: 'bad', code, message: `${message.slice(0, -1)} (RFC 9112 7.1).` };
}
