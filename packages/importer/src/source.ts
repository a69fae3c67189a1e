// Room: where configs come from: a disk or memory, and the globs in them. The only file of this package that reads files.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** A config file. `text` is latin1: one character is one byte of the file. */
export type SourceFile = { path: string; text: string };

/** A config file as a report shows it, line by line: secrets masked, text as a person reads it. */
export type ShownFile = { path: string; lines: string[] };

export type ReadResult = { kind: 'file'; file: SourceFile } | { kind: 'missing'; message: string };

export type Reader = {
  read(path: string): ReadResult;
  /** Paths that match a glob(3) pattern, sorted by bytes as glob(3) in the C locale does; empty where none does. */
  glob(pattern: string): string[];
};

/** A config larger than this is no config (bytes). Value files of acls reach a few MiB. */
const FILE_MAX = 64 * 1024 * 1024;

const GLOB = /[*?[]/;

/** Reads from the disk. Relative paths are taken from the working directory. */
export function diskReader(): Reader {
  return {
    read: (path) => {
      try {
        const bytes = readFileSync(path);
        if (bytes.length > FILE_MAX) return { kind: 'missing', message: `it is larger than ${FILE_MAX} bytes` };
        return { kind: 'file', file: { path, text: bytes.toString('latin1') } };
      } catch (error) {
        return { kind: 'missing', message: reasonOf(error) };
      }
    },
    glob: (pattern) => expandGlob(pattern, listDirectory),
  };
}

/** Reads from memory: path to content. For tests and for configs that came some other way. */
export function memoryReader(files: Readonly<Record<string, string>>): Reader {
  const paths = Object.keys(files);
  const list = (directory: string): string[] => {
    const inside = directory === '' ? paths : paths.filter((path) => path.startsWith(`${directory}/`));
    const start = directory === '' ? 0 : directory.length + 1;
    return [...new Set(inside.map((path) => path.slice(start).split('/')[0] ?? ''))];
  };
  return {
    read: (path) => {
      const text = files[path];
      if (text === undefined) return { kind: 'missing', message: 'there is no such file' };
      return { kind: 'file', file: { path, text } };
    },
    glob: (pattern) => expandGlob(pattern, list),
  };
}

/** The same reader, which remembers in `files` what it was asked for and had, each file once and in order. */
export function recordingReader(reader: Reader): Reader & { files: readonly SourceFile[] } {
  const files = new Map<string, SourceFile>();
  return {
    get files() {
      return [...files.values()];
    },
    glob: reader.glob,
    read: (path) => {
      const result = reader.read(path);
      if (result.kind === 'file') files.set(path, result.file);
      return result;
    },
  };
}

/** Path of a file named inside another one: absolute as it is, relative from the folder of `from`. */
export function pathBeside(from: string, path: string): string {
  if (path.startsWith('/')) return path;
  const folder = dirname(from);
  return folder === '.' ? path : folder.startsWith('/') ? resolve(folder, path) : `${folder}/${path}`;
}

/** True where `path` asks for a search rather than naming one file. */
export function isGlob(path: string): boolean {
  return GLOB.test(path);
}

function expandGlob(pattern: string, list: (directory: string) => string[]): string[] {
  const [root, steps] = pattern.startsWith('/') ? ['/', pattern.slice(1).split('/')] : ['', pattern.split('/')];
  let found = [root];
  for (const [index, step] of steps.entries()) {
    const join = (parent: string, name: string): string =>
      (parent === '' || parent === '/' ? parent : `${parent}/`) + name;
    if (!isGlob(step)) {
      const isLast = index === steps.length - 1;
      found = found.map((parent) => join(parent, step)).filter((path) => !isLast || exists(path, list));
      continue;
    }
    const wanted = globStep(step);
    found = found.flatMap((parent) =>
      list(parent)
        .filter((name) => wanted.test(name))
        .map((name) => join(parent, name)),
    );
  }
  return found.sort(byBytes);
}

function exists(path: string, list: (directory: string) => string[]): boolean {
  const slash = path.lastIndexOf('/');
  return list(slash === -1 ? '' : path.slice(0, slash) || '/').includes(path.slice(slash + 1));
}

/** One step of a path as glob(3) reads it: `*` and `?` stop at slashes and never match a leading dot. */
function globStep(step: string): RegExp {
  const body = step.replace(/\[!?\]?[^\]]*\]|[\s\S]/g, (part) => {
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    if (part.length > 1) return `[${part.slice(1, -1).replace(/^!/, '^').replaceAll('\\', '\\\\')}]`;
    return part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  });
  return new RegExp(`^${step.startsWith('.') ? '' : '(?!\\.)'}${body}$`);
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function listDirectory(directory: string): string[] {
  try {
    return readdirSync(directory === '' ? '.' : directory);
  } catch {
    // A folder that cannot be listed matches nothing, as in glob(3).
    return [];
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a directory';
  return error instanceof Error ? error.message : String(error);
}
