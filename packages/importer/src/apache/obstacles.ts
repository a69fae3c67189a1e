// Room: what else Apache does on a path that a rule would not do: the reason why the path must stay with Apache. Errs towards staying:
// a path that stays is served as ever. Pure.
import type { Condition } from '@outrigger/rules';
import { knownDirective } from './directives.ts';
import { mayMatchUnder } from './overlap.ts';
import { type PathSection, wholeSections } from './pathsections.ts';
import { patternStays } from './patternstays.ts';
import { locationsOf, pathsOf } from './proxypass.ts';
import { rewritingHindrances } from './rewritehindrance.ts';
import type { Rule } from './rewriterules.ts';
import type { Server, Servers } from './servers.ts';
import { inherited, isOn } from './settings.ts';
import { type ConfigNode, type Directive, directivesOf, type Section } from './tree.ts';

/** The line that keeps a path with Apache. `reason` ends a sentence about the path. */
export type Obstacle = { line: ConfigNode; reason: string };

/** Directives that change what passes, or who may pass, by name in lower case. In a section they count for its paths alone. */
const CHANGES: Readonly<Record<string, string>> = {
  authtype: 'Apache asks for a login of its own',
  authbasicprovider: 'Apache asks for a login of its own',
  addoutputfilter: 'a filter of Apache changes answers',
  addoutputfilterbytype: 'a filter of Apache may change answers',
  allowmethods: 'Apache allows some methods only',
  luahooktranslatename: 'a Lua script decides where requests go',
  proxyhtmlenable: 'Apache rewrites links in pages',
  proxypassinterpolateenv: 'variables in targets are filled in at each request',
  proxypassinherit: 'lines of the main server may not be inherited',
  secruleengine: 'ModSecurity looks at requests',
  session: 'Apache keeps sessions',
  sethandler: 'a handler answers in place of the server',
  setinputfilter: 'a filter of Apache changes requests',
  setoutputfilter: 'a filter of Apache changes answers',
  sslrequire: 'access depends on what TLS says of the client',
  sslverifyclient: 'Apache asks for a client certificate on this path alone',
  substitute: 'Apache changes answers',
};
/** Values with which a directive changes nothing. */
const HARMLESS = /^(?:off|none|detectiononly|default-handler|deflate|brotli_compress)$/i;
/** Of these, a section alone counts: outside, mod_alias comes behind mod_proxy (AP-70). */
const IN_SECTIONS: Readonly<Record<string, string>> = {
  redirect: 'a Redirect in a section comes first',
  redirectmatch: 'a Redirect in a section comes first',
  redirectpermanent: 'a Redirect in a section comes first',
  redirecttemp: 'a Redirect in a section comes first',
  rewriterule: 'rewriting in a section works on paths of files',
};
/** What sections say of the server as a whole; on these lines a server-wide SSLVerifyClient is the listener's matter. */
const LISTENERS_MATTER = new Set(['sslverifyclient']);

/** What Apache does to answers and pages of any server, and no rule does: it matters where a site moves that people look at. */
const FOR_SITES: Readonly<Record<string, string>> = {
  cacheenable: 'Apache caches',
  expiresactive: 'Apache says how long answers are fresh',
  cookietracking: 'Apache sets a cookie of its own',
  filterchain: 'a filter of Apache may change answers',
  extfilterdefine: 'a filter of Apache may change answers',
};

/** Why no path of a server moves that is not Exchange's; undefined where none keeps it. */
export function strictObstacle(servers: Servers, server: Server): Obstacle | undefined {
  for (const [key, reason] of Object.entries(FOR_SITES)) {
    const line = inherited(servers, server, key).at(-1);
    if (line !== undefined && !HARMLESS.test(line.words[0]?.text ?? '')) return { line, reason };
  }
  const slashes = inherited(servers, server, 'allowencodedslashes').at(-1);
  if (slashes !== undefined && slashes.words[0]?.text.toLowerCase() !== 'off')
    return { line: slashes, reason: 'encoded slashes mean something there' };
  const merges = inherited(servers, server, 'mergeslashes').at(-1);
  return merges !== undefined && merges.words[0]?.text.toLowerCase() === 'off'
    ? { line: merges, reason: 'slashes beside each other mean something there' }
    : undefined;
}

/**
 * Requests under a prefix that stay with Apache all the same: `where` beside the condition of their virtual host. `everywhere`: what
 * keeps them, where it does so under any other prefix, too.
 */
export type Staying = { where: Condition; line: ConfigNode; everywhere?: Condition };

/** What keeps a path with Apache, whole or in part. `line`: sections of those parts, whose other lines need no look. */
export type Hindrance = { kind: 'obstacle'; obstacle: Obstacle } | { kind: 'staying'; staying: Staying[] };

/** What Apache does on paths under `prefix` that a rule would not do; `rules`: the rewriting rules that it asks first. */
export function hindranceOf(
  servers: Servers,
  server: Server,
  prefix: string,
  sections: readonly PathSection[],
  rules: readonly Rule[],
): Hindrance {
  const outside = outsideObstacle(servers, server);
  if (outside !== undefined) return { kind: 'obstacle', obstacle: outside };
  const staying: Staying[] = [];
  const found = [
    ...rewritingHindrances(rules, prefix, servers, server),
    ...sections.map((each) => sectionHindrance(each, prefix, wholeSections(sections))),
  ];
  for (const each of found) {
    if (each === undefined) continue;
    if ('reason' in each) return { kind: 'obstacle', obstacle: each };
    if (!staying.some(({ where }) => JSON.stringify(where) === JSON.stringify(each.where))) staying.push(each);
  }
  return { kind: 'staying', staying };
}

const ADD_UP = new Set(['addoutputfilter', 'addoutputfilterbytype']);

/** `AddOutputFilter INCLUDES .shtml`, as distributions ship it: a filter that steps aside unless Options allow it. */
function isInclusion({ key, words }: Directive): boolean {
  return key === 'addoutputfilter' && words[0]?.text.toLowerCase() === 'includes';
}

/** Whether Options of the server or of a Location, the only ones that hold for what is proxied, allow server-side includes. */
function allowsIncludes(servers: Servers, server: Server): boolean {
  const lines = [
    ...inherited(servers, server, 'options'),
    ...locationsOf(servers, server).flatMap(({ children }) => directivesOf(children, 'options')),
  ];
  return lines.some(({ words }) => words.some(({ text }) => /^\+?(?:includes|includesnoexec|all)$/i.test(text)));
}

function outsideObstacle(servers: Servers, server: Server): Obstacle | undefined {
  const names = Object.keys(CHANGES).filter((key) => !LISTENERS_MATTER.has(key));
  const mayInclude = allowsIncludes(servers, server);
  for (const key of names) {
    const lines = inherited(servers, server, key);
    // Filters add up; of all else the last line counts.
    const line = (ADD_UP.has(key) ? lines : lines.slice(-1)).find(
      (each) => !HARMLESS.test(each.words[0]?.text ?? '') && (mayInclude || !isInclusion(each)),
    );
    if (line !== undefined) return { line, reason: CHANGES[key] ?? '' };
  }
  const noProxy = ['setenv', 'setenvif', 'setenvifnocase', 'browsermatch'].flatMap((key) =>
    inherited(servers, server, key),
  );
  const line = noProxy.find(({ rest }) => /\bno-proxy\b/.test(rest));
  if (line !== undefined) return { line, reason: 'an environment variable may keep requests from being proxied' };
  const condition = [...servers.main.nodes, ...server.nodes].find(({ key }) => key === 'if' || key === 'elseif');
  if (condition !== undefined) return { line: condition, reason: 'an If section may say otherwise for some requests' };
  const proxies = [...servers.main.nodes, ...server.nodes].filter(({ key }) => key === 'proxy' || key === 'proxymatch');
  const own = proxies.find((node) => node.kind === 'section' && node.children.some(({ key }) => /^sslproxy/.test(key)));
  if (own !== undefined) return { line: own, reason: 'a Proxy section has TLS settings of its own' };
  const errors = inherited(servers, server, 'proxyerroroverride').at(-1);
  return errors !== undefined && isOn(servers, server, 'proxyerroroverride')
    ? { line: errors, reason: 'Apache puts pages of its own in place of error answers' }
    : undefined;
}

function sectionHindrance(
  { section, reach }: PathSection,
  prefix: string,
  whole: readonly Section[],
): Staying | Obstacle | undefined {
  if (reach.kind === 'below') {
    return keepsBelow(section)
      ? { where: { path: [{ prefix: reach.prefix, ignoreCase: true }] }, line: section }
      : undefined;
  }
  if (reach.kind === 'some') {
    if (!section.children.some(hasEffect)) return undefined;
    const pattern = patternOf(section);
    if (pattern !== undefined && !mayMatchUnder(pattern, prefix)) return undefined;
    const stays = pattern === undefined ? undefined : patternStays(pattern, prefix, false);
    return stays === undefined
      ? { line: section, reason: 'a section for a pattern may hold some of its paths' }
      : { ...stays, line: section };
  }
  const line = section.children.find(changesSomething);
  if (line === undefined) {
    const isSaidTwice = whole.some((other) => saidIn(other) === saidIn(section));
    return reach.kind === 'whole' || saidIn(section) === '' || isSaidTwice
      ? undefined
      : { line: section, reason: 'a section for another case of it says what is sent on' };
  }
  const known = CHANGES[line.key] ?? IN_SECTIONS[line.key];
  return { line, reason: known ?? `what ${line.name} does there, no rule can say` };
}

/** The lines of a section that a rule carries, as one text. */
function saidIn({ children }: Section): string {
  return children
    .filter(({ key }) => CARRIED.has(key))
    .map(({ key, words }) => [key, ...words.map(({ text }) => text)].join(' '))
    .join('\n');
}

/** The expression a section is for, that of its wildcards among them: they stop at slashes. Undefined for sets. */
function patternOf(section: Section): string | undefined {
  if (section.key.startsWith('proxy')) return undefined;
  const paths = pathsOf(section);
  if (paths.kind === 'pattern') return paths.pattern;
  const [first = ''] = section.words.map(({ text }) => text);
  if (paths.kind === 'prefix' || /[[\]\\]/.test(first)) return undefined;
  const regex = first
    .replace(/[$^.+(){}|]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  return `^${regex}$`;
}

/** True where a section below a moved path does more than say who may ask: those paths then stay with Apache. */
function keepsBelow(section: Section): boolean {
  return section.children.some(
    (node) => changesSomething(node) || CARRIED.has(node.key) || node.key.startsWith('limit'),
  );
}

/** Of these, what a rule can say of a whole path: in a section for some of its requests they keep those with Apache. */
const CARRIED = new Set(['header', 'requestheader', 'proxypreservehost']);

/** Directives whose effect is looked at elsewhere, or that have none on what is proxied. */
const LOOKED_AT = new Set(
  `proxypass proxypassmatch proxypassreverse proxypassreversecookiedomain proxypassreversecookiepath require allow deny order
  satisfy requireall requireany requirenone authmerging limit limitexcept header requestheader sslrequiressl proxypreservehost options
  setenv setenvif directoryindex allowoverride adddefaultcharset loglevel customlog rewriteengine rewritebase proxyset keepalive
  outlookanywherepassthrough outlookanywhereuseragent addtype limitrequestbody proxyaddheaders errordocument authname`.split(
    /\s+/,
  ),
);

function changesSomething(node: ConfigNode): boolean {
  if (LOOKED_AT.has(node.key)) return false;
  const isKnown = node.key in CHANGES || node.key in IN_SECTIONS;
  if (isKnown) return !(node.kind === 'directive' && HARMLESS.test(node.words[0]?.text ?? ''));
  return node.kind === 'section' || knownDirective(node.name) === undefined;
}

/** What may matter in a section whose paths nobody can say. Its lines of proxying are asked in the order of all. */
function hasEffect(node: ConfigNode): boolean {
  return changesSomething(node) || CARRIED.has(node.key) || /^(?:require|allow|deny|order|limit)/.test(node.key);
}
