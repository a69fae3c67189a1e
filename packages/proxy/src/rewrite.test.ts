import { describe, expect, it } from 'vitest';
import { mapTarget, rewriteField } from './rewrite.ts';

describe('mapTarget', () => {
  it.each([
    ['/mail', '/owa'],
    ['/mail/', '/owa/'],
    ['/mail/a%20b?x=/mail', '/owa/a%20b?x=/mail'],
    ['/mail?x', '/owa?x'],
    ['/mailbox', '/mailbox'],
    ['/other/mail', '/other/mail'],
    ['/%6dail/a%20b', '/owa/a%20b'],
    ['/x/../mail/a', '/owa/a'],
    ['/mail/../../mail/a', '/owa/a'],
    ['/mail/x/..%2f..%2fy', '/mail/x/..%2f..%2fy'],
    ['//mail/a', '/owa/a'],
    ['*', '*'],
  ])('moves %s to %s, in whole segments and however it is spelled', (target, expected) => {
    expect(mapTarget(target, { from: '/mail', to: '/owa' })).toBe(expected);
  });

  it.each([
    ['/', '/app/', '/x', '/app/x'],
    ['/', '/app', '/x', '/appx'],
    ['/a', '/b/', '/a/x', '/b/x'],
    ['/a/', '/', '/a/x', '/x'],
    ['/a/', '/b/', '/a', '/a'],
  ])('joins %s to %s with one slash: %s is %s', (from, to, target, expected) => {
    expect(mapTarget(target, { from, to })).toBe(expected);
  });
});

describe('rewriteField', () => {
  const context = { publicOrigin: 'https://a.test', servers: ['http://10.0.0.1:8080', 'http://inner.test'] };
  const rewrite = {
    location: [
      { from: 'http://inner.test:80/x/', to: '/y/' },
      { from: '/inner', to: '/app' },
    ],
    cookieDomain: [{ from: 'inner.test', to: 'a.test' }],
    cookiePath: [{ from: '/inner', to: '/app' }],
  };

  it.each([
    ['Location', '/inner/a', '/app/a'],
    ['location', 'http://10.0.0.1:8080/inner/a?b#c', 'https://a.test/app/a?b#c'],
    ['Location', 'HTTP://Inner.Test/inner', 'https://a.test/app'],
    ['Location', 'http://inner.test/x/z', 'https://a.test/y/z'],
    ['Location', 'http://inner.test/X/Z', 'https://a.test/y/Z'],
    ['Location', '/Inner/A', '/app/A'],
    ['Location', 'https://elsewhere.test/inner/a', 'https://elsewhere.test/inner/a'],
    ['Location', '/other', '/other'],
    ['Content-Location', '/inner', '/app'],
    ['X-Location', '/inner', '/inner'],
    ['Set-Cookie', 's=/inner; Domain=inner.test; path=/inner/x; Secure', 's=/inner; Domain=a.test; path=/app; Secure'],
    ['Set-Cookie', 's=1; path=/Inner/x', 's=1; path=/Inner/x'],
    ['set-cookie', 's={a;b}; domain=.INNER.test', 's={a;b}; domain=a.test'],
    ['Set-Cookie', 's=1;Path=/;Domain=x.inner.test', 's=1;Path=/;Domain=x.inner.test'],
  ])('%s: %s becomes %s', (name, value, expected) => {
    expect(rewriteField(name, value, rewrite, context)).toBe(expected);
  });
});
