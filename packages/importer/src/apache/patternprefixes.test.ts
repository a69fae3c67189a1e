import { expect, it } from 'vitest';
import { lettersOf } from './patternprefixes.ts';

it.each([
  ['^/(owa|ecp)(/.*)?$', ['/owa', '/ecp']],
  ['^/(?:[oO]wa)/', ['/owa/', '/Owa/']],
  ['^/rpc', ['/rpc']],
])('knows the beginnings of the paths that %s takes', (pattern, letters) => {
  expect(lettersOf(pattern)).toEqual(letters);
});

it.each(['^/o.a', 'owa|ecp', '^/[a-z]+$', `^/${'('.repeat(5_000)}owa${')'.repeat(5_000)}`])(
  'says nothing of %.20s, which is of another kind',
  (pattern) => {
    expect(lettersOf(pattern)).toBeUndefined();
  },
);
