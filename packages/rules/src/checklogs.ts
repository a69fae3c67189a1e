// Room: what access logs in a rules file can get wrong: formats that cannot be filled in, secrets that would be told.
import type { Report } from './check.ts';
import { checkCondition } from './checkcondition.ts';
import { logFormatError, secretsOfFormat } from './logformat.ts';
import type { RuleSet } from './schema.ts';

/** Findings about access logs. */
export function checkLogs(rules: RuleSet, report: Report): void {
  rules.accessLog?.forEach(({ format, when }, index) => {
    const path = ['accessLog', index] as const;
    if (when !== undefined) checkCondition(when, [...path, 'when'], rules, report);
    const wrong = logFormatError(format);
    if (wrong !== undefined) report('error', 'RULES_BAD_LOG', [...path, 'format'], wrong);
    for (const written of secretsOfFormat(format)) {
      const message = `${written} lets somebody in, and is written as -`;
      report('warning', 'RULES_LOG_SECRET', [...path, 'format'], message, 'Leave it out.');
    }
  });
}
