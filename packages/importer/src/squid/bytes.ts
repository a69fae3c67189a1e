// Room: what a pattern's tree can begin with and how it goes on: sets of bytes, nullability, derivatives (Brzozowski 1964).
// Needed because RE2 has no look-around: a pattern over a part of the URL must be moved onto the whole of it exactly.
import { CLASSES, type Ere, type SetItem } from './ere.ts';

/** 256 flags, one a byte. */
export type ByteSet = readonly boolean[];

const WORD = /[A-Za-z0-9_]/;
const BYTES = Array.from({ length: 256 }, (_, byte) => byte);

/** Bytes a set of a pattern holds; with `ignoreCase`, either case of ASCII letters (glibc in the C locale folds no others). */
export function bytesOf(set: Extract<Ere, { kind: 'set' }>, ignoreCase: boolean): ByteSet {
  const listed = BYTES.map((byte) => set.items.some((item) => holds(item, byte)));
  const folded = ignoreCase ? listed.map((in_, byte) => in_ || listed[otherCase(byte)] === true) : listed;
  return folded.map((in_) => in_ !== set.negated);
}

export function isWordByte(byte: number): boolean {
  return WORD.test(String.fromCharCode(byte));
}

function holds(item: SetItem, byte: number): boolean {
  if (item.kind === 'range') return item.first <= byte && byte <= item.last;
  const character = String.fromCharCode(byte);
  return item.kind === 'word' ? WORD.test(character) : (CLASSES[item.name]?.test(character) ?? false);
}

function otherCase(byte: number): number {
  const character = String.fromCharCode(byte);
  return /[A-Za-z]/.test(character) ? byte ^ 0x20 : byte;
}

/** Whether the tree matches the empty text wherever it is tried. An assertion may fail, so it counts as not. */
export function isNullable(ere: Ere): boolean {
  switch (ere.kind) {
    case 'sequence':
      return ere.parts.every(isNullable);
    case 'branches':
      return ere.branches.some(isNullable);
    case 'repeat':
      return ere.least === 0 || isNullable(ere.of);
    default:
      return false;
  }
}

/** What is left of `ere` once it has taken `byte` as its first: a tree, `never`, or `unknown` where an assertion decides. */
export type Derivative = Ere | 'never' | 'unknown';

export function derivative(ere: Ere, byte: number): Derivative {
  switch (ere.kind) {
    case 'byte':
      return ere.byte === byte ? EMPTY : 'never';
    case 'any':
      return EMPTY;
    case 'set':
      return bytesOf(ere, false)[byte] === true ? EMPTY : 'never';
    case 'assertion':
      return ere.assertion === 'end' ? 'never' : 'unknown';
    case 'branches':
      return either(ere.branches.map((branch) => derivative(branch, byte)));
    case 'repeat': {
      if (ere.most === 0) return 'never';
      const most = ere.most === undefined ? undefined : ere.most - 1;
      return followed(derivative(ere.of, byte), [{ ...ere, least: Math.max(0, ere.least - 1), most }]);
    }
    case 'sequence':
      return derivativeOfSequence(ere.parts, byte);
  }
}

const EMPTY: Ere = { kind: 'sequence', parts: [] };

/** From the first part that must take a byte back to the front: what stands behind it cannot matter, and may be long. */
function derivativeOfSequence(parts: readonly Ere[], byte: number): Derivative {
  const must = parts.findIndex((part) => part.kind !== 'assertion' && !isNullable(part));
  let after: Derivative = 'never';
  for (let index = must === -1 ? parts.length - 1 : must; index >= 0; index -= 1) {
    const head = parts[index];
    if (head === undefined) continue;
    if (head.kind === 'assertion') {
      // An assertion in front of what cannot take the byte anyway decides nothing.
      after = after === 'never' || head.assertion === 'end' ? 'never' : 'unknown';
      continue;
    }
    const taken = followed(derivative(head, byte), parts.slice(index + 1));
    after = isNullable(head) ? either([taken, after]) : taken;
  }
  return after;
}

function followed(first: Derivative, rest: readonly Ere[]): Derivative {
  if (first === 'never' || first === 'unknown') return first;
  const parts = first.kind === 'sequence' ? [...first.parts, ...rest] : [first, ...rest];
  return { kind: 'sequence', parts };
}

function either(derivatives: readonly Derivative[]): Derivative {
  if (derivatives.includes('unknown')) return 'unknown';
  const branches = derivatives.filter((one): one is Ere => typeof one !== 'string');
  const [only] = branches;
  if (only === undefined) return 'never';
  return branches.length === 1 ? only : { kind: 'branches', branches };
}

/** Bytes a match may begin with; undefined where an assertion or an empty match leaves it open. */
export function firstBytes(ere: Ere): ByteSet | undefined {
  if (isNullable(ere)) return undefined;
  const flags: boolean[] = [];
  for (const byte of BYTES) {
    const begins = beginning(ere, byte);
    if (begins === 'unknown') return undefined;
    flags.push(begins === 'may');
  }
  return flags;
}

/** Whether a match may begin with this byte: what derivative() says of it, without making the tree that is left. */
function beginning(ere: Ere, byte: number): 'may' | 'never' | 'unknown' {
  if (ere.kind === 'repeat') return ere.most === 0 ? 'never' : beginning(ere.of, byte);
  if (ere.kind === 'branches') return anyBeginning(ere.branches.map((branch) => beginning(branch, byte)));
  if (ere.kind !== 'sequence') {
    const rest = derivative(ere, byte);
    return typeof rest === 'string' ? rest : 'may';
  }
  return ere.parts.reduceRight<'may' | 'never' | 'unknown'>((after, part) => {
    if (part.kind === 'assertion') return after === 'never' || part.assertion === 'end' ? 'never' : 'unknown';
    const taken = beginning(part, byte);
    return isNullable(part) ? anyBeginning([taken, after]) : taken;
  }, 'never');
}

function anyBeginning(all: readonly ('may' | 'never' | 'unknown')[]): 'may' | 'never' | 'unknown' {
  if (all.includes('unknown')) return 'unknown';
  return all.includes('may') ? 'may' : 'never';
}

/** The tree read from its end to its start, so that the last bytes of a match are the first of its mirror. */
export function mirrored(ere: Ere): Ere {
  switch (ere.kind) {
    case 'sequence':
      return { kind: 'sequence', parts: ere.parts.map(mirrored).reverse() };
    case 'branches':
      return { kind: 'branches', branches: ere.branches.map(mirrored) };
    case 'repeat':
      return { ...ere, of: mirrored(ere.of) };
    default:
      return ere;
  }
}
