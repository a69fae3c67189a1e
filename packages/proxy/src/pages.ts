// Room: pages of the rules as files: read once when a generation is made, and kept in memory. What one comes to for a request is
// page.ts of the rules.
import { compilePage, PAGE_MAX, type Page, type PageFor, type RuleSet } from '@outrigger/rules';
import { type PemReader, readPem } from './pem.ts';
import type { StartProblem } from './start.ts';

/** A page that can be shown, and how it is sent. */
export type ShownPage = Pick<Page, 'type' | 'language'> & { pageFor: PageFor };

export type Pages = ReadonlyMap<string, ShownPage>;

/** Every page of the rules, or all that is wrong with their files. */
export function loadPages(
  { pages = new Map() }: Pick<RuleSet, 'pages'>,
  reader: Pick<PemReader, 'readFile'>,
): { pages: Pages; problems: StartProblem[] } {
  const loaded = new Map<string, ShownPage>();
  const problems: StartProblem[] = [];
  for (const [name, page] of pages) {
    const texts = new Map<string, string>();
    const fillings = Object.values(page.fill ?? {}).flatMap((filled) =>
      typeof filled === 'string' ? [] : filled.file,
    );
    for (const file of new Set([page.file, ...fillings])) {
      const read = readPage(file, reader);
      if (read.kind === 'bad') problems.push(read.problem);
      else texts.set(file, read.text);
    }
    const content = texts.get(page.file);
    if (content === undefined) continue;
    const made = compilePage(page, content, (file) => texts.get(file) ?? '');
    if (made.kind === 'bad') {
      const message = `the page ${page.file} cannot be shown: ${made.message}. Take some of its marks out of the file, or out of fill.`;
      problems.push({ code: 'PAGE_UNUSABLE', message });
    } else
      loaded.set(name, { type: page.type, ...(page.language && { language: page.language }), pageFor: made.pageFor });
  }
  return { pages: loaded, problems };
}

function readPage(
  file: string,
  reader: Pick<PemReader, 'readFile'>,
): { kind: 'text'; text: string } | { kind: 'bad'; problem: StartProblem } {
  const read = readPem(reader, file);
  if (read.kind === 'bad') return read;
  if (read.pem.length <= PAGE_MAX) return { kind: 'text', text: read.pem.toString('latin1') };
  const message = `${file} has ${read.pem.length} bytes, and a page has ${PAGE_MAX} at most. Put what is large, as images, on a server and let the page name it.`;
  return { kind: 'bad', problem: { code: 'PAGE_UNUSABLE', message } };
}
