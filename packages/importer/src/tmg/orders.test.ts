import { describe, expect, it } from 'vitest';
import { placesOf } from './orders.ts';
import { childOf, readXml } from './xml.ts';

function placesIn(isBytes: boolean, ...orders: string[]): (number | undefined)[] {
  const type = isBytes ? 'bin.hex' : 'int';
  const rules = orders.map((order) => `<R>${order === '' ? '' : `<Order dt:dt="${type}">${order}</Order>`}</R>`);
  const xml = readXml(`<L xmlns:dt="d">${rules.join('')}</L>`);
  if (xml.kind === 'refused') throw new Error(xml.message);
  return placesOf(xml.root.children.filter((each) => childOf({ ...xml.root, children: [each] }, 'R') !== undefined));
}

describe('placesOf', () => {
  it.each<[string, boolean, string[], (number | undefined)[]]>([
    ['numbers', false, ['2', '1', '10'], [2, 1, 10]],
    ['no number as none', false, ['2', '', 'x'], [2, undefined, undefined]],
    ['bytes whose both readings agree', true, ['0000000000000002', '0000000000000001'], [1, 0]],
    ['bytes by the reading that is the order of the file', true, ['0000000000000001', '0000000000000100'], [0, 1]],
    ['the other reading where that one is', true, ['0100000000000000', '0001000000000000'], [0, 1]],
    ['hexadecimal digits as bytes and not as a number', true, ['0000000000000009', '000000000000000A'], [0, 1]],
    [
      'nothing where the readings differ and neither is the order of the file',
      true,
      ['0000000000000001', '0000000000000100', '0000000000000002'],
      [undefined, undefined, undefined],
    ],
    ['nothing where a number stands among bytes', true, ['0000000000000001', '2'], [undefined, undefined]],
  ])('reads %s', (_, isBytes, orders, places) => expect(placesIn(isBytes, ...orders)).toEqual(places));
});
