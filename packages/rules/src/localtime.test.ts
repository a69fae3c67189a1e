import { describe, expect, it } from 'vitest';
import { formatLocalTime, localTimeOf, parseLocalTime } from './localtime.ts';
import { compileRules, route } from './route.ts';
import { factsOf, findings, load, rulesText } from './testing/rules.ts';

describe('a moment', () => {
  it('is read from the clock of the time zone at hand', () => {
    const date = new Date(2026, 10, 25, 9, 5, 59);
    expect(localTimeOf(date)).toEqual({ day: 'wed', minute: 545 });
    expect(formatLocalTime(localTimeOf(date))).toBe('wed 09:05');
  });

  it.each(['mon 00:00', 'sat 23:59'])('%s is read as it is printed', (text) => {
    const time = parseLocalTime(text);
    expect(time && formatLocalTime(time)).toBe(text);
  });

  it.each(['', 'mon', '09:00', 'mon 24:00', 'mon 9:60', 'Monday 09:00', 'mon 09:00 x'])('"%s" is none', (text) => {
    expect(parseLocalTime(text)).toBeUndefined();
  });
});

describe('a condition on time', () => {
  const accessAt = (access: string, at: string): string => {
    const rules = load(rulesText({ access: `[{ allow: { time: ${access} } }]` }));
    const time = parseLocalTime(at);
    if (time === undefined) throw new Error(`not a time: ${at}`);
    return route(compileRules(rules), factsOf(rules, { time })).access;
  };

  it.each([
    ['{ from: 09:00, to: 17:00 }', 'mon 08:59', 'deny'],
    ['{ from: 09:00, to: 17:00 }', 'mon 09:00', 'allow'],
    ['{ from: 9:00, to: 17:00 }', 'mon 17:00', 'allow'],
    ['{ from: 09:00, to: 17:00 }', 'mon 17:01', 'deny'],
    ['{ days: [mon, fri] }', 'fri 23:59', 'allow'],
    ['{ days: [mon, fri] }', 'thu 12:00', 'deny'],
    ['{ days: sun, to: 12:00 }', 'sun 00:00', 'allow'],
    ['[{ from: 22:00 }, { to: 06:00 }]', 'tue 03:00', 'allow'],
    ['[{ from: 22:00, to: 24:00 }, { to: 06:00 }]', 'tue 23:59', 'allow'],
    ['[{ from: 22:00 }, { to: 06:00 }]', 'tue 12:00', 'deny'],
    ['{}', 'tue 12:00', 'allow'],
  ])('%s at %s: %s', (time, at, access) => {
    expect(accessAt(time, at)).toBe(access);
  });

  it.each([
    ['{ from: 22:00, to: 06:00 }', /a time ends behind its start: for a night write two/],
    ['{ from: 24:01 }', /a time of day is written 09:00/],
    ['{ days: monday }', /a day is one of sun, mon/],
  ])('finds fault with %s', (time, message) => {
    expect(findings(rulesText({ access: `[{ allow: { time: ${time} } }]` })).join()).toMatch(message);
  });
});
