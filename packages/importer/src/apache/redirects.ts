// Room: Redirect and its kin: the first that takes a path, and where it sends the client. Pure.
// Source: modules/mappers/mod_alias.c (AP-70, AP-75, AP-76).
import { compileFinder } from '@outrigger/rules';
import { prefixLength } from './requestpath.ts';
import type { Server, Servers } from './servers.ts';
import type { ConfigNode, Directive } from './tree.ts';

/** `url` may lack scheme and host; statuses without one have none. */
export type Redirected = { status: number; url?: string };

const REDIRECT_STATUS: Readonly<Record<string, number>> = { permanent: 301, temp: 302, seeother: 303, gone: 410 };
/** Directives of mod_alias that redirect, and the status of those that have one of their own. */
const REDIRECTS: Readonly<Record<string, number | undefined>> = {
  redirect: undefined,
  redirectmatch: undefined,
  redirectpermanent: 301,
  redirecttemp: 302,
};

/** True for a directive that redirects. */
export function isRedirect(node: ConfigNode): node is Directive {
  return node.kind === 'directive' && node.key in REDIRECTS;
}

/** Those of the server itself first, then those of the main server, as mod_alias merges them. */
export function redirectLines({ main }: Servers, server: Server): Directive[] {
  return [...server.nodes, ...(server.kind === 'main' ? [] : main.nodes)].filter(isRedirect);
}

/** The first of `lines` that takes the path; undefined where none does. */
export function redirectOf(path: string, lines: readonly Directive[]): Redirected | undefined {
  for (const line of lines) {
    const words = line.words.map(({ text }) => text);
    const own = REDIRECTS[line.key];
    const named = own ?? statusNamed(words[0] ?? '');
    const [from = '', to] = own === undefined && named !== undefined ? words.slice(1) : words;
    const url = line.key === 'redirectmatch' ? matched(path, from, to) : spliced(path, from, to);
    if (url !== undefined) return { status: named ?? 302, ...(to !== undefined && { url }) };
  }
  return undefined;
}

function statusNamed(word: string): number | undefined {
  return REDIRECT_STATUS[word.toLowerCase()] ?? (/^\d+$/.test(word) ? Number(word) : undefined);
}

function spliced(path: string, prefix: string, to = ''): string | undefined {
  const length = prefixLength(path, prefix);
  return length === 0 ? undefined : to + escapedUri(path.slice(length));
}

function matched(path: string, pattern: string, to = ''): string | undefined {
  const compiled = compileFinder(pattern, false);
  const found = compiled.ok ? compiled.finder.find(path) : undefined;
  return found === undefined
    ? undefined
    : to.replace(/\$(\d)/g, (_, digit: string) => escapedUri(found[Number(digit)] ?? ''));
}

/** ap_os_escape_path, as redirects have it. */
export function escapedUri(path: string): string {
  return path.replace(
    /[^A-Za-z0-9$\-_.+!*'(),:@&=/~;]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
