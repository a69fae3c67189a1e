// Room: the lines of Apache that change when Outrigger takes an address: Listen, VirtualHost, and what a virtual host must be told
// where TLS ends before it. Pure.
import type { Reader } from '../../source.ts';
import type { Listen, VirtualHost } from '../servers.ts';
import type { ConfigNode } from '../tree.ts';
import { directivesOf } from '../tree.ts';
import { changed, type FileChange, type LineChange } from './change.ts';
import { type MovedDoor, written } from './door.ts';

/** A line and what it becomes; `lines` from the text it has. */
type Edit = { node: ConfigNode; lines: (text: string[]) => string[] };

/** A second address for a site, in front of what ends its line. */
const SECTION_END = /\s*>\s*$/;

/**
 * The changed files, or the line that cannot be changed. A VirtualHost keeps its old address and is given the new one beside it: the
 * first one is the port that Apache takes for its own in redirects and SERVER_PORT (server/vhost.c, ap_parse_vhost_addrs).
 */
export function editFiles(
  doors: readonly MovedDoor[],
  reader: Reader,
): { kind: 'files'; files: FileChange[] } | { kind: 'failed'; node: ConfigNode; message: string } {
  const edits = [...listenEdits(doors), ...doors.flatMap(hostEdits)];
  const byLine = new Map<string, { node: ConfigNode; edits: Edit[] }>();
  for (const edit of edits) {
    const key = `${edit.node.at.file}\n${edit.node.at.line}`;
    const known = byLine.get(key);
    if (known === undefined) byLine.set(key, { node: edit.node, edits: [edit] });
    else known.edits.push(edit);
  }
  const files = new Map<string, LineChange[]>();
  const texts = new Map<string, string>();
  for (const { node, edits: ofLine } of byLine.values()) {
    const { file, line: first } = node.at;
    const result = reader.read(file);
    if (result.kind === 'missing') return { kind: 'failed', node, message: result.message };
    texts.set(file, result.file.text);
    const last = Math.max(first, node.entry.lastLine);
    const text = result.file.text.split(/\r?\n/).slice(first - 1, last);
    const made = new Set(ofLine.filter(({ node: each }) => each !== node).map(({ lines }) => lines(text).join('\n')));
    const own = ofLine.filter(({ node: each }) => each === node);
    const lines = own.reduce((made, edit) => edit.lines(made), text);
    // A line of a macro is met at each of its uses, and may be another thing at each.
    if ([...made].some((each) => each !== lines.join('\n') && own.length === 1))
      return { kind: 'failed', node, message: 'its macro is used for several things: change it by hand' };
    if (lines.join('\n') === text.join('\n')) continue;
    files.set(file, [...(files.get(file) ?? []), withoutKept(text, { first, last, lines })]);
  }
  return {
    kind: 'files',
    files: [...files].map(([path, changes]) => {
      const before = texts.get(path) ?? '';
      return { kind: 'edit', path, before, after: changed(before, changes), changes };
    }),
  };
}

/** Of a line over several, only the part that changes. */
function withoutKept(text: readonly string[], { first, last, lines }: LineChange): LineChange {
  const same = text.findIndex((line, at) => line !== lines[at]);
  const front = same === -1 ? text.length : same;
  return { first: first + front, last, lines: lines.slice(front) };
}

/** Each Listen line becomes those of the places on loopback; where another line says them already, it is switched off. */
function listenEdits(doors: readonly MovedDoor[]): Edit[] {
  const said = new Set<string>();
  return [...new Set(doors.flatMap(({ listens }) => listens))].map((listen) => {
    const own = doors.filter(({ listens }) => listens.includes(listen)).map((door) => listenLine(door, listen));
    const fresh = own.filter((line) => !said.has(line));
    for (const line of fresh) said.add(line);
    return {
      node: listen.directive,
      lines: (text) => {
        const [indent = ''] = /^\s*/.exec(text[0] ?? '') ?? [];
        if (fresh.length === 0) return text.map((line) => `${indent}# Outrigger listens there: ${line.trim()}`);
        return fresh.map((line) => indent + line);
      },
    };
  });
}

function listenLine({ place, listener }: MovedDoor, { protocol }: Listen): string {
  // Apache takes https for granted on port 443 alone, and http anywhere else.
  const spoken = place.isPlain ? (protocol === 'https' || listener.tls !== undefined ? 'http' : protocol) : protocol;
  return `Listen ${written(place)}${spoken === 'http' && !place.isPlain ? '' : ` ${spoken}`}`;
}

function hostEdits({ set, place, upstream, listener }: MovedDoor): Edit[] {
  const sendsProxy = upstream.proxyProtocol !== undefined;
  const endsTls = place.isPlain && listener.tls !== undefined;
  return set.flatMap(({ server }): Edit[] => {
    const told = [
      ...(sendsProxy ? ['RemoteIPProxyProtocol On'] : []),
      ...(endsTls ? ['SSLEngine off', 'SetEnvIf X-Forwarded-Proto "^https$" HTTPS=on'] : []),
    ];
    return [
      {
        node: server.section,
        lines: (text) => {
          const end = text.findLastIndex((line) => SECTION_END.test(line));
          const added = told.map((line) => `${indentOf(text)}\t${line}`).filter((line) => !text.includes(line));
          const opened = text.map((line, at) => (at === end ? line.replace(SECTION_END, ` ${written(place)}>`) : line));
          return [...opened, ...added];
        },
      },
      ...(endsTls ? plainEdits(server) : []),
    ];
  });
}

function indentOf(text: readonly string[]): string {
  return /^\s*/.exec(text[0] ?? '')?.[0] ?? '';
}

/** Where TLS ends before Apache: no TLS of its own, and redirects to itself with https. */
function plainEdits({ nodes, serverName, port }: VirtualHost): Edit[] {
  const off = directivesOf(nodes, 'sslengine').map(
    (node): Edit => ({ node, lines: (text) => text.map((line) => line.replace(/^(\s*)/, '$1# ')) }),
  );
  const named = directivesOf(nodes, 'servername').slice(-1);
  return [
    ...off,
    ...named.map(
      (node): Edit => ({
        node,
        lines: (text) => [`${indentOf(text)}ServerName https://${serverName ?? ''}:${port ?? 443}`],
      }),
    ),
  ];
}
