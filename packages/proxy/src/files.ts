// Room: the files that rules name, read as the start would read them, so that trouble is known before a port changes hands.
import { readFileSync } from 'node:fs';
import type { RuleSet } from '@outrigger/rules';
import { prepareListeners } from './generation.ts';
import { loadPages } from './pages.ts';
import type { PemReader, ReadFile } from './pem.ts';
import type { StartCode, StartNoticeCode } from './start.ts';
import { createDiallers } from './upstream.ts';

/** `error`: the start would fail for it. `message` is a finding and its remedy. */
export type FileFinding = { severity: 'error' | 'warning'; code: StartCode | StartNoticeCode; message: string };

/**
 * Reads every certificate, key, passphrase, authority and page that `rules` name, as the user of this process, and says what is wrong with
 * them: unreadable, an encrypted key without its passphrase, a key of another certificate, out of date. Opens no socket. `now`: milliseconds
 * since 1970.
 */
export function checkFiles(rules: RuleSet, readFile: ReadFile = readFileSync, now = Date.now()): FileFinding[] {
  const findings: FileFinding[] = [];
  const reader: PemReader = {
    readFile,
    now,
    warn: (finding) => void findings.push({ severity: 'warning', ...finding }),
  };
  const { problems } = prepareListeners(rules.listen, reader);
  const dialling = createDiallers(
    rules,
    reader,
    () => now,
    () => {},
  );
  if (dialling.kind === 'bad') problems.push(...dialling.problems);
  problems.push(...loadPages(rules, reader).problems);
  return [...problems.map((problem) => ({ severity: 'error', ...problem }) as const), ...findings];
}
