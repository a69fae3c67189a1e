// Room: ProxyPass lines, as values, in the order in which Apache asks them. Pure.
// Source: modules/proxy/mod_proxy.c add_pass, alias_match, merge_proxy_dir_config (AP-50 to AP-68).
import type { Server, Servers } from './servers.ts';
import type { ConfigNode, Directive, Section } from './tree.ts';

/** The paths a line is for: those with a prefix (`whole`: in whole segments), exactly those of a pattern, or nobody can say. */
export type Paths = { kind: 'prefix'; prefix: string } | { kind: 'pattern'; pattern: string } | { kind: 'unclear' };

/** One line. `target` absent: `!`, not proxied. */
export type ProxyLine = {
  directive: Directive;
  section?: Section;
  paths: Paths;
  target?: string;
  parameters: ReadonlyMap<string, string>;
  /** It takes no path. */
  isDead?: true;
};

const SECTIONS = ['location', 'locationmatch'];

/**
 * Lines of a server as one list in which the first match decides: those of sections from the last to the first, for the last
 * section wins and beats all others (AP-61 to AP-64); then those outside, the main server's first (AP-59), whatever ProxyPassInherit says (AP-164).
 */
export function proxyLines(servers: Servers, server: Server): ProxyLine[] {
  const inSections = locationsOf(servers, server).flatMap((section) =>
    section.children
      .filter(isProxyPass)
      .slice(-1)
      .flatMap((directive) => {
        const [target = '', ...parameters] = directive.words.map(({ text }) => text);
        const line = lineOf(directive, pathsOf(section), target, parameters, section);
        if (line.paths.kind !== 'pattern' || directive.key === 'proxypassmatch') return [line];
        // A plain ProxyPass in a section of a pattern takes nothing (AP-65), and still hides those of sections before it; one
        // whose pattern looks like a wildcard takes the whole path.
        const isDead = !/[*?[]/.test(line.paths.pattern);
        return [isDead ? { ...line, isDead } : { ...line, paths: { kind: 'unclear' as const } }];
      }),
  );
  const inOrder = inFileOrder(servers, server).filter(isProxyPass);
  return [...inSections.reverse(), ...inOrder.map(outsideLine)];
}

/** Location and LocationMatch sections of the main server, then of the virtual host, in the order of the file. */
export function locationsOf(servers: Servers, server: Server): Section[] {
  return inFileOrder(servers, server).filter(
    (node): node is Section => node.kind === 'section' && SECTIONS.includes(node.key),
  );
}

/** What a section is for. A path with wildcards and `~` are patterns of another kind. */
export function pathsOf({ key, words }: Section): Paths {
  const [first = '', second] = words.map(({ text }) => text);
  if (key === 'locationmatch') return { kind: 'pattern', pattern: first };
  if (first === '~') return { kind: 'pattern', pattern: second ?? '' };
  if (/[*?[\]]/.test(first)) return { kind: 'unclear' };
  return first.startsWith('/') ? { kind: 'prefix', prefix: first } : { kind: 'unclear' };
}

function inFileOrder({ main }: Servers, server: Server): readonly ConfigNode[] {
  return server.kind === 'main' ? main.nodes : [...main.nodes, ...server.nodes];
}

function isProxyPass(node: ConfigNode): node is Directive {
  return node.kind === 'directive' && (node.key === 'proxypass' || node.key === 'proxypassmatch');
}

function outsideLine(directive: Directive): ProxyLine {
  const words = directive.words.map(({ text }) => text);
  const isPattern = directive.key === 'proxypassmatch' || words[0] === '~';
  const [path = '', target = '', ...parameters] = words[0] === '~' ? words.slice(1) : words;
  const paths: Paths = isPattern ? { kind: 'pattern', pattern: path } : { kind: 'prefix', prefix: path };
  return lineOf(directive, paths, target, parameters);
}

function lineOf(directive: Directive, paths: Paths, target: string, words: string[], section?: Section): ProxyLine {
  const parameters = new Map(
    words.map((word): [string, string] => {
      const equals = word.indexOf('=');
      return equals === -1 ? [word.toLowerCase(), 'on'] : [word.slice(0, equals).toLowerCase(), word.slice(equals + 1)];
    }),
  );
  return { directive, paths, parameters, ...(section && { section }), ...(target !== '!' && { target }) };
}
