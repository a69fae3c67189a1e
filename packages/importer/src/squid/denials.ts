// Room: how the denials of a model are answered: by their deny_info line, or as Squid does unasked; the pages that come of it, and
// what is told of the lines that had a part in it (SQ-220 to SQ-224).
import type { Denial, DenialPage } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { type DenyAnswer, denyAnswer, unaskedAnswer } from './denyinfo.ts';
import { type ErrorPages, type PageSetting, settingOf, UNASKED } from './errorpages.ts';
import { type Expr, or } from './logic.ts';
import type { DenyInfo, Model } from './model.ts';
import type { PageContext } from './pagecodes.ts';
import type { Resolver } from './resolve.ts';

/** Lists that deny; an answer of `reply` was asked for already. */
export type Denying = 'http' | 'miss' | 'reply';

export type Answers = {
  /** The answer of a denial that goes by this line, or by none. */
  of(info: DenyInfo | undefined, list: Denying): Denial;
  /** Pages that were given as answers, by their names. */
  pages(): Map<string, DenialPage>;
  /** Settles every deny_info line, given where each is obeyed, and the settings that pages tell. */
  remark(fired: ReadonlyMap<DenyInfo, Expr[]>, resolver: Resolver): void;
};

export function createAnswers(model: Model): Answers {
  const { errorPages, denyInfos, ports, logs, version } = model;
  const { keepsQueries } = logs;
  const context: PageContext = {
    pages: errorPages,
    port: ports[0]?.port ?? 0,
    keepsQueries,
    version,
    isBehindProxy: model.followForwarded.length > 0,
  };
  const given = new Map<string, DenialPage>();
  const told = new Set<PageSetting>();
  const enter = ({ page }: DenyAnswer, info: DenyInfo | undefined): void => {
    if (page === undefined) return;
    const from = given.get(page.name)?.from ?? [];
    if (info !== undefined && !from.includes(info.directive.at)) from.push(info.directive.at);
    given.set(page.name, { ...page.page, ...(from.length > 0 && { from }) });
    for (const setting of page.tells) told.add(setting);
    if (errorPages.settings.has('error_directory')) told.add('error_directory');
    else told.add('error_default_language');
  };
  return {
    of: (info, list) => {
      const unasked = list === 'miss' ? UNASKED.miss : UNASKED.access;
      const answer = info === undefined ? unaskedAnswer(unasked, context) : denyAnswer(info.answer, context);
      enter(answer, info);
      return answer.answer;
    },
    pages: () => given,
    remark: (fired, resolver) => {
      for (const info of denyInfos) remarkInfo(info, fired.get(info), denyAnswer(info.answer, context), resolver);
      remarkSettings(model, told, unaskedAnswer(UNASKED.access, context));
    },
  };
}

function remarkInfo(info: DenyInfo, denials: Expr[] | undefined, answer: DenyAnswer, resolver: Resolver): void {
  const { directive, acls } = info;
  if (denials === undefined) {
    const message = `can never apply: no denial asks ${acls.join(' or ')} last`;
    remark(directive.entry, 'irrelevant', 'SQUID_DENY_INFO_NEVER', message);
    return;
  }
  const message = `denials by ${acls.join(', ')} ${printAnswer(answer)}`;
  if (answer.exact || answer.alike) remark(directive.entry, 'translated', 'SQUID_CARRIED', message);
  if (answer.exact) return;
  const { difference, hint, alike } = answer;
  const concerns = resolver.condition(or(denials));
  remark(directive.entry, alike ? 'approximated' : 'untranslated', 'SQUID_DENY_INFO', difference, { hint, concerns });
}

function printAnswer({ answer, page }: DenyAnswer): string {
  if (typeof answer === 'string') return answer === 'reset' ? 'reset the connection' : 'are answered 403';
  if ('redirect' in answer) return `are redirected to ${answer.redirect}`;
  const shown = page === undefined ? '' : ` with the page ${page.page.file}`;
  return `are answered ${answer.status ?? 403}${shown}`;
}

/** What becomes of the settings of pages: told in a page, or of no concern. */
function remarkSettings({ errorPages }: Model, told: ReadonlySet<PageSetting>, unasked: DenyAnswer): void {
  const { settings } = errorPages;
  for (const [name, { entry }] of settings) {
    if (name === 'error_directory') remarkDirectory(errorPages, unasked);
    else if (told.has(name)) remark(entry, 'translated', 'SQUID_CARRIED', 'goes into pages of denials');
    else remark(entry, 'irrelevant', 'SQUID_OPERATION', UNTOLD);
  }
}

const UNTOLD = 'says how Squid runs as a process or presents itself; nothing of it is needed';

/** A folder of pages for every error: denials have theirs, all else is told in a sentence. */
function remarkDirectory({ settings, lacksFolder }: ErrorPages, unasked: DenyAnswer): void {
  const entry = settings.get('error_directory')?.entry;
  if (entry === undefined) return;
  const folder = settingOf(settings, 'error_directory');
  if (lacksFolder) {
    const message = `there is no folder ${folder} here, without which Squid does not start; denials are told in one sentence of Outrigger's own`;
    remark(entry, 'untranslated', 'SQUID_ERROR_PAGE', message, { hint: 'Import again where the pages are.' });
    return;
  }
  const others = 'pages of other errors are not shown: Outrigger tells those in one sentence of its own';
  if (unasked.page === undefined) {
    const message = `there is no ${UNASKED.access} in ${folder}: denials that no deny_info line speaks for are told in one sentence; ${others}`;
    remark(entry, 'approximated', 'SQUID_ERROR_PAGE', message, { hint: 'Import again where the pages are.' });
    return;
  }
  const differs = unasked.exact ? '' : `, and ${unasked.difference}`;
  const message = `denials show ${unasked.page.page.file}${differs}; ${others}`;
  remark(entry, 'approximated', 'SQUID_ERROR_PAGE', message, { severity: 'note', concerns: {} });
}
