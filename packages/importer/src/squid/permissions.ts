// Room: http_access and the lists asked after it, as access lines. Each line of Squid is one line here; what Squid does behind
// the last one is written out. A line that cannot be said exactly may only ever let less through (SQ-34 to SQ-41, SQ-220 to SQ-225).
import type { AccessLine, Condition, Denial, SourceRef } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { printTerms, type SquidAccessLine } from './access.ts';
import { isGroupType } from './acltypes.ts';
import { denyAnswer } from './denyinfo.ts';
import { ALWAYS, allowedBy, and, atomsOf, type Expr, isNever, least, most, NEVER, not, occurs, or } from './logic.ts';
import type { DenyInfo, Model } from './model.ts';
import { type Resolver, unclearAtom } from './resolve.ts';

type Writing = {
  model: Model;
  resolver: Resolver;
  lines: AccessLine[];
  /** Conditions written so far: what they cover, no later line sees. */
  covered: Expr[];
  /** deny_info lines that some denial obeys. */
  fired: Map<DenyInfo, Expr[]>;
  /** A line lost what cannot be said, and less is let through for it. */
  narrowed: boolean;
};

/** Access lines for the whole of a model; also settles its deny_info lines. */
export function writeAccess(model: Model, resolver: Resolver): { lines: AccessLine[]; narrowed: boolean } {
  const writing: Writing = { model, resolver, lines: [], covered: [], fired: new Map(), narrowed: false };
  for (const lines of [model.lists.adapted, model.lists.miss]) writeLaterDenials(lines, writing);
  if (asksOnlyOfRequests(model, resolver)) writeLaterDenials(model.lists.reply, writing);
  if (model.lists.http.length === 0) {
    writing.lines.push({ action: 'deny', when: {}, answer: 'forbidden', from: [fileOf(model)] });
  }
  for (const line of model.lists.http) writeLine(line, writing);
  writeImplied(writing);
  remarkDenyInfos(writing);
  return { lines: writing.lines, narrowed: writing.narrowed };
}

/** Whether http_reply_access looks at nothing of the reply: then it can be decided before there is one (SQ-226). */
export function asksOnlyOfRequests({ lists }: Model, resolver: Resolver): boolean {
  return lists.reply.every((line) => unclearAtom(line, resolver, clearIn(line, resolver)) === undefined);
}

/** A list asked after http_access (miss_access) only ever takes away, and denies with 403 too: its denials may stand in front. */
function writeLaterDenials(lines: readonly SquidAccessLine[], writing: Writing): void {
  const { model, resolver } = writing;
  const allowed: Expr[] = [];
  const http = model.lists.http.map((line) => ({ action: line.action, when: resolver.lineOf(line) }));
  const letIn = http.length === 0 ? NEVER : most(allowedBy(http), resolver.isKnown);
  for (const line of lines) {
    const expr = resolver.lineOf(line);
    if (line.action === 'allow') {
      allowed.push(least(expr, clearIn(line, resolver)));
      remark(
        line.directive.entry,
        'translated',
        'SQUID_CARRIED',
        'takes nothing away: what http_access allows stays allowed',
      );
      continue;
    }
    const when = and([most(expr, clearIn(line, resolver)), ...allowed.map(not)]);
    if (isNever(and([when, letIn]))) {
      remark(line.directive.entry, 'translated', 'SQUID_CARRIED', 'takes nothing away: http_access denies the same');
      continue;
    }
    const number = write('deny', when, line, writing);
    if (number !== undefined)
      remark(
        line.directive.entry,
        'translated',
        'SQUID_CARRIED',
        `access line ${number}: deny ${printTerms(line.terms)}, before what http_access allows`,
      );
    if (unclearAtom(line, resolver, clearIn(line, resolver)) === undefined) continue;
    writing.narrowed = true;
    remarkWidened(line, when, resolver);
  }
  const last = lines.at(-1);
  if (last?.action !== 'allow') return;
  const rest = and(allowed.map(not));
  if (isNever(and([rest, letIn, ...writing.covered.map(not)]))) return;
  push('deny', rest, 'forbidden', impliedBy(last), writing);
}

/** Atoms a line can say: those that are known, and those said nearly where they take away, not where they let in. */
function clearIn(line: SquidAccessLine, resolver: Resolver): (name: string) => boolean {
  const expr = resolver.lineOf(line);
  const takesAway = (name: string): boolean => !occurs(expr, name, line.action === 'allow');
  return (name) => resolver.isKnown(name) || (resolver.isSayable(name) && takesAway(name));
}

function writeLine(line: SquidAccessLine, writing: Writing): void {
  const { resolver } = writing;
  const { entry } = line.directive;
  const expr = resolver.lineOf(line);
  const isExact = unclearAtom(line, resolver, clearIn(line, resolver)) === undefined;
  if (!isExact) writing.narrowed = true;
  const isClear = clearIn(line, resolver);
  const when = line.action === 'allow' ? least(expr, isClear) : most(expr, isClear);
  if (!isExact && line.action === 'allow') {
    remark(
      entry,
      'untranslated',
      'SQUID_ALLOW_LEFT_OUT',
      `${unclearIn(line, resolver)}, so what only this line allows is not allowed`,
      {
        hint: 'Write an access line by hand that allows what was meant.',
        concerns: concernOf(line, resolver),
      },
    );
  }
  // An allow line of which nothing is sure has been remarked on already.
  const number = !isExact && when.kind === 'never' ? undefined : write(line.action, when, line, writing);
  if (!isExact && line.action === 'deny') remarkWidened(line, when, resolver);
  if (number !== undefined && isExact) {
    remark(entry, 'translated', 'SQUID_CARRIED', `access line ${number}: ${line.action} ${printTerms(line.terms)}`);
  }
}

/** Writes a line unless no request can reach it; its number from 1, or undefined. */
function write(action: 'allow' | 'deny', when: Expr, line: SquidAccessLine, writing: Writing): number | undefined {
  const { entry } = line.directive;
  if (when.kind === 'never') {
    remark(
      entry,
      'translated',
      'SQUID_NEVER_MATCHES',
      'can never match, and is left out: one of its acls holds for no request',
    );
    return undefined;
  }
  if (isNever(and([when, ...writing.covered.map(not)]))) {
    remark(
      entry,
      'irrelevant',
      'SQUID_NEVER_MATCHES',
      'can never match: the lines before it decide over every request',
      {
        severity: 'warning',
        hint: 'If it was meant to count, move it up.',
      },
    );
    return undefined;
  }
  for (const name of atomsOf(when)) {
    const difference = writing.resolver.approximationOf(name);
    if (difference === undefined) continue;
    remark(
      entry,
      'approximated',
      'SQUID_ACL_APPROXIMATED',
      `${writing.resolver.nameOf(name)} is said nearly: ${difference}`,
    );
  }
  const answer = action === 'deny' ? answerOf(line, when, writing) : 'forbidden';
  return push(action, when, answer, line.directive.at, writing);
}

function push(
  action: 'allow' | 'deny',
  when: Expr,
  answer: AccessLine['answer'],
  from: SourceRef,
  writing: Writing,
): number {
  writing.covered.push(when);
  return writing.lines.push({ action, when: writing.resolver.condition(when), answer, from: [from] });
}

/** Behind the last line stands its opposite, written out: the rules file would deny in either case (SQ-34, SQ-35). */
function writeImplied(writing: Writing): void {
  const last = writing.model.lists.http.at(-1);
  if (last === undefined || isNever(and(writing.covered.map(not)))) return;
  const action = last.action === 'deny' ? 'allow' : 'deny';
  remark(
    last.directive.entry,
    'translated',
    'SQUID_ACCESS_IMPLIED',
    `behind it Squid does the opposite for all the rest; written out as ${action}: {}`,
  );
  push(action, ALWAYS, 'forbidden', impliedBy(last), writing);
}

function impliedBy({ directive }: SquidAccessLine): SourceRef {
  return { ...directive.at, directive: `${directive.at.directive} (its opposite, for the rest)` };
}

function fileOf(model: Model): SourceRef {
  const first = model.ports[0]?.directive.at ?? model.peers[0]?.directive.at;
  return { file: first?.file ?? '', line: 1, directive: '(no http_access line: Squid denies everything)' };
}

/** deny_info goes by the last acl evaluated, which on a line that denies is the last one written (SQ-221). */
function answerOf(line: SquidAccessLine, when: Expr, { model, fired }: Writing): AccessLine['answer'] {
  const last = line.terms.at(-1);
  const acl = model.acls.get(last?.acl ?? '');
  const info = model.denyInfos.find(({ acls }) => acl !== undefined && acls.includes(acl.name));
  if (info === undefined || acl === undefined) return 'forbidden';
  fired.set(info, [...(fired.get(info) ?? []), when]);
  if (isGroupType(acl.type)) {
    remark(
      info.directive.entry,
      'untranslated',
      'SQUID_DENY_INFO',
      `${acl.name} is made of other acls, and Squid goes by the one it asked last: denials are answered 403`,
    );
    return 'forbidden';
  }
  return denyAnswer(info.answer).answer;
}

function remarkDenyInfos({ model, fired, resolver }: Writing): void {
  for (const info of model.denyInfos) {
    const { entry } = info.directive;
    const denials = fired.get(info);
    if (denials === undefined) {
      const message = `can never apply: no line that denies ends with ${info.acls.join(' or ')}`;
      remark(entry, 'irrelevant', 'SQUID_DENY_INFO_NEVER', message);
      continue;
    }
    const answer = denyAnswer(info.answer);
    const message = `denials by ${info.acls.join(', ')} ${printAnswer(answer.answer)}`;
    if (answer.exact) remark(entry, 'translated', 'SQUID_CARRIED', message);
    else {
      const { difference, hint } = answer;
      remark(entry, 'untranslated', 'SQUID_DENY_INFO', difference, { hint, concerns: resolver.condition(or(denials)) });
    }
  }
}

function printAnswer(answer: Denial): string {
  if (typeof answer === 'string') return answer === 'reset' ? 'reset the connection' : 'are answered 403';
  return 'redirect' in answer ? `are redirected to ${answer.redirect}` : `are answered ${answer.status}`;
}

function remarkWidened(line: SquidAccessLine, when: Expr, resolver: Resolver): void {
  const message =
    when.kind === 'always'
      ? `${unclearIn(line, resolver)}, so what it would have denied is unknown: from here on everything is denied`
      : `${unclearIn(line, resolver)}, so the line denies whatever its other acls match`;
  remark(line.directive.entry, 'untranslated', 'SQUID_DENY_WIDENED', message, {
    hint: 'Remove the line from the copy you import if you can do without it, or write what was meant by hand.',
    concerns: concernOf(line, resolver),
  });
}

/** Every request that a line may decide over, whatever the acls that cannot be said would say. */
function concernOf(line: SquidAccessLine, resolver: Resolver): Condition {
  return resolver.condition(most(resolver.lineOf(line), clearIn(line, resolver)));
}

function unclearIn(line: SquidAccessLine, resolver: Resolver): string {
  const unclear = unclearAtom(line, resolver, clearIn(line, resolver)) ?? '';
  return `the acl ${resolver.nameOf(unclear)} cannot be said as a rule (${resolver.reasonOf(unclear)})`;
}
