import type { HeaderEdits } from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { editedHead } from './edits.ts';

const HEAD = 'GET /a:b HTTP/1.1\r\nHost: a.test\r\nX-a: 1\r\nx-A:2\r\nEmpty:\r\nLast: \xe9\r\n\r\n';
const edited = (removed: string[], added: [string, string][] = [], more: Partial<HeaderEdits> = {}): string =>
  editedHead(Buffer.from(HEAD, 'latin1'), { removed: new Set(removed), replaced: new Map(), added, ...more }).toString(
    'latin1',
  );

describe('an edited head', () => {
  it('keeps every other byte as it came', () => {
    expect(edited(['nobody'])).toBe(HEAD);
  });

  it('loses each line of a field, however it is spelled', () => {
    expect(edited(['x-a', 'empty'])).toBe('GET /a:b HTTP/1.1\r\nHost: a.test\r\nLast: \xe9\r\n\r\n');
  });

  it('gets lines at its end', () => {
    expect(
      edited(
        ['last'],
        [
          ['X', '\xe9'],
          ['X', '2'],
        ],
      ),
    ).toBe(HEAD.replace('Last: \xe9\r\n', 'X: \xe9\r\nX: 2\r\n'));
  });

  it('loses all that is not kept, and what is kept and removed', () => {
    const kept = new Set(['host', 'last', 'x-a']);
    expect(edited(['x-a'], [['New', '1']], { kept })).toBe(
      'GET /a:b HTTP/1.1\r\nHost: a.test\r\nLast: \xe9\r\nNew: 1\r\n\r\n',
    );
  });

  it('has another value in each line of a field, under the name it came with', () => {
    const replaced = new Map([
      ['x-a', 'n'],
      ['absent', 'n'],
      ['host', 'n'],
    ]);
    expect(edited(['host'], [], { replaced })).toBe(
      'GET /a:b HTTP/1.1\r\nX-a: n\r\nx-A: n\r\nEmpty:\r\nLast: \xe9\r\n\r\n',
    );
  });

  it('takes a head without fields', () => {
    const bare = Buffer.from('HTTP/1.0 200 OK\r\n\r\n');
    expect(editedHead(bare, { removed: new Set(['a']), replaced: new Map(), added: [['A', 'b']] }).toString()).toBe(
      'HTTP/1.0 200 OK\r\nA: b\r\n\r\n',
    );
  });
});
