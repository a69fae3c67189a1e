// Room: texts that a pattern matches, and texts just beside them. Pure: the same pattern gives the same texts.
import { bytesOf, type Ere, parseEre } from '@outrigger/importer';

/** Texts of one pattern, at most: patterns with many branches would outweigh all others. */
const EXAMPLES_MAX = 12;

/** What a pattern may match: at least one text for each branch, and both ways of what may be left out. Latin1. */
export function examplesOf(pattern: string, ignoreCase: boolean): { texts: string[]; anchored: boolean } {
  const parsed = parseEre(pattern, ignoreCase);
  if (parsed.kind !== 'pattern') return { texts: [], anchored: false };
  const parts = parsed.ere.kind === 'sequence' ? parsed.ere.parts : [parsed.ere];
  const anchored = parts[0]?.kind === 'assertion' && parts[0].assertion === 'start';
  return { texts: [...new Set(texts(parsed.ere, ignoreCase))].slice(0, EXAMPLES_MAX), anchored };
}

function texts(ere: Ere, ignoreCase: boolean): string[] {
  switch (ere.kind) {
    case 'byte':
      return [String.fromCharCode(ere.byte)];
    case 'any':
      // People who write a dot mostly mean one; that it stands for any character is the other half of the question.
      return ['.', 'x'];
    case 'set':
      return memberOf(ere, ignoreCase);
    case 'assertion':
      return [''];
    case 'branches':
      return ere.branches.flatMap((branch) => texts(branch, ignoreCase)).slice(0, EXAMPLES_MAX);
    case 'repeat':
      return repeated(texts(ere.of, ignoreCase), ere.least, ere.most);
    case 'sequence':
      return ere.parts.reduce<string[]>((before, part) => joined(before, texts(part, ignoreCase)), ['']);
  }
}

/** Every ending with the first beginning, and every beginning with the first ending: each part has its say, none multiplies. */
function joined(before: readonly string[], after: readonly string[]): string[] {
  const [firstBefore, firstAfter] = [before[0], after[0]];
  if (firstBefore === undefined || firstAfter === undefined) return [];
  const both = [...before.map((text) => text + firstAfter), ...after.slice(1).map((text) => firstBefore + text)];
  return both.slice(0, EXAMPLES_MAX);
}

function repeated(of: readonly string[], least: number, most: number | undefined): string[] {
  const [first] = of;
  if (first === undefined) return least === 0 ? [''] : [];
  // Long counts make long requests and show nothing that short ones do not.
  const counts = [...new Set([Math.max(least, 1), least, Math.min(least + 1, most ?? least + 1)])];
  return [...counts.map((count) => first.repeat(Math.min(count, 64))), ...(least <= 1 ? of.slice(1) : [])];
}

/** Bytes a person would write come first. */
const PREFERRED = [...'xa0A-_.~/?=&'].map((character) => character.charCodeAt(0));

function memberOf(set: Extract<Ere, { kind: 'set' }>, ignoreCase: boolean): string[] {
  const bytes = bytesOf(set, ignoreCase);
  const found = [...PREFERRED, ...bytes.keys()].filter((byte) => bytes[byte] === true);
  const last = bytes.lastIndexOf(true);
  return [...new Set([found[0], last === -1 ? undefined : last])].flatMap((byte) =>
    byte === undefined ? [] : [String.fromCharCode(byte)],
  );
}
