// Room: what else Apache does on a path that a rule would not do: the reason why the path must stay with Apache. Errs towards staying:
// a path that stays is served as ever. Pure.
import { knownDirective } from './directives.ts';
import { mayMatchUnder, overlapOf } from './overlap.ts';
import { locationsOf, pathsOf } from './proxypass.ts';
import { rewriteLines } from './rewriterequest.ts';
import type { Server, Servers } from './servers.ts';
import { inherited, isOn } from './settings.ts';
import type { ConfigNode, Directive, Section } from './tree.ts';

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
  sslproxycacertificatepath: 'authorities of servers stand in a folder',
  sslproxycarevocationcheck: 'certificates of servers are looked up in lists of revoked ones',
  sslproxymachinecertificatefile: 'Apache shows servers a certificate of its own',
  sslproxymachinecertificatepath: 'Apache shows servers a certificate of its own',
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

/** Why paths under `prefix` must stay with Apache; undefined where a rule does the same. */
export function obstacleTo(servers: Servers, server: Server, prefix: string): Obstacle | undefined {
  return (
    rewriteObstacle(servers, server, prefix) ??
    outsideObstacle(servers, server) ??
    firstOf(locationsOf(servers, server), (section) => sectionObstacle(section, prefix))
  );
}

function firstOf<Item>(items: readonly Item[], find: (item: Item) => Obstacle | undefined): Obstacle | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Rules of a virtual host come before all proxying (AP-71), and so do those that it inherits (AP-82). */
function rewriteObstacle(servers: Servers, server: Server, prefix: string): Obstacle | undefined {
  let conditions: Directive[] = [];
  for (const line of rewriteLines(servers, server)) {
    if (line.key === 'rewritecond') conditions.push(line);
    else if (mayRewrite(line, conditions, prefix)) return { line, reason: 'a RewriteRule may come first' };
    else conditions = [];
  }
  return undefined;
}

/** Whether a rule may touch a path under `prefix` of a request that came over TLS. A rule that only looks on touches nothing. */
function mayRewrite({ words }: Directive, conditions: readonly Directive[], prefix: string): boolean {
  const [pattern = '', substitution = '', flags = ''] = words.map(({ text }) => text);
  const passesOn =
    substitution === '-' && !/\b(?:F|G|R|P|END|L|forbidden|gone|H|handler|T|S|skip|N|C|chain)\b/i.test(flags);
  if (passesOn || neverHold(conditions)) return false;
  return pattern.startsWith('!') || mayMatchUnder(/\bNC\b|nocase/i.test(flags) ? `(?i)${pattern}` : pattern, prefix);
}

/** Whether one of the conditions, by itself, is met by no request over TLS: the way sites send clients to https. */
function neverHold(conditions: readonly Directive[]): boolean {
  const isOr = ({ words }: Directive): boolean => /\bOR\b|ornext/i.test(words[2]?.text ?? '');
  return conditions.some((condition, index) => {
    const before = conditions[index - 1];
    return failsOnTls(condition) && !isOr(condition) && (before === undefined || !isOr(before));
  });
}

function failsOnTls({ words }: Directive): boolean {
  const [subject = '', pattern = ''] = words.map(({ text }) => text);
  if (subject === '%{HTTPS}') return /^(?:=?off|!=?on|\^off\$?|!\^on\$?)$/i.test(pattern);
  return subject === '%{REQUEST_SCHEME}' && /^(?:=?http|!=?https|\^http\$)$/i.test(pattern);
}

function outsideObstacle(servers: Servers, server: Server): Obstacle | undefined {
  const names = Object.keys(CHANGES).filter((key) => !LISTENERS_MATTER.has(key));
  for (const key of names) {
    const line = inherited(servers, server, key).at(-1);
    if (line !== undefined && !HARMLESS.test(line.words[0]?.text ?? '')) return { line, reason: CHANGES[key] ?? '' };
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

function sectionObstacle(section: Section, prefix: string): Obstacle | undefined {
  const overlap = overlapOf(pathsOf(section), prefix);
  if (overlap.kind === 'none' || overlap.kind === 'below') return undefined;
  if (overlap.kind === 'unclear' && section.children.some(hasEffect)) {
    return { line: section, reason: 'a section for a pattern may hold some of its paths' };
  }
  const line = section.children.find(changesSomething);
  if (line === undefined) return undefined;
  const known = CHANGES[line.key] ?? IN_SECTIONS[line.key];
  return { line, reason: known ?? `what ${line.name} does there, no rule can say` };
}

/** True where a section below a moved path does more than say who may ask: those paths then stay with Apache. */
export function keepsBelow(section: Section): boolean {
  return section.children.some((node) => changesSomething(node) || /^(?:limit|header|requestheader)/.test(node.key));
}

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

/** What may matter in a section whose paths nobody can say. */
function hasEffect(node: ConfigNode): boolean {
  return changesSomething(node) || /^(?:proxypass|require|allow|deny|order|limit|header|requestheader)/.test(node.key);
}
