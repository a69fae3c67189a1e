// Room: what Apache refuses once it has read everything: names no module brings, sections and directives where they may
// not stand. In the order of the tree, as Apache walks it. Pure.
// Source: httpd 2.4 server/config.c, ap_walk_config_sub and invoke_cmd (AP-9, AP-24).
import { remark } from '../ledger.ts';
import { isProvided, knownDirective, nearestDirective } from './directives.ts';
import type { ConfigNode, ConfigTree, Refusal, Section } from './tree.ts';

/** Sections that narrow to a part of the requests: in them `server` directives are refused, and only in them `inside` ones stand. */
const NARROW = new Set([
  'directory',
  'directorymatch',
  'location',
  'locationmatch',
  'files',
  'filesmatch',
  'if',
  'elseif',
  'else',
  'proxy',
  'proxymatch',
]);

/** Words of 2.2 that 2.4 no longer knows (AP-24): unknown to the table, and no misspelling. */
const REMOVED = new Set(
  `acceptmutex lockfile rewritelock rewritelog rewriteloglevel sslmutex authzldapauthoritative authauthoritative cookielog
  authdefaultauthoritative authgroupfileauthoritative authuserfileauthoritative authzdefaultauthoritative
  authzgroupfileauthoritative authzownerauthoritative authzuserauthoritative limitinternalrecursion`.split(/\s+/),
);

/** What mod_proxy_msrpc brings: the reason to have it goes with the paths that move. */
const MSRPC = new Set(['outlookanywherepassthrough', 'outlookanywhereuseragent']);

/** Remarks on unknown names; the first line at which Apache would not start, where there is one. */
export function checkTree({ nodes, modules }: ConfigTree): Refusal | undefined {
  return firstMistake(nodes, {
    modules,
    isNarrow: false,
    isVirtual: false,
    isLocation: false,
    isProxy: false,
    isAll: false,
  });
}

/** `isNarrow`, `isVirtual`, `isLocation`, `isProxy`: inside a section of that kind. `isAll`: directly in RequireAll. */
type Context = {
  modules: ConfigTree['modules'];
  isNarrow: boolean;
  isVirtual: boolean;
  isLocation: boolean;
  isProxy: boolean;
  isAll: boolean;
};

/** TLS towards servers may be said for some of them alone (mod_ssl.c, those with PROXY_CONF). */
const IN_PROXY = /^sslproxy/;

function firstMistake(nodes: readonly ConfigNode[], context: Context): Refusal | undefined {
  for (const node of nodes) {
    const message = mistake(node, context);
    if (message !== undefined) return refused(node, message);
    if (node.kind === 'directive') continue;
    const inside = firstMistake(node.children, {
      ...context,
      isNarrow: context.isNarrow || NARROW.has(node.key),
      isVirtual: context.isVirtual || node.key === 'virtualhost',
      isLocation: context.isLocation || node.key === 'location' || node.key === 'locationmatch',
      isProxy: context.isProxy || node.key === 'proxy' || node.key === 'proxymatch',
      isAll: node.key === 'requireall',
    });
    if (inside !== undefined) return inside;
    const atEnd = listMistake(node, context);
    if (atEnd !== undefined) return refused(node, atEnd);
  }
  return undefined;
}

function refused({ entry, at, reported }: ConfigNode, message: string): Refusal {
  remark(entry, 'malformed', 'APACHE_REFUSED', `Apache does not start with this line: ${message}`);
  return { at, reported, message };
}

function mistake(
  node: ConfigNode,
  { modules, isNarrow, isVirtual, isLocation, isProxy, isAll }: Context,
): string | undefined {
  const name = node.kind === 'section' ? `<${node.name}` : node.name;
  const known = knownDirective(name);
  const loaded = modules.loadedFiles();
  if (known === undefined) return unknown(node, modules.foreign.length > 0 || loaded === undefined);
  if (loaded !== undefined && !isProvided(known, loaded)) return `${known.module}, which brings it, is not loaded`;
  if (known.place === 'global' && isVirtual) return 'it must not stand in a VirtualHost';
  const isOutside = known.place === 'server' || known.place === 'global';
  if (isOutside && isNarrow && !(isProxy && IN_PROXY.test(node.key))) return 'it must not stand in such a section';
  if (known.place === 'inside' && !isNarrow) return 'it must stand in a Directory, Location, Files or If section';
  if (node.kind === 'directive') return requirementMistake(node, isAll);
  if (isLocation && /^files(?:match)?$/.test(node.key)) return 'it must not stand in a Location section';
  if (node.isOpen) return 'it has no closing >';
  return node.rest.trim() === '' && !MAY_BE_EMPTY.has(node.key) ? 'it names nothing' : undefined;
}

const NEGATIVE_ALONE = 'what keeps out stands in RequireAll, beside what lets in';

/** What mod_authz_core refuses: lines that could let nobody in, or that say nothing (AP-97). */
function requirementMistake({ key, words }: ConfigNode, isAll: boolean): string | undefined {
  if (key !== 'require') return undefined;
  const [first, ...rest] = words.map(({ text }) => text.toLowerCase());
  if (first === 'not' && !isAll) return NEGATIVE_ALONE;
  const [kind, value = ''] = first === 'not' ? rest : [first, ...rest];
  if (kind === undefined) return 'it requires nothing';
  return kind === 'all' && !/^(?:granted|denied)$/.test(value) ? 'all is granted or denied' : undefined;
}

/** The same of a list of them, which it looks at where the list ends. */
function listMistake({ key, children }: Section, { isAll }: Context): string | undefined {
  if (!/^require(?:all|any|none)$/.test(key)) return undefined;
  if (children.length === 0) return 'it requires nothing';
  return key === 'requirenone' && !isAll ? NEGATIVE_ALONE : undefined;
}

const MAY_BE_EMPTY = new Set(['else', 'requireall', 'requireany', 'requirenone']);

/** A name that is not httpd's: of another module where there is one, else Apache does not know it. */
function unknown({ name, key, entry }: ConfigNode, mayBeForeign: boolean): string | undefined {
  if (REMOVED.has(key)) return `${name} was removed in 2.4`;
  if (!mayBeForeign) return [`no module knows ${name}.`, nearestDirective(name)].filter(Boolean).join(' ');
  if (MSRPC.has(key)) {
    const message = 'what mod_proxy_msrpc did for Outlook, Outrigger does on every path that moved to Exchange';
    remark(entry, 'translated', 'APACHE_CARRIED', message, { hint: 'Apache can do without the module afterwards.' });
    return undefined;
  }
  const hint = nearestDirective(name);
  const message = `${name} is no directive of httpd; it stays with Apache`;
  remark(entry, 'unknown', 'APACHE_UNKNOWN_DIRECTIVE', message, hint === undefined ? {} : { hint });
  return undefined;
}
