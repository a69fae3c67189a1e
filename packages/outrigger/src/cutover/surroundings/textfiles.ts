// Room: files of a machine as lines that can be named again: `file:line`.
import type { Reader } from '@outrigger/importer';

export type TextLine = { file: string; line: number; text: string };

/** Lines of all files that match the patterns, in that order; a file that is not there has none. */
export function linesOf(reader: Reader, patterns: readonly string[]): TextLine[] {
  const files = patterns.flatMap((pattern) => (/[*?[]/.test(pattern) ? reader.glob(pattern) : [pattern]));
  return [...new Set(files)].flatMap((file) => {
    const result = reader.read(file);
    if (result.kind === 'missing') return [];
    return result.file.text.split(/\r?\n/).map((text, at) => ({ file, line: at + 1, text }));
  });
}

/** Without comments of `#`, which may stand behind blanks only. */
export function withoutComments(lines: readonly TextLine[]): TextLine[] {
  return lines.filter(({ text }) => !/^\s*(?:#|$)/.test(text));
}

export function place({ file, line }: TextLine): string {
  return `${file}:${line}`;
}
