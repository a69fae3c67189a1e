// Room: files that are no squid.conf though they hold one, said once for the file: its lines fail one by one for a reason they
// share (foreign.ts).
import type { ImportCode } from '../codes.ts';
import type { LedgerEntry } from '../ledger.ts';

const KINDS: readonly { code: ImportCode; what: string; remedy: string }[] = [
  {
    code: 'SQUID_TEMPLATE',
    what: 'is a template, not a config',
    remedy: 'Import the file that it is turned into.',
  },
  {
    code: 'SQUID_PASTED',
    what: 'was copied together with what stood around the config',
    remedy: 'Copy the text of the config alone, and import that.',
  },
];

/** Lines named as examples: enough to find the place. */
const NAMED_MAX = 3;

/** A sentence for each file that is something else in truth, with places and the remedy. */
export function aboutFiles(ledger: readonly LedgerEntry[]): string[] {
  const files = [...new Set(ledger.map(({ at }) => at.file))];
  return KINDS.flatMap(({ code, what, remedy }) =>
    files.flatMap((file) => {
      const entries = ledger.filter(
        ({ at, remarks }) => at.file === file && remarks.some((each) => each.code === code),
      );
      if (entries.length === 0) return [];
      const named = entries.slice(0, NAMED_MAX).map(({ at }) => at.line);
      const more = entries.length > NAMED_MAX ? ` and ${entries.length - NAMED_MAX} more` : '';
      return `${file} ${what} (line${entries.length === 1 ? '' : 's'} ${named.join(', ')}${more}). ${remedy}`;
    }),
  );
}
