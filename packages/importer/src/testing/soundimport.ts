// Room: what must hold of every import, however odd its files, and how long one took; for tests that mutate files by the thousand.
import { compileRules, dumpRules, loadRules, type RuleSet } from '@outrigger/rules';
import { meaning } from '@outrigger/rules/testing';
import { expect } from 'vitest';
import { reportJson, reportText, type Translation } from '../index.ts';

/** Reports in every format, and holds ledger and rules to what they promise. `ledgerErrors`: what a count apart from the importer found. */
export function expectSound(translation: Translation, ledgerErrors: readonly string[]): void {
  const text = reportText(translation);
  const { summary } = JSON.parse(reportJson(translation)) as { summary: { directives: number } };
  const counts = /^\d+ directives?\b/m.exec(text)?.[0] ?? '';
  if (!counts.startsWith(`${summary.directives} `)) throw new Error(`the reports count otherwise: ${counts}`);
  if (ledgerErrors.length > 0) throw new Error(ledgerErrors.join('\n'));
  const { rules } = translation;
  if (rules === undefined) return;
  compileRules(expectLoadsAgain(rules, dumpRules(rules)));
}

/** Loads the text of rules, without a fault and to the same meaning. */
export function expectLoadsAgain(rules: RuleSet, text: string): RuleSet {
  const { rules: loaded, diagnostics } = loadRules(text, 'outrigger.yaml');
  const wrong = diagnostics.filter(({ severity }) => severity === 'error');
  if (loaded === undefined || wrong.length > 0) throw new Error(`rules that do not load: ${JSON.stringify(wrong)}`);
  expect(meaning(loaded)).toEqual(meaning(rules));
  return loaded;
}

/** Each listener, upstream, access line and route names the line it came from. */
export function expectProvenance({ listen, upstreams, access, routes }: RuleSet): void {
  for (const item of [...listen, ...upstreams.values(), ...access, ...routes]) {
    expect(item.from?.length).toBeGreaterThan(0);
  }
}

/** Milliseconds of processor time that `work` took. */
export function processorTime(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}
