// Room: time acls: letters for days, and ranges of hours by the local clock. Source: acl/TimeData.cc ACLTimeData::parse and match
// (SQ-69).
import { formatMinute, type TimeCondition, WEEKDAYS } from '@outrigger/rules';
import type { AclValue } from './acl.ts';
import { type Meaning, meant, type ValueNote } from './meaning.ts';

type Weekday = (typeof WEEKDAYS)[number];

const WORKDAYS: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri'];

/** Capitals alone: any other letter is complained of in the log, and left out. */
const LETTERS: Readonly<Record<string, readonly Weekday[]>> = {
  S: ['sun'],
  M: ['mon'],
  T: ['tue'],
  W: ['wed'],
  H: ['thu'],
  F: ['fri'],
  A: ['sat'],
  D: WORKDAYS,
  // Squid prints one for each day left out, and so takes it.
  '-': [],
};

/** Numbers as sscanf(3) reads them: one digit or more, a sign before all but the first, and anything behind the last. */
const RANGE = /^(\d+):([+-]?\d+)-([+-]?\d+):([+-]?\d+)/;
const LAST_MINUTE = 24 * 60 - 1;

/** Days count for the range behind them and for no other; those that stand last, for the whole day. */
export function times(values: readonly AclValue[]): Meaning {
  const notes: ValueNote[] = [];
  const found: TimeCondition[] = [];
  let days = new Set<Weekday>();
  for (const [index, { text }] of values.entries()) {
    if (index === 0 && /^[+-]/.test(text))
      return refused(`${text} is taken for an option, and an acl of type time has none`);
    if (!/^\d/.test(text)) {
      for (const letter of text) for (const day of LETTERS[letter] ?? []) days.add(day);
      notes.push(...dayNotes(text));
      continue;
    }
    const range = readRange(text);
    if (typeof range === 'string') return refused(range);
    if (range.last === 0 && days.size === 0)
      return { kind: 'inexpressible', reason: `Squid forgets ${text} where another range follows`, notes };
    found.push(condition(days, range));
    days = new Set();
  }
  if (days.size > 0) found.push(condition(days, { first: 0, last: LAST_MINUTE }));
  if (found.length === 0) return { kind: 'never', notes };
  return found.some((each) => Object.keys(each).length === 0)
    ? { kind: 'always', notes }
    : meant({ time: found }, notes);
}

type Minutes = { first: number; last: number };

/** Both minutes belong to the range. Text says why Squid refuses it. */
function readRange(text: string): Minutes | string {
  const [h1, m1, h2, m2] = (RANGE.exec(text) ?? []).slice(1).map(Number);
  if (h1 === undefined || m1 === undefined || h2 === undefined || m2 === undefined) {
    return `${text} is no range of hours, which is written 09:00-17:00`;
  }
  const isTime = (hour: number, minute: number): boolean => hour >= 0 && hour < 24 && minute >= 0 && minute < 60;
  if (!isTime(h1, m1) || !(isTime(h2, m2) || (h2 === 24 && m2 === 0))) return `${text} names an hour that no day has`;
  const [first, last] = [h1 * 60 + m1, h2 * 60 + m2];
  return first > last ? `${text} ends before it begins: a night is two ranges` : { first, last };
}

/** Only what narrows: no days are all days. */
function condition(days: ReadonlySet<Weekday>, { first, last }: Minutes): TimeCondition {
  const named = days.size % WEEKDAYS.length > 0 ? [...WEEKDAYS].filter((day) => days.has(day)) : undefined;
  return {
    ...(named !== undefined && { days: named }),
    ...(first > 0 && { from: formatMinute(first) }),
    ...(last < LAST_MINUTE && { to: formatMinute(last) }),
  };
}

function refused(reason: string): Meaning {
  const message = `${reason}: Squid does not start`;
  return {
    kind: 'inexpressible',
    reason: 'Squid does not start with it',
    notes: [{ code: 'SQUID_ACL_BAD', message, grave: true }],
  };
}

function dayNotes(text: string): ValueNote[] {
  const strange = [...text].filter((letter) => LETTERS[letter] === undefined);
  const hint = 'Days are S M T W H F A from Sunday on, in capitals, and D is Monday to Friday.';
  if (strange.length > 0) {
    const message = `${strange.join(', ')} of ${text} is no day to Squid, which leaves it out; hours behind no day at all count for every day`;
    return [{ code: 'SQUID_ACL_BAD', message, hint }];
  }
  if (!/^[A-Z]-[A-Z]$/.test(text)) return [];
  return [{ code: 'SQUID_ACL_BAD', message: `${text} is two days to Squid, and not those between them`, hint }];
}
