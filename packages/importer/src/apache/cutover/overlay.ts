// Room: a reader that sees the files as they would be after a change: so that what is planned is read again as Apache would read it. Pure.
import { type FolderEntry, folderOf, pathIn, type Reader } from '../../source.ts';
import type { FileChange } from './change.ts';

/** `reader` with `changes` made. */
export function changedReader(reader: Reader, changes: readonly FileChange[]): Reader {
  const byPath = new Map(changes.map((change) => [change.path, change]));
  const read: Reader['read'] = (path) => {
    const change = byPath.get(path);
    if (change === undefined) return reader.read(path);
    if (change.kind === 'link') {
      const result = read(pathIn(folderOf(path), change.target));
      return result.kind === 'file' ? { kind: 'file', file: { path, text: result.file.text } } : result;
    }
    return { kind: 'file', file: { path, text: change.after } };
  };
  return {
    read,
    list: (folder) => {
      const listed = reader.list(folder);
      const own = changes.filter(({ kind, path }) => kind !== 'edit' && folderOf(path) === folder);
      if (listed === undefined || own.length === 0) return listed;
      const entries = own.map(({ kind, path }): FolderEntry => {
        return { name: path.slice(path.lastIndexOf('/') + 1), kind: kind === 'link' ? 'link' : 'file' };
      });
      const kept = listed.filter(({ name }) => !entries.some((each) => each.name === name));
      return [...kept, ...entries].sort((a, b) => byBytes(a.name, b.name));
    },
    // Apache's Includes are followed folder by folder.
    glob: reader.glob,
    linkAt: (path) => {
      const change = byPath.get(path);
      return change?.kind === 'link' ? pathIn(folderOf(path), change.target) : reader.linkAt(path);
    },
  };
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
