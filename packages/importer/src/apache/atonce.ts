// Room: directives that Apache obeys the moment it reads them, whatever section they stand in: Define, UnDefine, ServerRoot,
// LoadModule, Macro, Use, UndefMacro. Source: those with EXEC_ON_READ in httpd 2.4 (AP-13 to AP-22).
import { remark } from '../ledger.ts';
import { pathIn } from '../source.ts';
import { firstWord, type LogicalLine, saysSomething } from './lines.ts';
import { type Macro, macroHead, useMacro } from './macros.ts';
import { enter, type Reading, type ReadLine } from './reading.ts';
import type { LineStream } from './stream.ts';

/** What became of the line, as the end of a sentence about it. */
export type Obedience = { kind: 'obeyed'; what: string } | { kind: 'refused'; message: string; hint?: string };

type Handler = {
  /** Number of words; where absent the handler counts itself. */
  words?: readonly [least: number, most: number];
  obey(read: ReadLine, reading: Reading, stream: LineStream): Obedience;
};

/** By name in lower case. */
export const AT_ONCE: Readonly<Record<string, Handler>> = {
  define: { words: [1, 2], obey: define },
  undefine: { words: [1, 1], obey: undefine },
  serverroot: { words: [1, 1], obey: serverRoot },
  loadmodule: { words: [2, 2], obey: loadModule },
  '<macro': { obey: defineMacro },
  use: { obey: use },
  undefmacro: { words: [1, 1], obey: undefMacro },
};

/** Whether Apache accepts the number of words; it takes an empty word for none. */
export function hasWords({ words }: ReadLine, [least, most]: readonly [number, number]): boolean {
  const empty = words.findIndex(({ text }) => text === '');
  return words.length <= most && (empty === -1 ? words.length : empty) >= least;
}

function define({ words }: ReadLine, { variables }: Reading): Obedience {
  const [name = '', value = ''] = words.map(({ text }) => text);
  if (name.includes(':')) return refused('a name must not hold a colon');
  variables.define(name, value === '' ? undefined : value);
  return obeyed(value === '' ? `${name} is defined from here on` : `\${${name}} stands for it from here on`);
}

function undefine({ words }: ReadLine, { variables }: Reading): Obedience {
  const name = words[0]?.text ?? '';
  variables.undefine(name);
  return obeyed(`${name} is no longer defined`);
}

function serverRoot({ words }: ReadLine, reading: Reading): Obedience {
  const declared = pathIn(reading.serverRoot, words[0]?.text ?? '');
  if (reading.reader.list(declared) !== undefined) {
    reading.serverRoot = declared;
    return obeyed(`relative paths are taken from ${declared}`);
  }
  // A tree copied from the old host names a folder that only that host has.
  reading.moved = { from: declared, to: reading.serverRoot };
  return obeyed(`${declared} is not here: its files are looked for in ${reading.serverRoot || 'the folder given'}`);
}

function loadModule({ words, entry }: ReadLine, { modules }: Reading): Obedience {
  const symbol = words[0]?.text ?? '';
  modules.load(symbol);
  if (modules.foreign.includes(symbol)) {
    remark(entry, 'translated', 'APACHE_FOREIGN_MODULE', `${symbol} is no module of httpd; it stays with Apache`);
  }
  return obeyed('the module is there');
}

function defineMacro({ rest, line, entry }: ReadLine, reading: Reading, stream: LineStream): Obedience {
  const { macros, unusedMacros } = reading;
  const head = macroHead(rest);
  if (head.kind === 'refused') return head;
  const body: LogicalLine[] = [];
  for (let nesting = 1; ; ) {
    const inside = stream.nextOfAny();
    if (inside === undefined) {
      for (const each of body.filter(saysSomething)) {
        const where = `stands in the macro ${head.name}, which is never closed`;
        remark(enter(each, reading), 'irrelevant', 'APACHE_NOT_READ', where);
      }
      return refused('</Macro> is missing');
    }
    const first = firstWord(inside.text).word.text.toLowerCase();
    if (first === '<macro') nesting += 1;
    if (first === '</macro>') nesting -= 1;
    if (nesting === 0) break;
    if (!inside.text.startsWith('#')) body.push(inside);
  }
  const macro: Macro = {
    name: head.name,
    parameters: head.parameters,
    body,
    file: line.file,
    definedOn: line.reported,
  };
  macros.set(macro.name, macro);
  unusedMacros.set(macro, entry);
  return obeyed(`a macro of ${body.filter(saysSomething).length} lines`);
}

function use(read: ReadLine, { macros, unusedMacros }: Reading, stream: LineStream): Obedience {
  const [name = '', ...given] = read.words.map(({ text }) => text);
  const macro = macros.get(name.toLowerCase());
  if (macro === undefined) {
    const hint = 'If the macro stands in a file that was not read, give the main file of Apache.';
    return { ...refused(`there is no macro ${name}`), hint };
  }
  if (stream.isInside(macro.name)) return refused(`the macro ${macro.name} would use itself`);
  const used = useMacro(macro, given, { at: { ...read.entry.at, directive: '' }, reported: read.line.reported });
  if (used.kind === 'refused') return used;
  stream.insert(used.lines, macro.name);
  unusedMacros.delete(macro);
  return obeyed(`puts the lines of the macro here`);
}

function undefMacro({ words }: ReadLine, { macros }: Reading): Obedience {
  const name = words[0]?.text.toLowerCase() ?? '';
  return macros.delete(name) ? obeyed(`there is no macro ${name} from here on`) : refused(`there is no macro ${name}`);
}

/** Lines of macros that nothing uses: they never count, and are said to where they stand. */
export function remarkUnused(reading: Reading): void {
  for (const [macro, entry] of reading.unusedMacros) {
    remark(entry, 'translated', 'APACHE_DEAD_BRANCH', 'nothing uses it, so its lines never count');
    for (const line of macro.body.filter(saysSomething)) {
      const where = `stands in the macro ${macro.name}, which nothing uses`;
      remark(enter(line, reading), 'irrelevant', 'APACHE_DEAD_BRANCH', where);
    }
  }
}

function obeyed(what: string): Obedience {
  return { kind: 'obeyed', what };
}

function refused(message: string): Obedience & { kind: 'refused' } {
  return { kind: 'refused', message };
}
