// Room: for which requests a Proxy or ProxyMatch section is: the URL that they are sent on to decides, as the line writes it. Pure.
// Source: modules/proxy/mod_proxy.c proxysection, proxy_walk (AP-93, AP-160).
import { compileRegex } from '@outrigger/rules';
import { isSureFrom } from './overlap.ts';
import type { Server, Servers } from './servers.ts';
import type { Section } from './tree.ts';

/** Proxy and ProxyMatch sections of the main server, then of the virtual host, in the order of the file. */
export function proxySectionsOf({ main }: Servers, server: Server): Section[] {
  const nodes = server.kind === 'main' ? main.nodes : [...main.nodes, ...server.nodes];
  return nodes.filter(
    (node): node is Section => node.kind === 'section' && (node.key === 'proxy' || node.key === 'proxymatch'),
  );
}

/** Whether a section is for all requests whose URL begins with `url`, for some of them, or for none; `some` where nobody can say. */
export function proxyOverlap(section: Section, url: string): 'all' | 'some' | 'none' {
  const { pattern, kind } = patternOf(section);
  if (kind === 'expression') return isSureFrom(pattern, url) ? 'all' : 'some';
  const letters = kind === 'wildcard' ? (/^[^*?[\\]*/.exec(pattern)?.[0] ?? '') : pattern;
  if (!url.startsWith(letters) && !letters.startsWith(url)) return 'none';
  // What a pattern takes that ends with a star, it takes with anything behind.
  const isSure =
    kind === 'wildcard' ? pattern.endsWith('*') && isForUrl(section, url) === true : url.startsWith(letters);
  return isSure ? 'all' : 'some';
}

/** Whether a section is for a request sent on to `url`; undefined where its pattern cannot be run. */
export function isForUrl(section: Section, url: string): boolean | undefined {
  const { pattern, kind } = patternOf(section);
  if (kind === 'letters') return url.startsWith(pattern);
  const regex = kind === 'expression' ? pattern : wildcard(pattern);
  const compiled = regex === undefined ? undefined : compileRegex(regex, false);
  return compiled?.ok ? compiled.regex.test(url) : undefined;
}

function patternOf({ key, words }: Section): { pattern: string; kind: 'letters' | 'wildcard' | 'expression' } {
  const [first = '', second = ''] = words.map(({ text }) => text);
  if (key === 'proxymatch') return { pattern: first, kind: 'expression' };
  if (first === '~') return { pattern: second, kind: 'expression' };
  return { pattern: first.replace(/^proxy:/i, ''), kind: /[*?[]/.test(first) ? 'wildcard' : 'letters' };
}

/** As an expression: a star takes slashes, too (apr_fnmatch without a flag for paths). Undefined for sets. */
function wildcard(pattern: string): string | undefined {
  if (/[[\\]/.test(pattern)) return undefined;
  const escaped = pattern.replace(/[$^.+(){}|\]]/g, '\\$&');
  return `^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`;
}
