// Room: what pages can get wrong: names nobody gave, pages nobody shows, fillings that cannot be filled in.
import type { Report } from './check.ts';
import { fillingError } from './page.ts';
import type { RuleSet } from './schema.ts';
import { suggestion } from './suggest.ts';

/** Findings about the pages of a rule set and the answers that name them. */
export function checkPages({ pages = new Map(), access }: RuleSet, report: Report): void {
  const shown = new Set<string>();
  access.forEach(({ answer }, index) => {
    if (typeof answer === 'string' || !('page' in answer)) return;
    shown.add(answer.page);
    if (pages.has(answer.page)) return;
    const message = `there is no page ${answer.page}`;
    report(
      'error',
      'RULES_UNKNOWN_PAGE',
      ['access', index, 'answer'],
      message,
      suggestion(answer.page, [...pages.keys()]),
    );
  });
  for (const [name, { fill = {} }] of pages) {
    if (!shown.has(name)) report('warning', 'RULES_UNUSED_PAGE', ['pages', name], `no answer shows the page ${name}`);
    for (const [mark, filling] of Object.entries(fill)) {
      const wrong = typeof filling === 'string' ? fillingError(filling) : undefined;
      if (wrong !== undefined) report('error', 'RULES_BAD_PAGE', ['pages', name, 'fill', mark], wrong);
    }
  }
}
