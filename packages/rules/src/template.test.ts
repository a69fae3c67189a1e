import { describe, expect, it } from 'vitest';
import { literally, padded, parseTemplate } from './template.ts';

describe('a template', () => {
  it.each([
    ['plain', ['plain']],
    ['a {client} b', ['a ', { name: 'client', written: '{client}' }, ' b']],
    ['{{x}}', ['{', 'x', '}']],
    [
      '{request:User-Agent|quoted}',
      [{ name: 'request', argument: 'User-Agent', escape: 'quoted', written: '{request:User-Agent|quoted}' }],
    ],
    [
      '{duration:milliseconds,6}',
      [{ name: 'duration', argument: 'milliseconds', width: 6, written: '{duration:milliseconds,6}' }],
    ],
    [
      '{status,03}{status,-5}',
      [
        { name: 'status', width: 3, zeros: true, written: '{status,03}' },
        { name: 'status', width: -5, written: '{status,-5}' },
      ],
    ],
  ])('%s', (text, parts) => {
    expect(parseTemplate(text)).toEqual({ ok: true, parts });
  });

  it.each(['{', '}', '{}', 'a{b', '{a b}', '{a|B}', '{a,x}'])('%s is none', (text) => {
    expect(parseTemplate(text).ok).toBe(false);
  });

  it('takes text literally where braces are doubled', () => {
    const text = '{"a": {}}';
    const parsed = parseTemplate(literally(text));
    expect(parsed.ok && parsed.parts.join('')).toBe(text);
  });

  it('fills up on the left, on the right, or with zeros', () => {
    const at = { name: 'x', written: '' };
    expect([
      padded('7', { ...at, width: 3 }),
      padded('7', { ...at, width: -3 }),
      padded('7', { ...at, width: 3, zeros: true }),
    ]).toEqual(['  7', '7  ', '007']);
    expect(padded('1234', { ...at, width: 3 })).toBe('1234');
  });
});
