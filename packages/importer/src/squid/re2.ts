// Room: a pattern's tree as text in RE2 syntax.
import { type ByteSet, bytesOf } from './bytes.ts';
import type { Ere, SetItem } from './ere.ts';

/** The tree in RE2 syntax. Groups stand where precedence needs them; `a+?` of ERE is `(?:a+)?`, never a lazy `a+`. */
export function printRe2(ere: Ere, ignoreCase: boolean): string {
  switch (ere.kind) {
    case 'byte':
      return printByte(ere.byte, ignoreCase);
    case 'any':
      return '.';
    case 'set':
      return printSet(ere, ignoreCase);
    case 'assertion':
      return { start: '^', end: '$', boundary: '\\b', notBoundary: '\\B', wordStart: '\\b', wordEnd: '\\b' }[
        ere.assertion
      ];
    case 'branches':
      return ere.branches.map((branch) => printRe2(branch, ignoreCase)).join('|');
    case 'sequence':
      return ere.parts
        .map((part) => (part.kind === 'branches' ? `(?:${printRe2(part, ignoreCase)})` : printRe2(part, ignoreCase)))
        .join('');
    case 'repeat': {
      const inner = printRe2(ere.of, ignoreCase);
      const isSingle = ere.of.kind === 'byte' || ere.of.kind === 'any' || ere.of.kind === 'set';
      return `${isSingle ? inner : `(?:${inner})`}${printCounts(ere.least, ere.most)}`;
    }
  }
}

function printCounts(least: number, most: number | undefined): string {
  if (most === undefined) return least === 0 ? '*' : least === 1 ? '+' : `{${least},}`;
  if (least === 0 && most === 1) return '?';
  return least === most ? `{${least}}` : `{${least},${most}}`;
}

function printByte(byte: number, ignoreCase: boolean): string {
  const character = String.fromCharCode(byte);
  if (byte >= 0x80) return ignoreCase ? `(?-i:${hex(byte)})` : hex(byte);
  if (byte < 0x20 || byte === 0x7f) return hex(byte);
  return /[\\.*+?()|[\]{}^$]/.test(character) ? `\\${character}` : character;
}

/** A set without bytes, which no pattern writes and no text matches. */
const NOTHING = '[^\\x00-\\x{10FFFF}]';

function printSet(set: Extract<Ere, { kind: 'set' }>, ignoreCase: boolean): string {
  if (set.items.length === 0) return set.negated ? '.' : NOTHING;
  const isAscii = set.items.every((item) => item.kind !== 'range' || item.last < 0x80);
  if (!isAscii && ignoreCase) {
    // RE2 would fold é to É; glibc in the C locale does not. The set is spelled out with both cases of ASCII letters.
    return `(?-i:[${itemsOf(bytesOf(set, true)).map(printItem).join('')}])`;
  }
  return `[${set.negated ? '^' : ''}${set.items.map(printItem).join('')}]`;
}

function printItem(item: SetItem): string {
  if (item.kind === 'class') return `[:${item.name}:]`;
  if (item.kind === 'word') return '0-9A-Za-z_';
  const first = printSetByte(item.first);
  return item.first === item.last ? first : `${first}-${printSetByte(item.last)}`;
}

function printSetByte(byte: number): string {
  const character = String.fromCharCode(byte);
  if (byte >= 0x7f || byte < 0x20) return hex(byte);
  return /[\\\]^[-]/.test(character) ? `\\${character}` : character;
}

function hex(byte: number): string {
  return `\\x{${byte.toString(16).toUpperCase().padStart(2, '0')}}`;
}

/** A set's entry for one byte. */
export function itemOf(byte: number): SetItem {
  return { kind: 'range', first: byte, last: byte };
}

/** The entries of a set that holds these bytes. */
export function itemsOf(bytes: ByteSet): SetItem[] {
  const items: Extract<SetItem, { kind: 'range' }>[] = [];
  bytes.forEach((in_, byte) => {
    const open = items.at(-1);
    if (!in_) return;
    if (open !== undefined && open.last === byte - 1) open.last = byte;
    else items.push({ kind: 'range', first: byte, last: byte });
  });
  return items;
}
