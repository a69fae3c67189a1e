// Room: what must hold of every import, however odd its files, and how long one took; for tests that mutate files by the thousand.
import { compileRules, dumpRules, loadRules } from '@outrigger/rules';
import { expect } from 'vitest';
import { reportJson, reportText, type Translation } from '../index.ts';
import { withoutPlaces } from './goldencase.ts';

/** Reports in every format, and holds ledger and rules to what they promise. `ledgerErrors`: what a count apart from the importer found. */
export function expectSound(translation: Translation, ledgerErrors: readonly string[]): void {
  const text = reportText(translation);
  const { summary } = JSON.parse(reportJson(translation)) as { summary: { directives: number } };
  if (!text.startsWith(`${summary.directives} directive`))
    throw new Error(`the reports count otherwise: ${text.slice(0, 80)}`);
  if (ledgerErrors.length > 0) throw new Error(ledgerErrors.join('\n'));
  const { rules } = translation;
  if (rules === undefined) return;
  const written = dumpRules(rules);
  const loaded = loadRules(written, 'outrigger.yaml');
  const wrong = loaded.diagnostics.filter(({ severity }) => severity === 'error');
  if (loaded.rules === undefined || wrong.length > 0)
    throw new Error(`rules that do not load: ${JSON.stringify(wrong)}`);
  expect(withoutPlaces(loaded.rules)).toEqual(withoutPlaces(rules));
  compileRules(loaded.rules);
}

/** Milliseconds of processor time that `work` took. */
export function processorTime(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}
