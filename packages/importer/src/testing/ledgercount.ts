// Room: does a ledger add up? Directives counted without the importer: by the text of each file alone, once for each time the
// ledger says it was read.
import type { SourceRef } from '@outrigger/rules';
import type { Translation } from '../index.ts';

/** Bytes of a physical line that Squid reads at once (SQ-11). */
const READ_AT_ONCE = 8_191;

/** Lines of a squid.conf that begin a directive: neither blank nor comment, nor behind a line that ends in a backslash. */
export function countDirectives(text: string): number {
  const lines = text
    .split('\n')
    .flatMap((line) => line.match(new RegExp(`.{1,${READ_AT_ONCE}}`, 'gs')) ?? [])
    .map((line) => line.replace(/[\r\0].*/s, '').replace(/^[ \t\v\f]+/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'));
  return lines.filter((_, index) => !lines[index - 1]?.endsWith('\\')).length;
}

/** Entries that no disposition accounts for, or that nothing is said about, as sentences. Holds for a config of any kind. */
export function dispositionErrors({ ledger, summary }: Translation): string[] {
  const { irrelevant, translated, approximated, untranslated, unknown, malformed } = summary;
  const sum = irrelevant + translated + approximated + untranslated + unknown + malformed;
  const errors: string[] = [];
  if (sum !== ledger.length || summary.directives !== ledger.length)
    errors.push(`${sum} dispositions, ${summary.directives} directives, ${ledger.length} entries`);
  for (const { text, remarks } of ledger) if (remarks.length === 0) errors.push(`nothing is said about: ${text}`);
  return errors;
}

/** What does not add up, as sentences; empty where all does. `files` is what the importer could read. */
export function ledgerErrors(translation: Translation, files: Readonly<Record<string, string>>): string[] {
  const { ledger } = translation;
  const errors = dispositionErrors(translation);

  // The main file, and each file that an include says it read, must have its directives entered at that place.
  const expected = new Map([['squid.conf', countDirectives(files['squid.conf'] ?? '')]]);
  const entered = new Map<string, number>();
  const add = (counts: Map<string, number>, key: string, count: number): void => {
    if (count > 0) counts.set(key, (counts.get(key) ?? 0) + count);
  };
  for (const { at, remarks } of ledger) {
    add(entered, keyOf(at), 1);
    for (const { code, message } of remarks) {
      const file = code === 'SQUID_CONTROL' ? /^read (.*)$/s.exec(message)?.[1] : undefined;
      if (file !== undefined)
        add(expected, keyOf({ file, line: 1, directive: '', via: at }), countDirectives(files[file] ?? ''));
    }
  }
  for (const key of new Set([...expected.keys(), ...entered.keys()])) {
    const [wanted, found] = [expected.get(key) ?? 0, entered.get(key) ?? 0];
    if (wanted !== found) errors.push(`${key}: ${wanted} directives, ${found} entries`);
  }
  return errors;
}

/** One reading of a file: its name, and the includes that led there. */
export function keyOf({ file, via }: SourceRef): string {
  return via === undefined ? file : `${keyOf(via)}:${via.line} ${file}`;
}
