// Room: the files an Include names, in the order in which Apache reads them.
// Source: httpd 2.4 server/config.c, ap_process_fnmatch_configs and its helpers (AP-10 to AP-12).
import { matchesGlob, type Reader } from '../source.ts';

/** Folders inside folders that one Include reads at most (httpd 2.4, AP_MAX_INCLUDE_DIR_DEPTH). */
const FOLDER_DEPTH_MAX = 20;

/** A step with a wildcard in it. A bracket that nothing closes is a letter. */
const PATTERN = /[*?]|\[[^\]]*\]/;

/**
 * A file to read; one that is not there, with the reason, where it need not be; or a reason why Apache ends here. What stands before
 * a refusal is read first.
 */
export type Included =
  | { kind: 'file'; path: string }
  | { kind: 'absent'; path: string; message: string }
  | { kind: 'refused'; message: string };

/** `path` is absolute, or relative to the working directory of the reader; `isOptional`: what is not there is no trouble. */
export function includedFiles(path: string, reader: Reader, isOptional: boolean): Included[] {
  const isAbsolute = path.startsWith('/');
  const steps = path.split('/').filter((step) => step !== '');
  return matching(isAbsolute ? '/' : '', steps, { reader, isOptional });
}

type Search = { reader: Reader; isOptional: boolean };

function matching(folder: string, [step, ...rest]: string[], search: Search): Included[] {
  if (step === undefined) return everything(folder, 0, search);
  if (!PATTERN.test(step)) {
    return rest.length > 0 ? matching(join(folder, step), rest, search) : everything(join(folder, step), 0, search);
  }
  const found = (search.reader.list(folder) ?? [])
    .filter(({ name, kind }) => matchesGlob(step, name) && (rest.length === 0 || kind === 'folder'))
    .map(({ name }) => join(folder, name));
  if (found.length === 0 && !search.isOptional) {
    return [{ kind: 'refused', message: `nothing in ${folder} matches ${step}` }];
  }
  return found.flatMap((path) => (rest.length > 0 ? matching(path, rest, search) : everything(path, 0, search)));
}

/** A file; of a folder every file, whatever its name, and those of its folders (AP-11). */
function everything(path: string, depth: number, search: Search): Included[] {
  if (depth > FOLDER_DEPTH_MAX) {
    return [{ kind: 'refused', message: `${path} is a folder more than ${FOLDER_DEPTH_MAX} deep` }];
  }
  const entries = search.reader.list(path);
  if (entries !== undefined) return entries.flatMap(({ name }) => everything(join(path, name), depth + 1, search));
  const result = search.reader.read(path);
  if (result.kind === 'file') return [{ kind: 'file', path }];
  return search.isOptional
    ? [{ kind: 'absent', path, message: result.message }]
    : [{ kind: 'refused', message: `${path} cannot be read: ${result.message}` }];
}

function join(folder: string, name: string): string {
  return folder === '' || folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`;
}
