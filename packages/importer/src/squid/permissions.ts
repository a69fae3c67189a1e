// Room: http_access and the lists asked after it, as access lines. Each line of Squid is one line here; what Squid does behind
// the last one is written out. A line that cannot be said exactly may only ever let less through (SQ-34 to SQ-41, SQ-220 to SQ-225).
import type { AccessLine, Condition, Denial, DenialPage, SourceRef } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { printTerms, type SquidAccessLine } from './access.ts';
import { type Answers, createAnswers, type Denying } from './denials.ts';
import { type Asked, lastAsked } from './lastasked.ts';
import { ALWAYS, allowedBy, and, atom, atomsOf, type Expr, isNever, least, most, NEVER, not, or } from './logic.ts';
import type { DenyInfo, Model } from './model.ts';
import { type Resolver, unclearAtom } from './resolve.ts';
import { clearIn, remarkLeftOut, remarkLookups, remarkWidened, sayable } from './sayable.ts';

type Writing = {
  model: Model;
  resolver: Resolver;
  lines: AccessLine[];
  /** Conditions written so far: what they cover, no later line sees. */
  covered: Expr[];
  answers: Answers;
  /** deny_info lines that some denial obeys. */
  fired: Map<DenyInfo, Expr[]>;
  /** A line lost what cannot be said, and less is let through for it. */
  narrowed: boolean;
};

/** Access lines for the whole of a model; also settles its deny_info lines. */
export function writeAccess(
  model: Model,
  resolver: Resolver,
): { lines: AccessLine[]; pages: Map<string, DenialPage>; narrowed: boolean } {
  const answers = createAnswers(model);
  const writing: Writing = { model, resolver, lines: [], covered: [], answers, fired: new Map(), narrowed: false };
  for (const lines of [model.lists.adapted, model.lists.miss]) writeLaterDenials(lines, writing);
  if (asksOnlyOfRequests(model, resolver)) writeLaterDenials(model.lists.reply, writing);
  if (model.lists.http.length === 0) {
    pushDenials(ALWAYS, [{ acl: 'all', when: ALWAYS }], fileOf(model), writing);
  }
  for (const line of model.lists.http) writeLine(line, writing);
  writeImplied(writing);
  answers.remark(writing.fired, resolver);
  return { lines: writing.lines, pages: answers.pages(), narrowed: writing.narrowed };
}

/** Whether http_reply_access looks at nothing of the reply: then it can be decided before there is one (SQ-226). */
export function asksOnlyOfRequests({ lists }: Model, resolver: Resolver): boolean {
  return lists.reply.every((line) => unclearAtom(line, resolver, clearIn(line, resolver)) === undefined);
}

/** A list asked after http_access (miss_access) only ever takes away, and denies with 403 too: its denials may stand in front. */
function writeLaterDenials(lines: readonly SquidAccessLine[], writing: Writing): void {
  const { model, resolver } = writing;
  const allowed: Expr[] = [];
  const http = model.lists.http.map((line) => ({ action: line.action, when: sayable(line, resolver) }));
  const letIn = http.length === 0 ? NEVER : allowedBy(http);
  // Where answers differ, what http_access denies keeps its own.
  const concerned = model.denyInfos.length > 0 ? letIn : ALWAYS;
  for (const line of lines) {
    const expr = resolver.accessOf(line);
    if (line.action === 'allow') {
      const sure = least(expr, clearIn(line, resolver));
      allowed.push(sure);
      remarkLookups(line, sure, resolver);
      const mayHold = most(expr, clearIn(line, resolver)).kind !== 'never';
      if (mayHold && unclearAtom(line, resolver, clearIn(line, resolver)) !== undefined) {
        writing.narrowed = true;
        remarkLeftOut(line, resolver);
        continue;
      }
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
    const number = write('deny', and([when, concerned]), line, writing);
    remarkLookups(line, when, resolver);
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
  pushDenials(and([rest, concerned]), askedBy(last, false, writing), impliedBy(last), writing, listOf(last, writing));
}

function writeLine(line: SquidAccessLine, writing: Writing): void {
  const { resolver } = writing;
  const { entry } = line.directive;
  const isExact = unclearAtom(line, resolver, clearIn(line, resolver)) === undefined;
  if (!isExact && most(resolver.accessOf(line), clearIn(line, resolver)).kind === 'never') {
    write(line.action, NEVER, line, writing);
    return;
  }
  if (!isExact) writing.narrowed = true;
  const when = sayable(line, resolver);
  if (!isExact && line.action === 'allow') remarkLeftOut(line, resolver);
  // An allow line of which nothing is sure has been remarked on already.
  const number = !isExact && when.kind === 'never' ? undefined : write(line.action, when, line, writing);
  if (!isExact && line.action === 'deny') remarkWidened(line, when, resolver);
  if (number !== undefined) remarkLookups(line, when, resolver);
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
      { concerns: writing.resolver.condition(atom(name)) },
    );
  }
  if (action === 'allow') return push('allow', when, 'forbidden', line.directive.at, writing);
  const asked = askedBy(line, true, writing);
  return pushDenials(when, asked, line.directive.at, writing, listOf(line, writing));
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
  if (action === 'allow') push('allow', ALWAYS, 'forbidden', impliedBy(last), writing);
  else pushDenials(ALWAYS, askedBy(last, false, writing), impliedBy(last), writing);
}

/** Which of the lists that deny a line is of. */
function listOf(line: SquidAccessLine, { model: { lists } }: Writing): Denying {
  return lists.reply.includes(line) ? 'reply' : lists.miss.includes(line) ? 'miss' : 'http';
}

function impliedBy({ directive }: SquidAccessLine): SourceRef {
  return { ...directive.at, directive: `${directive.at.directive} (its opposite, for the rest)` };
}

function fileOf(model: Model): SourceRef {
  const first = model.ports[0]?.directive.at ?? model.peers[0]?.directive.at;
  return { file: first?.file ?? '', line: 1, directive: '(no http_access line: Squid denies everything)' };
}

/**
 * Writes a denial as one line for each answer it is given: deny_info goes by the acl that Squid asked last. What decides over that
 * and cannot be said is answered 403. The number of the first line.
 */
function pushDenials(
  when: Expr,
  asked: Asked[] | undefined,
  from: SourceRef,
  writing: Writing,
  list: Denying = 'http',
): number {
  const { model, resolver, covered, answers: given, fired } = writing;
  const infoOf = ({ acl }: Asked): DenyInfo | undefined => {
    const info = model.denyInfos.find(({ acls }) => acls.includes(model.acls.get(acl)?.name ?? ''));
    // An answer that is kept back gives way to any page, and to a plain one in place of a reset.
    return list === 'reply' && info?.answer === 'TCP_RESET' ? undefined : info;
  };
  const possible = asked?.filter(
    (each, index) =>
      !isNever(and([when, each.when, ...asked.slice(0, index).map((before) => not(before.when)), ...covered.map(not)])),
  );
  const isClear = possible?.every(({ when: part }) => atomsOf(part).every(resolver.isKnown)) ?? false;
  const cases = (possible ?? []).map((each) => ({ when: and([when, each.when]), info: infoOf(each) }));
  if (!isClear || cases.every(({ info }) => info === undefined)) {
    if (!isClear) for (const { info } of cases) if (info !== undefined) remarkUnclear(info, resolver.condition(when));
    return push('deny', when, given.of(undefined, list), from, writing);
  }
  const answers: { when: Expr; answer: Denial }[] = [];
  for (const { when: part, info } of cases) {
    if (info !== undefined) fired.set(info, [...(fired.get(info) ?? []), part]);
    const answer = given.of(info, list);
    const before = answers.at(-1);
    if (JSON.stringify(before?.answer) === JSON.stringify(answer) && before !== undefined)
      before.when = or([before.when, part]);
    else answers.push({ when: part, answer });
  }
  // First match wins: what the cases before the last one have left is the last one's.
  const numbers = answers.map((each, index) =>
    push('deny', index === answers.length - 1 ? when : each.when, each.answer, from, writing),
  );
  return numbers[0] ?? writing.lines.length;
}

function remarkUnclear({ directive, acls }: DenyInfo, concerns: Condition): void {
  const message = `which denials ${acls.join(' or ')} decides over cannot be said as a rule: they are answered 403`;
  remark(directive.entry, 'untranslated', 'SQUID_DENY_INFO', message, { concerns });
}

function askedBy(line: SquidAccessLine, holds: boolean, { model, resolver }: Writing): Asked[] | undefined {
  return lastAsked(line.terms, holds, { acls: model.acls, exprOf: resolver.exprOf });
}
