// Room: does the ledger of an Apache import add up? Lines counted without the importer, by the text of each file alone, and held
// against what the ledger entered at each place where the file was read.
import type { Translation } from '../../index.ts';
import { dispositionErrors, keyOf } from '../../testing/ledgercount.ts';

/** A directive or the opening line of a section. `inMacro`: it stands in the body of a macro, which counts where a Use puts it. */
type Written = { line: number; inMacro: boolean };

/** Lines of a file that say something, by the number of their first physical line; closing tags are none. */
export function writtenLines(text: string): Written[] {
  const lines: Written[] = [];
  let macros = 0;
  for (const { line, content } of logical(text)) {
    if (content === '' || content.startsWith('#')) continue;
    const tag = /^["']?<\/?macro(?![\w-])/i.exec(content)?.[0].toLowerCase();
    if (content.startsWith('</')) {
      if (tag !== undefined) macros = Math.max(0, macros - 1);
      continue;
    }
    lines.push({ line, inMacro: macros > 0 });
    if (tag !== undefined) macros += 1;
  }
  return lines;
}

/** A comment that ends in a backslash swallows the line behind it (AP-3). */
function logical(text: string): { line: number; content: string }[] {
  const found: { line: number; content: string }[] = [];
  let pending = '';
  let first: number | undefined;
  const physical = text.split('\n');
  for (const [index, whole] of physical.entries()) {
    const isCut = whole.includes('\0') || index === physical.length - 1;
    const seen = whole.split('\0', 1)[0] ?? '';
    first ??= index + 1;
    // A backslash that was left of two at the end of one line continues an empty next one, too.
    const joined = pending + seen;
    const isContinued = !isCut && /\\\r?$/.test(joined);
    pending = isContinued ? joined.replace(/\\\r?$/, '') : joined;
    if (isContinued) continue;
    found.push({ line: first, content: pending.replace(/^[ \t\v\f\r]+|[ \t\v\f\r]+$/g, '') });
    pending = '';
    first = undefined;
  }
  if (pending !== '') found.push({ line: first ?? physical.length, content: pending.trim() });
  return found;
}

/** What does not add up, as sentences; empty where all does. `files` is what the importer could read. */
export function apacheLedgerErrors(translation: Translation, files: Readonly<Record<string, string>>): string[] {
  const { ledger } = translation;
  const errors = dispositionErrors(translation);

  const written = new Map<string, Written[]>();
  const linesOf = (file: string): Written[] => {
    const known = written.get(file);
    if (known !== undefined) return known;
    const lines = writtenLines(files[file] ?? '');
    written.set(file, lines);
    return lines;
  };
  const readings = new Map<string, { file: string; isUse: boolean; lines: number[] }>();
  for (const { at } of ledger) {
    const key = keyOf(at);
    const isUse = at.via !== undefined && isUseLine(files[at.via.file], at.via.line);
    const reading = readings.get(key) ?? { file: at.file, isUse, lines: [] };
    reading.lines.push(at.line);
    readings.set(key, reading);
  }
  const used = new Set([...readings.values()].flatMap(({ file, lines }) => lines.map((line) => `${file}:${line}`)));
  const closing = new Set(ledger.filter(({ text }) => text.startsWith('</')).map(({ at }) => keyOf(at) + at.line));
  for (const [key, { file, isUse, lines }] of readings) {
    const all = linesOf(file);
    const known = new Set(all.map(({ line }) => line));
    for (const line of lines)
      if (!known.has(line) && !closing.has(key + line)) errors.push(`${key}: line ${line} is no directive`);
    if (!isUse) {
      const counts = new Map<number, number>();
      for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
      for (const { line, inMacro } of all) {
        const count = counts.get(line) ?? 0;
        if (count !== 1 && !(inMacro && (count === 0 || used.has(`${file}:${line}`))))
          errors.push(`${key}: line ${line} has ${count} entries`);
      }
    }
    for (const { line } of all) if (!used.has(`${file}:${line}`)) errors.push(`${file}: nothing entered line ${line}`);
  }
  const isRefused = ledger.some(({ remarks }) => remarks.some(({ code }) => code === 'APACHE_REFUSED'));
  // Of files that an Include names, those behind a refusal are never opened.
  for (const { path } of isRefused ? [] : translation.files) {
    const isRead = [...readings.values()].some(({ file }) => file === path);
    if (!isRead && linesOf(path).length > 0 && !NO_CONFIG.test(path)) errors.push(`${path}: no line of it is entered`);
  }
  return errors;
}

/** The environment of its service is read and holds no directives. */
const NO_CONFIG = /(?:^|\/)(?:envvars|sysconfig\/httpd)$/;

function isUseLine(text: string | undefined, line: number): boolean {
  return /^\s*["']?use(?![\w-])/i.test(text?.split('\n')[line - 1] ?? '');
}
