// Room: from what a person gives, a folder or a file, to the main file, the ServerRoot it means and its environment.
import { folderOf, pathIn, type Reader } from '../source.ts';
import { debianEnvironment, type Environment, namesGiven, readEnvvars } from './envvars.ts';

/**
 * Where reading begins. `root` is what relative paths are taken from until a ServerRoot line says otherwise. `envvars`: what its
 * service starts it with, and the names (-D) among that.
 */
export type Layout = { main: string; root: string; envvars?: Environment & { file: string; names: string[] } };

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

/** What distributions start Apache with: a file taken from the root, the variable of its options, and what is known before it. */
const SERVICE_FILES = [
  { main: /(?:^|\/)conf\/httpd\.conf$/, file: '../sysconfig/httpd', options: 'OPTIONS', known: () => [] },
  { main: /./, file: 'envvars', options: 'APACHE_ARGUMENTS', known: debianEnvironment },
] as const;

function withEnvvars(main: string, root: string, reader: Reader): Layout {
  for (const { main: form, file: name, options, known } of SERVICE_FILES) {
    const file = pathIn(root, name);
    const result = form.test(main) ? reader.read(file) : undefined;
    if (result?.kind !== 'file') continue;
    const { values, unread } = readEnvvars(result.file.text, known(root));
    return { main, root, envvars: { file, values, unread, names: namesGiven(values.get(options) ?? '') } };
  }
  return { main, root };
}
