// Room: the tree of files on the page: a list in a list, each file and each line that leads to one linked to where it stands.
import { formatPlace } from '@outrigger/rules';
import { type Branch, countsByFile, type FileCounts, type FileRead, inLineOrder, isOneFile } from '../filetree.ts';
import type { Translation } from '../translation.ts';
import type { Links } from './links.ts';
import { html, type Markup } from './markup.ts';
import { branchText, fileText } from './wording.ts';

/** The tree; undefined where there is but one file and it leads nowhere. */
export function treeList(translation: Translation, links: Links): Markup | undefined {
  const { tree, files, ledger } = translation;
  if (isOneFile(tree)) return undefined;
  const ids = new Map(files.map(({ path }, index) => [path, `file-${index}`]));
  const list = listOf({ ids, links, counts: countsByFile(ledger), shown: new Set() });
  return html`<div class="panel"><ul class="tree">${tree.map(list)}</ul></div>`;
}

type Showing = {
  ids: ReadonlyMap<string, string>;
  links: Links;
  counts: ReadonlyMap<string, FileCounts>;
  shown: Set<string>;
};

function listOf(showing: Showing): (read: FileRead) => Markup {
  const { ids, links, counts, shown } = showing;
  const fileItem = (read: FileRead): Markup => {
    const { file, link, branches } = read;
    const id = ids.get(file);
    const isAgain = shown.has(file);
    const text = fileText(read, counts, isAgain);
    shown.add(file);
    const inner = isAgain ? [] : inLineOrder(branches).map((branch) => branchItem(branch, file));
    return html`<li><span class="name">${id === undefined ? file : html`<a href="#${id}">${file}</a>`}${
      link === undefined ? undefined : html` → ${link}`
    }</span> <span class="held">${text}</span>${inner.length === 0 ? undefined : html`<ul>${inner}</ul>`}</li>\n`;
  };
  const branchItem = (branch: Branch, from: string): Markup => {
    const { entry, files, outcome } = branch;
    const { at, text } = entry;
    const what = branchText(branch);
    const place = at.file === from ? `line ${at.line}` : formatPlace(at);
    const line = html`<a href="#${links.directiveId(entry)}">${place}</a>`;
    return html`<li class="branch ${outcome}">${line} <code>${text}</code>${
      what === undefined ? undefined : html` <span class="held">${what}</span>`
    }${files.length === 0 ? undefined : html`<ul>${files.map(fileItem)}</ul>`}</li>\n`;
  };
  return fileItem;
}
