// Room: from what a person gives, a folder or a file, to the main file, the ServerRoot it means and its environment.
import { folderOf, pathIn, type Reader } from '../source.ts';
import { type Environment, readEnvvars } from './envvars.ts';

/** Where reading begins. `root` is what relative paths are taken from until a ServerRoot line says otherwise. */
export type Layout = { main: string; root: string; envvars?: Environment & { file: string } };

/** Main files by distribution: Debian, Red Hat and SUSE, a build from source. */
const MAIN_FILES = ['apache2.conf', 'conf/httpd.conf', 'httpd.conf'];

/** Folders of a ServerRoot that hold parts of a configuration, so that a single site is read as Apache would read it. */
const PART_FOLDERS = /(?:^|\/)(?:conf|conf\.d|(?:sites|conf|mods)-(?:available|enabled)|vhosts\.d|extra)$/;

export function findLayout(
  given: string,
  reader: Reader,
): { kind: 'layout'; layout: Layout } | { kind: 'missing'; message: string } {
  const path = given === '' || given === '.' ? '' : given.replace(/(?<=.)\/+$/, '');
  if (reader.list(path) === undefined) return { kind: 'layout', layout: withEnvvars(path, rootOf(path), reader) };
  const found = MAIN_FILES.map((name) => pathIn(path, name)).find((name) => reader.read(name).kind === 'file');
  if (found !== undefined) return { kind: 'layout', layout: withEnvvars(found, path, reader) };
  return { kind: 'missing', message: `${given} holds none of ${MAIN_FILES.join(', ')}` };
}

function rootOf(file: string): string {
  const folder = folderOf(file);
  return PART_FOLDERS.test(folder) ? folderOf(folder) : folder;
}

function withEnvvars(main: string, root: string, reader: Reader): Layout {
  const file = pathIn(root, 'envvars');
  const result = reader.read(file);
  if (result.kind === 'missing') return { main, root };
  return { main, root, envvars: { file, ...readEnvvars(result.file.text, root) } };
}
