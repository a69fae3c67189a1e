// Room: where configs come from: a disk or memory, and the globs in them. The only file of this package that reads files.
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { dirname, posix, resolve } from 'node:path';

/** A config file. `text` is latin1: one character is one byte of the file. */
export type SourceFile = { path: string; text: string };

/** A config file as a report shows it, line by line: secrets masked, text as a person reads it. */
export type ShownFile = { path: string; lines: string[] };

export type ReadResult = { kind: 'file'; file: SourceFile } | { kind: 'missing'; message: string };

/** What stands in a folder. A link is a link, wherever it leads. */
export type FolderEntry = { name: string; kind: 'file' | 'folder' | 'link' };

export type Reader = {
  read(path: string): ReadResult;
  /** What is in a folder, sorted by bytes; undefined where there is no such folder. Follows a link to one. */
  list(path: string): FolderEntry[] | undefined;
  /** Paths that match a glob(3) pattern, sorted by bytes as glob(3) in the C locale does; empty where none does. */
  glob(pattern: string): string[];
  /** Where the link at `path` leads, one step, taken from its folder; undefined where there is no link. */
  linkAt(path: string): string | undefined;
};

/** A config larger than this is no config (bytes). Value files of acls reach a few MiB. */
const FILE_MAX = 64 * 1024 * 1024;

const GLOB = /[*?[]/;

/** Reads from the disk. Relative paths are taken from the working directory. */
export function diskReader(): Reader {
  return {
    read: (path) => {
      try {
        const tooLarge: ReadResult = { kind: 'missing', message: `it is larger than ${FILE_MAX} bytes` };
        // Asked before any memory is spent; a pipe has no size until it was read.
        if (statSync(path).size > FILE_MAX) return tooLarge;
        const bytes = readFileSync(path);
        if (bytes.length > FILE_MAX) return tooLarge;
        return { kind: 'file', file: { path, text: bytes.toString('latin1') } };
      } catch (error) {
        return { kind: 'missing', message: reasonOf(error) };
      }
    },
    list: (folder) => listFolder(folder === '' ? '.' : folder),
    glob: (pattern) => expandGlob(pattern, (folder) => (listFolder(folder === '' ? '.' : folder) ?? []).map(nameOf)),
    linkAt: (path) => {
      try {
        return pathIn(folderOf(path), readlinkSync(path));
      } catch {
        return undefined; // no link, or nothing at all: whoever reads it finds out which
      }
    },
  };
}

/** Reads from memory: path to content. For tests and for configs that came some other way; no links. */
export function memoryReader(files: Readonly<Record<string, string>>): Reader {
  const paths = Object.keys(files);
  const list = (folder: string): FolderEntry[] | undefined => {
    const start = folder === '' ? '' : folder.endsWith('/') ? folder : `${folder}/`;
    const inside = paths.filter((path) => path.startsWith(start)).map((path) => path.slice(start.length));
    if (inside.length === 0) return undefined;
    const kinds = new Map(inside.map((path) => [path.split('/', 1)[0] ?? '', path.includes('/')] as const));
    return [...kinds].map(([name, isFolder]) => entry(name, isFolder ? 'folder' : 'file')).sort(byName);
  };
  return {
    read: (path) => {
      const text = files[path];
      if (text === undefined) return { kind: 'missing', message: 'there is no such file' };
      return { kind: 'file', file: { path, text } };
    },
    list,
    glob: (pattern) => expandGlob(pattern, (folder) => (list(folder) ?? []).map(nameOf)),
    linkAt: () => undefined,
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
    linkAt: reader.linkAt,
    list: reader.list,
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
  const folder = folderOf(from);
  return folder === '' ? path : folder.startsWith('/') ? resolve(folder, path) : `${folder}/${path}`;
}

/** `name` taken from `folder`, without dot segments. The empty folder is the working directory of the reader. */
export function pathIn(folder: string, name: string): string {
  return posix.normalize(name.startsWith('/') || folder === '' ? name : `${folder}/${name}`);
}

/** The folder a path is in; empty where it names none. */
export function folderOf(path: string): string {
  const folder = dirname(path);
  return folder === '.' ? '' : folder;
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
    found = found.flatMap((parent) =>
      list(parent)
        .filter((name) => matchesGlob(step, name))
        .map((name) => join(parent, name)),
    );
  }
  return found.sort(byBytes);
}

function exists(path: string, list: (directory: string) => string[]): boolean {
  const slash = path.lastIndexOf('/');
  return list(slash === -1 ? '' : path.slice(0, slash) || '/').includes(path.slice(slash + 1));
}

/** Whether `name` matches one step of a path as glob(3) reads it: `*` and `?` stop at slashes and never match a leading dot. */
export function matchesGlob(step: string, name: string): boolean {
  const body = step.replace(/\[!?\]?[^\]]*\]|[\s\S]/g, (part) => {
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    if (part.length > 1) return `[${part.slice(1, -1).replace(/^!/, '^').replaceAll('\\', '\\\\')}]`;
    return part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  });
  try {
    return new RegExp(`^${step.startsWith('.') ? '' : '(?!\\.)'}${body}$`).test(name);
  } catch {
    return false; // a range that ends before it begins, [z-a], holds no character
  }
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function listFolder(folder: string): FolderEntry[] | undefined {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .map((each) => entry(each.name, each.isDirectory() ? 'folder' : each.isSymbolicLink() ? 'link' : 'file'))
      .sort(byName);
  } catch {
    // A folder that cannot be listed holds nothing, as in glob(3).
    return undefined;
  }
}

function entry(name: string, kind: FolderEntry['kind']): FolderEntry {
  return { name, kind };
}

function nameOf({ name }: FolderEntry): string {
  return name;
}

function byName(a: FolderEntry, b: FolderEntry): number {
  return byBytes(a.name, b.name);
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a directory';
  return error instanceof Error ? error.message : String(error);
}
