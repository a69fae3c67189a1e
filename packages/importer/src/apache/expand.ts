// Room: from files to the tree that Apache holds after reading: Includes followed, conditions decided, macros put in place,
// variables filled in; or the line at which Apache would refuse to start. Each line that counts, and each that does not, is in
// the ledger. Source: httpd 2.4 server/config.c, ap_build_config and what it calls (AP-8 to AP-25).
import { compileRegex } from '@outrigger/rules';
import { branchOff, type FileRead, fileRead } from '../filetree.ts';
import { type Ledger, type LedgerEntry, remark } from '../ledger.ts';
import { lettersOf } from '../letters.ts';
import type { Redactor } from '../redact.ts';
import { pathIn, type Reader } from '../source.ts';
import { AT_ONCE, hasWords, remarkUnused } from './atonce.ts';
import { CONDITIONS, type ConditionName, decide, type Surroundings } from './conditions.ts';
import { isOwnModule, isProvided, knownDirective } from './directives.ts';
import { includedFiles } from './include.ts';
import type { Layout } from './layout.ts';
import { firstWord, type LogicalLine, linesOfFile, wordsOf } from './lines.ts';
import { createModules } from './modules.ts';
import { enter, obeyed, type Reading, type ReadLine, refuse } from './reading.ts';
import { type LineStream, streamOf } from './stream.ts';
import type { ConfigNode, ConfigTree, Section } from './tree.ts';
import { remarkLost, remarkUnread, skipSection } from './uncounted.ts';
import { createVariables, resolveVariables } from './variables.ts';

/** Includes inside includes (httpd 2.4, AP_MAX_INCLUDE_DEPTH): beyond it Apache suspects a circle and refuses. */
const INCLUDE_DEPTH_MAX = 20;
/** Sections in each other: a person needs a handful. Apache has no bound but its stack, and ours must hold as well. */
const SECTION_DEPTH_MAX = 200;
/** Files of one configuration. Hosters have a few thousand sites; more is a folder that was never meant. */
const FILES_MAX = 20_000;
/** Lines of one configuration, macros counted at each use: 4,000 sites of 50 lines. Macros made of macros grow without end. */
const LINES_MAX = 200_000;

/** Reads the whole configuration. `names`: given with -D, beside those of its service; `values`: given as NAME=VALUE, before those of envvars. */
export function readTree(given: {
  layout: Layout;
  reader: Reader;
  ledger: Ledger;
  redactor: Redactor;
  names?: readonly string[];
  values?: ReadonlyMap<string, string>;
}): ConfigTree {
  const { layout, reader, ledger, redactor, names = [], values = new Map() } = given;
  const environment = new Map([...(layout.envvars?.values ?? []), ...values]);
  const main = fileRead(layout.main, reader);
  const reading: Reading = {
    reader,
    ledger,
    redactor,
    variables: createVariables([...(layout.envvars?.names ?? []), ...names], environment),
    modules: createModules(isOwnModule),
    macros: new Map(),
    unusedMacros: new Map(),
    serverRoot: layout.root,
    // Debian's files name /etc/apache2 nowhere but in absolute paths; a copy of them is read whole where it lies.
    moved: { from: '/etc/apache2', to: layout.root },
    file: main,
    filesRead: 0,
    sectionDepth: 0,
    letters: new Map(),
    includeDepth: 0,
    lines: 0,
    missing: new Set(),
  };
  const nodes = readFile(main, reading);
  remarkUnused(reading);
  const { serverRoot, modules, refusal } = reading;
  const { envvars } = layout;
  const files =
    envvars === undefined ? [main] : [fileRead(envvars.file, reader, { values: envvars.values.size }), main];
  return { nodes, serverRoot, files, modules, ...(refusal && { refusal }) };
}

function readFile(file: FileRead, reading: Reading, via?: LogicalLine['via']): ConfigNode[] {
  const path = file.file;
  const result = reading.reader.read(path);
  if (result.kind === 'missing') {
    const reported = { file: path, line: 1 };
    const entry = enter({ text: '', ...reported, lastLine: 1, reported }, reading);
    const message = `it cannot be read: ${result.message}`;
    reading.refusal ??= { at: entry.at, reported, message };
    file.absent = result.message;
    remark(entry, 'malformed', 'IMPORT_FILE', `${path} cannot be read: ${result.message}`, {
      hint: 'Give the main file of Apache, or its folder: /etc/apache2, /etc/httpd.',
    });
    return [];
  }
  reading.filesRead += 1;
  reading.letters.set(path, lettersOf(result.file.text));
  const outer = reading.file;
  reading.file = file;
  const lines = linesOfFile(result.file).map((line) => (via === undefined ? line : { ...line, via }));
  const stream = streamOf(lines, (line) => remarkLost(line, reading));
  const { nodes, open } = readBlock(stream, reading);
  const unclosed = open[0];
  if (unclosed !== undefined) refuse(reading, unclosed, `<${unclosed.section.name}> is never closed`);
  if (reading.refusal !== undefined) remarkUnread(stream, reading.refusal, reading);
  reading.file = outer;
  return nodes;
}

/** Lines that one `readBlock` has begun and not closed. */
type Open = Pick<ReadLine, 'entry' | 'line'> & { section: Section };

/** Reads to the end of the stream, or to the line that closes `container`, a section that is decided while reading. */
function readBlock(stream: LineStream, reading: Reading, container?: string): { nodes: ConfigNode[]; open: Open[] } {
  const nodes: ConfigNode[] = [];
  const open: Open[] = [];
  const outer = reading.sectionDepth;
  while (reading.refusal === undefined) {
    const line = stream.next();
    if (line === undefined) break;
    if (open.length === 0 && container !== undefined && line.text.toLowerCase() === `</${container}>`) break;
    const into = open.at(-1)?.section.children ?? nodes;
    if (line.text.startsWith('</')) {
      close(line, open, reading);
      continue;
    }
    const read = readLine(line, reading);
    reading.sectionDepth = outer + open.length + 1;
    if (read?.name.startsWith('<') && reading.sectionDepth > SECTION_DEPTH_MAX) {
      refuse(reading, read, `sections are nested more than ${SECTION_DEPTH_MAX} deep`);
      break;
    }
    if (read === undefined || obeyAtOnce(read, { stream, reading, into })) continue;
    const node = nodeOf(read);
    into.push(node);
    if (node.kind === 'section') open.push({ section: node, ...read });
  }
  reading.sectionDepth = outer;
  return { nodes, open };
}

/** The words of a line, and its entry; undefined where it ends the reading. */
function readLine(line: LogicalLine, reading: Reading): ReadLine | undefined {
  const entry = enter(line, reading);
  reading.lines += 1;
  const resolved = resolveVariables(line.text, reading.variables);
  if (resolved.kind === 'too long') {
    refuse(reading, { line, entry }, `it grows beyond ${resolved.max} bytes`);
    return undefined;
  }
  if (reading.lines > LINES_MAX) {
    refuse(reading, { line, entry }, `it is line ${LINES_MAX}, macros counted at each use`);
    return undefined;
  }
  remarkMissing(resolved.missing, entry, reading);
  const { word, rest } = firstWord(resolved.text);
  const name = word.text[1] !== '/' && word.text.endsWith('>') ? word.text.slice(0, -1) : word.text;
  const behind = name.startsWith('<') && rest === '' ? '>' : rest;
  return { line, entry, name, rest: behind, words: wordsOf(behind) };
}

function remarkMissing(names: readonly string[], entry: LedgerEntry, { missing }: Reading): void {
  for (const name of names) {
    if (missing.has(name)) continue;
    missing.add(name);
    remark(entry, 'approximated', 'APACHE_UNDEFINED', `nothing defines \${${name}}: Apache takes it as it is written`, {
      hint: `If Apache's environment gives it a value, say so: --define '${name}=…'.`,
    });
  }
}

/** A closing tag is no directive: it has an entry only where it is wrong. */
function close(line: LogicalLine, open: Open[], reading: Reading): void {
  const tag = firstWord(line.text).word.text;
  const innermost = open.at(-1)?.section.name;
  const wrong = wrongTag(tag, innermost);
  if (wrong === undefined) open.pop();
  else refuse(reading, { line, entry: enter(line, reading) }, wrong);
}

function wrongTag(tag: string, innermost: string | undefined): string | undefined {
  if (innermost === undefined) return `${tag} closes nothing that is open here`;
  if (!tag.endsWith('>')) return `${tag} has no closing >`;
  return tag.slice(2, -1).toLowerCase() === innermost.toLowerCase()
    ? undefined
    : `${tag} stands where </${innermost}> must`;
}

function nodeOf({ line, name, rest, words, entry }: ReadLine): ConfigNode {
  const written = { at: entry.at, reported: line.reported, entry };
  if (!name.startsWith('<')) return { kind: 'directive', name, key: name.toLowerCase(), rest, words, ...written };
  const end = rest.lastIndexOf('>');
  const inside = end === -1 ? rest : rest.slice(0, end);
  const bare = name.slice(1);
  const form = { name: bare, key: bare.toLowerCase(), rest: inside, words: wordsOf(inside), isOpen: end === -1 };
  return { kind: 'section', ...form, children: [], ...written };
}

type Place = { stream: LineStream; reading: Reading; into: ConfigNode[] };

/** Obeys what Apache obeys while reading; false for all other lines. */
function obeyAtOnce(read: ReadLine, place: Place): boolean {
  const { reading, stream } = place;
  const key = read.name.toLowerCase();
  const condition = CONDITIONS.find((name) => key === `<${name}`);
  if (condition !== undefined) {
    place.into.push(...decideSection(condition, read, place));
    return true;
  }
  if (key === 'include' || key === 'includeoptional') {
    if (hasWords(read, [1, 1])) place.into.push(...include(read, reading, key === 'includeoptional'));
    else refuse(reading, read, 'it takes one path');
    return true;
  }
  const handler = AT_ONCE[key];
  if (handler === undefined || !isThere(read.name, reading)) return false;
  if (handler.words !== undefined && !hasWords(read, handler.words)) {
    refuse(reading, read, `it takes ${[...new Set(handler.words)].join(' or ')} words`);
    return true;
  }
  const result = handler.obey(read, reading, stream);
  if (result.kind === 'refused') refuse(reading, read, result.message, result.hint);
  else obeyed(read, result.what);
  return true;
}

function isThere(name: string, { modules }: Reading): boolean {
  const known = knownDirective(name);
  const loaded = modules.loadedFiles();
  return known !== undefined && (loaded === undefined || isProvided(known, loaded));
}

function decideSection(condition: ConditionName, read: ReadLine, { stream, reading }: Place): ConfigNode[] {
  const verdict = decide(condition, read.rest, surroundings(reading));
  if (verdict.kind === 'refused') {
    refuse(reading, read, verdict.message);
    return [];
  }
  if (verdict.doubt !== undefined) {
    remark(read.entry, 'approximated', 'APACHE_CONDITION', verdict.doubt, {
      hint: 'Give the main file of Apache, which says it.',
    });
  }
  obeyed(read, verdict.holds ? 'holds: the lines in it count' : 'does not hold: Apache skips the lines in it');
  if (verdict.holds) return readBlock(stream, reading, condition).nodes;
  skipSection(read, condition, stream, reading);
  return [];
}

function surroundings(reading: Reading): Surroundings {
  const { variables, modules, reader } = reading;
  return {
    variables,
    modules,
    exists: (path) => {
      const located = locate(path, reading);
      return reader.read(located).kind === 'file' || reader.list(located) !== undefined;
    },
    found: (pattern, text) => {
      const compiled = compileRegex(pattern, false);
      return compiled.ok ? compiled.regex.test(text) : undefined;
    },
    knows: (name) => isThere(name, reading),
  };
}

function include(read: ReadLine, reading: Reading, isOptional: boolean): ConfigNode[] {
  if (reading.includeDepth >= INCLUDE_DEPTH_MAX) {
    branchOff(reading.file, read.entry, 'failed');
    refuse(reading, read, `includes are nested more than ${INCLUDE_DEPTH_MAX} deep: one of them reads itself`);
    return [];
  }
  reading.includeDepth += 1;
  const { reader } = reading;
  const nodes: ConfigNode[] = [];
  const branch = branchOff(reading.file, read.entry, 'nothing');
  const found = includedFiles(locate(read.words[0]?.text ?? '', reading), reader, isOptional);
  for (const each of found) {
    if (reading.refusal !== undefined) break;
    if (each.kind === 'refused') refuse(reading, read, each.message, 'Copy what it includes to the same place here.');
    else if (reading.filesRead >= FILES_MAX) refuse(reading, read, `it would be file ${FILES_MAX}`);
    else {
      const isAbsent = each.kind === 'absent';
      const file = fileRead(each.path, reader, isAbsent ? { absent: each.message } : {});
      branch.files.push(file);
      if (isAbsent) continue;
      branch.outcome = 'read';
      nodes.push(...readFile(file, reading, { ...read.entry.at, directive: '' }));
    }
  }
  if (reading.refusal?.at === read.entry.at) branch.outcome = 'failed';
  const files = found.filter(({ kind }) => kind !== 'absent').length;
  obeyed(read, files === 0 ? 'there is nothing to read' : `read ${files === 1 ? '1 file' : `${files} files`}`);
  reading.includeDepth -= 1;
  return nodes;
}

/** Where a path of the configuration is: from the ServerRoot, and in the copy where there is one. */
function locate(path: string, { serverRoot, moved }: Reading): string {
  const absolute = pathIn(serverRoot, path);
  if (moved === undefined || moved.from === moved.to || !absolute.startsWith(`${moved.from}/`)) return absolute;
  return pathIn(moved.to, absolute.slice(moved.from.length + 1));
}
