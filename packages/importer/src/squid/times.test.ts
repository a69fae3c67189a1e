import { expect, it } from 'vitest';
import { times } from './times.ts';

const read = (text: string) => times(text.split(' ').map((each) => ({ text: each, ignoreCase: false })));

it.each([
  ['09:00-17:00', { time: [{ from: '09:00', to: '17:00' }] }],
  ['9:5-+9:7x', { time: [{ from: '09:05', to: '09:07' }] }],
  ['D 00:00-24:00', { time: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri'] }] }],
  ['A S 10:00-11:00 M', { time: [{ days: ['sun', 'sat'], from: '10:00', to: '11:00' }, { days: ['mon'] }] }],
])('reads %s', (text, condition) => {
  expect(read(text)).toMatchObject({ kind: 'condition', condition, notes: [] });
});

it.each([
  ['SMTWHFA', 'always'],
  ['00:00-23:59', 'always'],
  ['m', 'never'],
  ['00:00-00:00', 'inexpressible'],
])('%s: %s', (text, kind) => {
  expect(read(text).kind).toBe(kind);
});

it.each(['18:00-06:00', '09:00', '09:60-10:00', '23:00-24:01', '-F 09:00-10:00', '+M'])(
  'says that Squid refuses %s',
  (text) => {
    expect(read(text).notes.map(({ grave }) => grave)).toContain(true);
  },
);

it.each(['M-F', 'mon', 'M +F'])('warns of %s, which is not what it looks like', (text) => {
  expect(read(text).notes).toMatchObject([{ code: 'SQUID_ACL_BAD' }]);
});
