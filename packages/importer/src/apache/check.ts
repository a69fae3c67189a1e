// Room: what Apache refuses once it has read everything: names no module brings, sections and directives where they may
// not stand. In the order of the tree, as Apache walks it. Pure.
// Source: httpd 2.4 server/config.c, ap_walk_config_sub and invoke_cmd (AP-9, AP-24).
import { remark } from '../ledger.ts';
import { isProvided, knownDirective, nearestDirective } from './directives.ts';
import type { ConfigNode, ConfigTree, Refusal } from './tree.ts';

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
  return firstMistake(nodes, { modules, isNarrow: false, isVirtual: false, isLocation: false });
}

/** `isNarrow`, `isVirtual`, `isLocation`: inside a section of that kind. */
type Context = { modules: ConfigTree['modules']; isNarrow: boolean; isVirtual: boolean; isLocation: boolean };

function firstMistake(nodes: readonly ConfigNode[], context: Context): Refusal | undefined {
  for (const node of nodes) {
    const message = mistake(node, context);
    if (message !== undefined) {
      remark(node.entry, 'malformed', 'APACHE_REFUSED', `Apache does not start with this line: ${message}`);
      return { at: node.at, reported: node.reported, message };
    }
    if (node.kind === 'directive') continue;
    const inside = firstMistake(node.children, {
      ...context,
      isNarrow: context.isNarrow || NARROW.has(node.key),
      isVirtual: context.isVirtual || node.key === 'virtualhost',
      isLocation: context.isLocation || node.key === 'location' || node.key === 'locationmatch',
    });
    if (inside !== undefined) return inside;
  }
  return undefined;
}

function mistake(node: ConfigNode, { modules, isNarrow, isVirtual, isLocation }: Context): string | undefined {
  const name = node.kind === 'section' ? `<${node.name}` : node.name;
  const known = knownDirective(name);
  const loaded = modules.loadedFiles();
  if (known === undefined) return unknown(node, modules.foreign.length > 0 || loaded === undefined);
  if (loaded !== undefined && !isProvided(known, loaded)) return `${known.module}, which brings it, is not loaded`;
  if (known.place === 'global' && isVirtual) return 'it must not stand in a VirtualHost';
  if ((known.place === 'server' || known.place === 'global') && isNarrow) return 'it must not stand in such a section';
  if (known.place === 'inside' && !isNarrow) return 'it must stand in a Directory, Location, Files or If section';
  if (node.kind === 'directive') return undefined;
  if (isLocation && /^files(?:match)?$/.test(node.key)) return 'it must not stand in a Location section';
  if (node.isOpen) return 'it has no closing >';
  return node.rest.trim() === '' && !MAY_BE_EMPTY.has(node.key) ? 'it names nothing' : undefined;
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
