// Room: where each value of a YAML document stands, and which comments the importer left at it.
import { type Document, isMap, isNode, isPair, isScalar, isSeq, type LineCounter, type Node, type Pair } from 'yaml';
import type { SourceRef } from './diagnostic.ts';

/** Keys and indexes from the root of a document to a value. */
export type DocumentPath = readonly (string | number)[];

export type Positions = {
  /** Place of a value; of the deepest existing ancestor where the value itself is missing. */
  at(path: DocumentPath): SourceRef;
  /** Place of a key inside the map at `path`. */
  atKey(path: DocumentPath, key: string): SourceRef;
  /** Lines of a foreign config named by `# from FILE:LINE directive` comments before the value. */
  importedFrom(path: DocumentPath): SourceRef[];
};

/** Reads positions off a parsed document. `file` is the name printed before line and column. */
export function positionsOf(document: Document, lineCounter: LineCounter, file: string): Positions {
  const place = (offset: number, path: DocumentPath): SourceRef => {
    const { line, col } = lineCounter.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), directive: printPath(path) };
  };

  const walk = (path: DocumentPath): { node: Node | null; offset: number; comments: string[] } => {
    let node = isNode(document.contents) ? document.contents : null;
    let offset = node?.range?.[0] ?? 0;
    let comments: string[] = [];
    for (const step of path) {
      const found = child(node, step);
      if (found === undefined) break;
      node = found.node;
      offset = found.offset;
      comments = found.comments;
    }
    return { node, offset, comments };
  };

  return {
    at: (path) => place(walk(path).offset, path),
    atKey: (path, key) => {
      const { node, offset } = walk(path);
      const pair = isMap(node) ? pairOf(node.items, key) : undefined;
      const keyOffset = isNode(pair?.key) ? pair.key.range?.[0] : undefined;
      return place(keyOffset ?? offset, [...path, key]);
    },
    importedFrom: (path) => walk(path).comments.flatMap(readProvenance),
  };
}

/** `# from FILE:LINE directive` as the importer writes it, then ` (included from FILE:LINE)` for each include. */
export function printProvenance(ref: SourceRef): string {
  let text = ` from ${ref.file}:${ref.line}`;
  if (ref.directive !== '') text += ` ${ref.directive.replaceAll(/\s+/g, ' ')}`;
  for (let via = ref.via; via !== undefined; via = via.via) text += ` (included from ${via.file}:${via.line})`;
  return text;
}

const PROVENANCE = /^\s?from (.+?):(\d{1,9})(?: (.*?))??((?: \(included from [^()]+:\d{1,9}\))*)$/;
const INCLUDED_FROM = / \(included from ([^()]+):(\d{1,9})\)/g;

function readProvenance(comment: string): SourceRef[] {
  return comment.split('\n').flatMap((line) => {
    const match = PROVENANCE.exec(line);
    if (match === null) return [];
    const [, file = '', number, directive = '', includes = ''] = match;
    const ref: SourceRef = { file, line: Number(number), directive };
    let innermost = ref;
    for (const [, viaFile = '', viaLine] of includes.matchAll(INCLUDED_FROM)) {
      innermost.via = { file: viaFile, line: Number(viaLine), directive: '' };
      innermost = innermost.via;
    }
    return [ref];
  });
}

type Child = { node: Node | null; offset: number; comments: string[] };

function child(parent: Node | null, step: string | number): Child | undefined {
  if (isMap(parent)) {
    const pair = pairOf(parent.items, String(step));
    if (pair === undefined) return undefined;
    const key = isNode(pair.key) ? pair.key : null;
    const value = isNode(pair.value) ? pair.value : null;
    // A comment before the first key of a map belongs to the map as the library reads it.
    const first = parent.items[0] === pair ? parent.commentBefore : undefined;
    return {
      node: value,
      offset: (isMap(value) || isSeq(value) ? key?.range?.[0] : value?.range?.[0]) ?? key?.range?.[0] ?? 0,
      comments: present([first, key?.commentBefore]),
    };
  }
  if (isSeq(parent)) {
    const item = parent.items[Number(step)];
    if (!isNode(item)) return undefined;
    const first = Number(step) === 0 ? parent.commentBefore : undefined;
    return { node: item, offset: item.range?.[0] ?? 0, comments: present([first, item.commentBefore]) };
  }
  return undefined;
}

function pairOf(items: readonly unknown[], key: string): Pair | undefined {
  return items.find((item): item is Pair => isPair(item) && isScalar(item.key) && String(item.key.value) === key);
}

function present(comments: readonly (string | null | undefined)[]): string[] {
  return comments.filter((comment): comment is string => typeof comment === 'string');
}

/** `routes[2].when.hosts`, as error messages and people write it. */
function printPath(path: DocumentPath): string {
  return path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`),
    '',
  );
}
