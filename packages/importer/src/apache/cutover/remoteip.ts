// Room: how Apache learns the client's address from Outrigger: mod_remoteip loaded, and told whom to believe, in a file of its own
// where the distribution has a place for one. Pure.
import { pathIn, type Reader } from '../../source.ts';
import { remoteIpLines, trustsLoopback } from '../loopback.ts';
import { everyNode } from '../settings.ts';
import type { ConfigNode, ConfigTree } from '../tree.ts';
import { changed, type FileChange } from './change.ts';
import type { MovedDoor } from './door.ts';

const SAYS = '# Written by outrigger plan: the client is whom Outrigger names, and nobody else is believed.';

/**
 * What is to be written so that `tree` believes Outrigger; empty where it does already. `root`: the folder that conf-enabled or conf.d is
 * in; `inMain`: at the end of the main file, for a tree that does not read those.
 */
export function remoteIpFiles(
  tree: ConfigTree,
  doors: readonly MovedDoor[],
  {
    main,
    root,
    reader,
    edits,
    inMain,
  }: { main: string; root: string; reader: Reader; edits: readonly FileChange[]; inMain: boolean },
): { kind: 'files'; files: FileChange[] } | { kind: 'failed'; node: ConfigNode; message: string } {
  const missing = doors.filter(
    ({ place, upstream }) =>
      upstream.proxyProtocol === undefined && !trustsLoopback(tree, { host: inBrackets(place.host) }),
  );
  const { loaded } = tree.modules.has('remoteip_module');
  const needsModule = !loaded && doors.length > 0;
  const isListed = (name: string): boolean => reader.list(pathIn(root, name)) !== undefined;
  const file = (name: string): boolean => reader.read(pathIn(root, name)).kind === 'file';
  const files: FileChange[] = [];
  const loadsByLink = !inMain && needsModule && isListed('mods-enabled') && file('mods-available/remoteip.load');
  if (loadsByLink)
    files.push({
      kind: 'link',
      path: pathIn(root, 'mods-enabled/remoteip.load'),
      target: '../mods-available/remoteip.load',
    });
  if (missing.length > 0) {
    const other = [...everyNode(tree.nodes)].find(
      ({ key, words }) => key === 'remoteipheader' && words[0]?.text.toLowerCase() !== 'x-forwarded-for',
    );
    if (other !== undefined)
      return { kind: 'failed', node: other, message: 'Apache takes the client from another field already' };
  }
  const lines = [
    ...(needsModule && !loadsByLink ? [loadLine(tree)] : []),
    ...new Set(missing.flatMap(({ place }) => remoteIpLines({ host: inBrackets(place.host) }))),
  ];
  if (lines.length === 0) return { kind: 'files', files };
  const text = [SAYS, ...lines, ''].join('\n');
  if (!inMain && isListed('conf-available') && isListed('conf-enabled')) {
    files.push({ kind: 'create', path: pathIn(root, 'conf-available/outrigger.conf'), after: text });
    files.push({
      kind: 'link',
      path: pathIn(root, 'conf-enabled/outrigger.conf'),
      target: '../conf-available/outrigger.conf',
    });
  } else if (!inMain && isListed('conf.d')) {
    files.push({ kind: 'create', path: pathIn(root, 'conf.d/outrigger.conf'), after: text });
  } else files.push(appended(main, [SAYS, ...lines], edits, reader));
  return { kind: 'files', files };
}

/** A host as an address with a port writes it. */
export function inBrackets(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** From the folder of the module that was loaded last. */
function loadLine({ nodes }: ConfigTree): string {
  const last = [...everyNode(nodes)].findLast(({ key }) => key === 'loadmodule')?.words[1]?.text ?? 'modules/x';
  return `LoadModule remoteip_module ${last.replace(/[^/]*$/, '')}mod_remoteip.so`;
}

/** Lines at the end of the main file, beside what is changed in it already. */
function appended(main: string, lines: string[], edits: readonly FileChange[], reader: Reader): FileChange {
  const known = edits.find((each) => each.path === main && each.kind === 'edit');
  const result = reader.read(main);
  const before = result.kind === 'file' ? result.file.text : '';
  const count = before.split('\n').length;
  const isEnded = before.endsWith('\n');
  // A last line without its end gets one, with the line itself.
  const last = isEnded ? [] : [before.split('\n').at(-1) ?? ''];
  const change = isEnded
    ? { first: count, last: count - 1, lines }
    : { first: count, last: count, lines: [...last, ...lines] };
  const changes = [...(known?.kind === 'edit' ? known.changes : []), change];
  return { kind: 'edit', path: main, before, after: changed(before, changes), changes };
}
