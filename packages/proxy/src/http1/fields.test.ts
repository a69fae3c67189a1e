// Room: looking things up among fields.

import type { Fields } from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { fieldValues, hasToken, listMembers } from './fields.ts';

const FIELDS: Fields = [
  ['Connection', 'Keep-Alive,, x '],
  ['connection', 'UPGRADE'],
  ['Connections', 'close'],
];

describe('fields', () => {
  it('are found by name, whatever its case, in order', () => {
    expect(fieldValues(FIELDS, 'CONNECTION')).toEqual(['Keep-Alive,, x ', 'UPGRADE']);
    expect(fieldValues(FIELDS, 'Host')).toEqual([]);
  });

  it('are lists over all their lines, without empty members', () => {
    expect(listMembers(FIELDS, 'Connection')).toEqual(['Keep-Alive', 'x', 'UPGRADE']);
  });

  it('are trimmed of blanks only: 0xA0 is a byte like any other', () => {
    expect(listMembers([['Connection', ' \t close \xa0,\t']], 'Connection')).toEqual(['close \xa0']);
  });

  it('have a token or not, whole and whatever its case', () => {
    expect(hasToken(FIELDS, 'Connection', 'upgrade')).toBe(true);
    expect(hasToken(FIELDS, 'Connection', 'keep-ALIVE')).toBe(true);
    expect(hasToken(FIELDS, 'Connection', 'keep')).toBe(false);
    expect(hasToken(FIELDS, 'Connection', 'close')).toBe(false);
  });
});
