import { describe, expect, it } from 'vitest';
import { quotedWords } from './quoted.ts';

const FILES: Record<string, string> = { names: 'a.test b.test # c.test\r\n"d e"\n', looped: 'parameters("looped") x' };
const words = (text: string): string[] => quotedWords(text, (name) => FILES[name]);

describe('quotedWords', () => {
  it('takes a quoted text for one word, with its escapes', () => {
    expect(words(`one "two three" 'four "five"' "s\\"ix"`)).toEqual(['one', 'two three', 'four "five"', 's"ix']);
  });

  it('puts the words of a file in the place of parameters()', () => {
    expect(words(`z parameters("names") y`)).toEqual(['z', 'a.test', 'b.test', 'd e', 'y']);
    expect(words(`parameters('missing') y`)).toEqual(['y']);
  });

  it('ends at a comment, and never follows a file inside a file', () => {
    expect(words('a #b c')).toEqual(['a']);
    expect(words('parameters("looped")')).toEqual(['x']);
  });
});
