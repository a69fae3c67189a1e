// Room: a rules file on disk, read once and told about in a person's words.
import { readFileSync } from 'node:fs';
import { type Diagnostic, formatDiagnostic, type LoadResult, loadRules } from '@outrigger/rules';
import type { Terminal } from './terminal.ts';

/** Something the person can mend: printed as it is, without a stack, and the command ends with 1. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** Reads and loads a rules file. Throws a UsageError where it cannot be read; findings are values. */
export function readRules(file: string): LoadResult {
  return loadRules(readText(file), file);
}

/** The text of a file the person named; a UsageError says what is wrong with it. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file}: cannot be read: ${reasonOf(error)}`);
  }
}

/** Why the system refused a file, in words where the number is a common one. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const words: Record<string, string> = {
    ENOENT: 'there is no such file or folder',
    EACCES: 'permission denied',
    EISDIR: 'it is a folder',
    ENOSPC: 'the disk is full',
    EROFS: 'the file system is read-only',
  };
  return words[code ?? ''] ?? message;
}

/** Prints findings one a line on stderr, the severity in colour on a terminal. */
export function printDiagnostics(diagnostics: readonly Diagnostic[], terminal: Terminal): void {
  const style = { error: 'red', warning: 'yellow', note: 'cyan' } as const;
  for (const diagnostic of diagnostics) {
    const { severity } = diagnostic;
    terminal.err(
      `${formatDiagnostic(diagnostic).replace(`${severity}:`, terminal.paint(style[severity], `${severity}:`))}\n`,
    );
  }
}
