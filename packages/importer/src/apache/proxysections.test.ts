import { expect, it } from 'vitest';
import { isForUrl, proxyOverlap, proxySectionsOf } from './proxysections.ts';
import { readServers } from './servers.ts';
import { treeOf } from './testing/stage.ts';

// What Apache 2.4.71 was seen to do with each section for a request sent on to URL.
const SEEN: readonly (readonly [section: string, url: string, isFor: boolean])[] = [
  ['Proxy http://exch.test:8080/', 'http://exch.test:8080/b/x', true],
  ['Proxy http://EXCH.test:8080/', 'http://exch.test:8080/b/x', false],
  ['Proxy HTTP://exch.test:8080/', 'http://exch.test:8080/b/x', false],
  ['Proxy http://exch.test/', 'http://exch.test:80/b/x', false],
  ['Proxy http://exch.test:8080/b*', 'http://exch.test:8080/b/x', true],
  ['Proxy http://exch.test:8080/b/?', 'http://exch.test:8080/b/x', true],
  ['Proxy http://exch.test:8080/b/?', 'http://exch.test:8080/b/xy', false],
  ['Proxy http://*/b/x', 'http://exch.test:8080/b/x', true],
  ['Proxy proxy:http://exch.test:8080/', 'http://exch.test:8080/b/x', true],
  ['Proxy "http://exch.test:8080/b x"', 'http://exch.test:8080/b%20x', false],
  ['ProxyMatch EXCH', 'http://exch.test:8080/b/x', false],
  ['ProxyMatch b/x$', 'http://exch.test:8080/b/x', true],
];

it.each(SEEN)('<%s> is for %s: %s', (section, url, isFor) => {
  expect(isForUrl(sectionOf(section), url)).toBe(isFor);
});

it.each([
  ['Proxy *', 'all'],
  ['Proxy http://exch.test/', 'all'],
  ['Proxy http://exch.test/o', 'all'],
  ['Proxy http://exch.test/owa', 'all'],
  ['Proxy http://exch.test/owa/x', 'some'],
  ['Proxy http://exch.test/ews', 'none'],
  ['Proxy http://web.test/*', 'none'],
  ['Proxy http://*.test/*', 'all'],
  ['Proxy http://exch.*/owa', 'some'],
  ['Proxy http://exch.test/[o]*', 'some'],
  ['ProxyMatch ^http://exch', 'all'],
  ['ProxyMatch owa$', 'some'],
  ['ProxyMatch (?<!x)owa', 'some'],
])('<%s> is, of requests sent on to http://exch.test/owa, for: %s', (section, part) => {
  expect(proxyOverlap(sectionOf(section), 'http://exch.test/owa')).toBe(part);
});

function sectionOf(section: string) {
  const key = section.split(' ', 1)[0];
  const tree = treeOf({ 'httpd.conf': `<${section}>\nProxyPreserveHost On\n</${key}>\n` });
  const servers = readServers(tree);
  const [found] = proxySectionsOf(servers, servers.main);
  if (found === undefined) throw new Error(`${section} was not read`);
  return found;
}
