// Room: pages of errors in the private copy: files that the copy has beside it, for it runs as a user that may not read the old ones.
import { pathBeside, type Word } from '@outrigger/importer';
import type { SourceRef } from '@outrigger/rules';
import type { Line, Reading } from './reading.ts';

/** A folder with more than these is not one of pages: Squid brings along fifty. */
const PAGES_MAX = 500;
/** What Squid takes for the name of a page. */
const NAME = /^[\w.-]+$/;

/** `error_directory`: all that is in there, in a folder for each line, for the last one counts. One that is not there is not there in the copy either. */
export function copyPages({ file, line }: SourceRef, [word]: readonly Word[], reading: Reading): Line | undefined {
  if (word === undefined) return undefined;
  const folder = pathBeside(reading.main, word.text).replace(/\/$/, '');
  const own = `errors-${reading.files.findIndex(({ path }) => path === file)}-${line}`;
  const entries = reading.reader.list(folder) ?? [];
  for (const { name, kind } of entries.slice(0, PAGES_MAX)) {
    if (kind !== 'folder' && NAME.test(name)) copyPage(`${own}/${name}`, `${folder}/${name}`, reading);
  }
  return (place) => `error_directory ${place.folder}/${own}`;
}

export function copyStylesheet({ file, line }: SourceRef, [word]: readonly Word[], reading: Reading): Line | undefined {
  if (word === undefined) return undefined;
  const own = `style-${reading.files.findIndex(({ path }) => path === file)}-${line}.css`;
  copyPage(own, pathBeside(reading.main, word.text), reading);
  return (place) => `err_page_stylesheet ${place.folder}/${own}`;
}

function copyPage(name: string, path: string, { reader, values }: Reading): void {
  const result = reader.read(path);
  if (result.kind === 'file') values.push({ name, path, text: result.file.text });
}
