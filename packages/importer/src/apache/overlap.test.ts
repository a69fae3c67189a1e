import { expect, it } from 'vitest';
import { isSureFrom, mayMatchUnder, overlapOf } from './overlap.ts';

it.each([
  ['^/owa', '/owa', true],
  ['^/ow', '/owa', true],
  ['^/owax', '/owa', false],
  ['^/owa/x', '/owa', true],
  ['^/OWA', '/owa', true],
  ['(?i)^/Owa', '/owa', true],
  ['^/$', '/owa', false],
  ['^/?$', '/owa', false],
  ['^/$', '/', true],
  ['^/rpc(.*)$', '/owa', false],
  ['^/(owa|ecp)', '/owa', true],
  ['^/x/(owa|ecp)', '/owa', false],
  ['^/x|^/owa', '/owa', true],
  ['^/x\\|y', '/owa', false],
  ['^/ow?', '/owa', true],
  ['^/x?owa', '/owa', true],
  ['^/o*', '/x', true],
  ['owa', '/owa', true],
  ['\\.php$', '/owa', true],
  ['^', '/owa', true],
  ['^/\\.well-known/', '/owa', false],
])('a pattern %s may match under %s: %s', (pattern, prefix, may) => {
  expect(mayMatchUnder(pattern, prefix)).toBe(may);
});

it.each([
  ['/', '/owa', 'covers'],
  ['/owa', '/owa', 'covers'],
  ['/OWA/', '/owa', 'below'],
  ['/owa', '/owa/', 'covers'],
  ['/owa/', '/owa/', 'covers'],
  ['/owa/x', '/owa', 'below'],
  ['/owax', '/owa', 'none'],
  ['/ow', '/owa', 'none'],
])('a prefix %s to %s: %s', (path, prefix, kind) => {
  expect(overlapOf({ kind: 'prefix', prefix: path }, prefix).kind).toBe(kind);
});

it.each([
  ['^/owa', '/owa', true],
  ['^/(owa|ecp)', '/owa', true],
  ['owa', '/owa', true],
  ['^/owa/', '/owa', false],
  ['^/owa/', '/owa/', true],
  ['^/owa$', '/owa', false],
  ['^/owa\\b', '/owa', false],
  ['^/OWA', '/owa', false],
  ['(?i)^/OWA', '/owa', true],
  ['^/owa(?!/x)', '/owa', false],
])('a pattern %s is found in all that begins with %s: %s', (pattern, prefix, isSure) => {
  expect(isSureFrom(pattern, prefix)).toBe(isSure);
});
