import { describe, expect, it } from 'vitest';
import { asciiLowerCase, normalizedPath, pathAmbiguity, squidUnescape } from './target.ts';

describe('normalizedPath', () => {
  it.each([
    ['/ecp', '/ecp'],
    ['//ecp', '/ecp'],
    ['/./ecp', '/ecp'],
    ['/rpc/../ecp', '/ecp'],
    ['/%65cp', '/ecp'],
    ['/%2e%2e/ecp', '/ecp'],
    ['/a/b/../../../ecp', '/ecp'],
    ['/a\\..\\ecp', '/ecp'],
    ['/a%5c..%5cecp', '/ecp'],
    ['/a%2f..%2fecp', '/ecp'],
    ['/a/.', '/a/'],
    ['/a/..', '/'],
    ['/a//b/', '/a/b/'],
    ['/ecp?x=/../y', '/ecp'],
    ['/%zz%4', '/%zz%4'],
    ['/%2565cp', '/%65cp'],
    ['/caf%C3%A9', '/caf\xc3\xa9'],
    ['*', '*'],
  ])('reads %s as the server behind will: %s', (target, path) => {
    expect(normalizedPath(target)).toBe(path);
  });
});

describe('pathAmbiguity', () => {
  it.each([
    '/a%2Fb',
    '/a%5cb',
    '/owa%00',
    '/%u0065cp',
    '/x/..;/ecp',
    '/x/%2e%2e;v=1/ecp',
    '/%c0%af',
    '/\xc0\xae',
    '/%e0%80%af',
    '/%F0%80%80%af',
    '/100%',
    '/owa/%zz',
    '/a%%20b',
  ])('finds two readings of %s', (target) => {
    expect(pathAmbiguity(target)).toBeDefined();
  });

  it.each(['/owa', '/a%20b', '/caf%C3%A9', '/x?y=%2F%00', '/a;b=1/c', '/%e4%bd%a0'])(
    'finds one reading of %s',
    (target) => {
      expect(pathAmbiguity(target)).toBeUndefined();
    },
  );
});

describe('squidUnescape', () => {
  it.each([
    ['/c%20d', '/c d'],
    ['/a%2520b', '/a%20b'],
    ['/a%00b', '/a%00b'],
    ['/a%zz', '/a%zz'],
    ['/a%%b', '/a%b'],
    ['/a%2', '/a%2'],
    ['/%6Fwa', '/owa'],
  ])('decodes %s once, as rfc1738_unescape does: %s', (text, decoded) => {
    expect(squidUnescape(text)).toBe(decoded);
  });
});

it('folds ASCII letters and leaves the bytes of UTF-8 alone', () => {
  expect(asciiLowerCase('/OWA/\xc3\x89')).toBe('/owa/\xc3\x89');
});
