// Room: from files to the directives Squid would obey: include followed, if/else/endif decided, macros replaced. Each live
// directive keeps its line and the includes that led to it; each one left out is in the ledger with the reason.
// Source: cache_cf.cc, parseOneConfigFile, parseManyConfigFiles, EvalBoolExpr, ProcessMacros (SQ-12 to SQ-18).
import type { SourceRef } from '@outrigger/rules';
import { branchOff, type FileRead, fileRead } from '../filetree.ts';
import { type Ledger, type LedgerEntry, remark } from '../ledger.ts';
import { lettersOf } from '../letters.ts';
import type { Redactor } from '../redact.ts';
import { isGlob, pathBeside, type Reader } from '../source.ts';
import { displayed, masked } from './display.ts';
import { BYTE_ORDER_MARK, foreignText, isUtf16, TYPOGRAPHIC_QUOTES } from './foreign.ts';
import { type LogicalLine, logicalLines, placeAt, type Word, wordsOf } from './lines.ts';

/** A directive that counts. */
export type Directive = {
  name: string;
  /** Words behind the name. */
  words: Word[];
  line: LogicalLine;
  at: SourceRef;
  entry: LedgerEntry;
  /** The file it stands in, which may lead to files of values. */
  from: FileRead;
};

/** Squid refuses includes nested deeper (cache_cf.cc, MAX_INCLUDE_DEPTH). */
const INCLUDE_DEPTH_MAX = 16;
/** Files read in one import. A machine with thousands of sites has thousands; a file that includes others twice has 2^16. */
const INCLUDES_MAX = 4_096;

/** One process is what an accelerator without `workers` runs as a daemon; Outrigger answers for that one (SQ-14). */
const MACROS: Readonly<Record<string, string>> = {
  service_name: 'squid',
  process_name: 'squid',
  process_number: '1',
};

/** Reads `files` in order as if each stood where the one before ends. `tree`: each of them with what it led to. */
export function expand(
  files: readonly string[],
  reader: Reader,
  ledger: Ledger,
  redactor: Redactor,
): { directives: Directive[]; tree: FileRead[] } {
  const read = { files: 0 };
  const tree = files.map((path) => fileRead(path, reader));
  const directives = tree.flatMap((from) =>
    expandFile(from, { reader, ledger, redactor, main: from.file, chain: [], read }),
  );
  return { directives, tree };
}

/** A logical line, where it stands, and the file it is in. */
type Place = { line: LogicalLine; at: SourceRef; entry: LedgerEntry; from: FileRead };
type Context = {
  reader: Reader;
  ledger: Ledger;
  redactor: Redactor;
  main: string;
  via?: SourceRef;
  chain: string[];
  read: { files: number };
};

function expandFile(from: FileRead, context: Context): Directive[] {
  const path = from.file;
  const result = context.reader.read(path);
  if (result.kind === 'missing') {
    const at: SourceRef = { file: path, line: 1, directive: '' };
    const message = `${path} cannot be read: ${result.message}`;
    from.absent = result.message;
    remark(context.ledger.enter(at, ''), 'malformed', 'IMPORT_FILE', message, {
      hint: 'Give the path of a squid.conf.',
    });
    return [];
  }
  const { file } = result;
  const directives: Directive[] = [];
  const conditions: { holds: boolean; entry: LedgerEntry }[] = [];
  const isUnreadable = isUtf16(file.text);
  const letters = lettersOf(file.text);
  for (const raw of logicalLines(file, context.via)) {
    const at = placeAt(raw, 0, displayed(raw.text, letters, context.redactor));
    const entry = context.ledger.enter(at, masked(raw.text, letters, context.redactor), raw.joints.at(-1)?.line);
    if (isUnreadable) {
      remark(entry, 'malformed', 'SQUID_ENCODING', 'the file is UTF-16, of which Squid reads no line to its end', {
        hint: 'Save it as plain text (UTF-8 without a byte order mark), and import again.',
      });
      continue;
    }
    const line = { ...raw, text: replaceMacros(withoutMark(raw.text, entry)) };
    const text = line.text;
    // Only the innermost if counts: an inner `if true` is live inside an outer `if false` (SQ-12).
    const isLive = conditions.at(-1)?.holds ?? true;
    if (line.unfinished) {
      remark(entry, 'malformed', 'SQUID_UNFINISHED', 'the file ends behind its backslash, so Squid drops the line', {
        hint: 'Remove the backslash if the line should count.',
      });
    } else if (/^if[ \t]/.test(text)) {
      conditions.push({ holds: evaluate(text.slice(3).trim(), entry), entry });
    } else if (text === 'else' || text === 'endif') {
      turn(text, conditions, entry);
    } else if (!isLive) {
      remark(
        entry,
        'irrelevant',
        'SQUID_DEAD_BRANCH',
        'stands inside an if that does not hold, so Squid never reads it',
      );
    } else {
      for (const directive of readLive({ line, at, entry, from }, context)) directives.push(directive);
    }
  }
  for (const { entry } of conditions) {
    remark(entry, 'malformed', 'SQUID_UNFINISHED', 'this if has no endif: Squid does not start');
  }
  return directives;
}

/** Directives that a line which counts gives: its own, or those of the files it includes. */
function readLive(place: Place, context: Context): Directive[] {
  const { line, at, entry, from } = place;
  const foreign = foreignText(line.text);
  if (foreign !== undefined) {
    remark(entry, 'malformed', foreign.code, foreign.message, { hint: foreign.hint });
    return [];
  }
  if (/^include[ \t]/.test(line.text)) return include(place, context);
  const [name, ...words] = wordsOf(line);
  // A mark of order in front of a comment leaves nothing else.
  if (name === undefined) return [];
  if (line.restOfLongLine) noteLongLine(entry);
  if (TYPOGRAPHIC_QUOTES.test(line.text)) {
    const message = 'holds quotation marks of a word processor, which Squid takes for letters of the value';
    const hint = 'Remove them: Squid needs no quotes around a value.';
    remark(entry, 'irrelevant', 'SQUID_PASTED', message, { severity: 'warning', hint });
  }
  return [{ name: name.text, words, line, at, entry, from }];
}

/** The text behind a byte order mark, which stops Squid from starting and should not stop an import. */
function withoutMark(text: string, entry: LedgerEntry): string {
  if (!text.startsWith(BYTE_ORDER_MARK)) return text;
  const message = 'begins with a byte order mark, which Squid takes for part of the directive: it does not start';
  remark(entry, 'malformed', 'SQUID_ENCODING', message, {
    hint: 'Save the file as UTF-8 without a byte order mark.',
  });
  return text.slice(BYTE_ORDER_MARK.length);
}

function replaceMacros(text: string): string {
  return text.replace(/\$\{(\w+)\}/g, (written, name: string) => MACROS[name] ?? written);
}

function noteLongLine(entry: LedgerEntry): void {
  remark(
    entry,
    'malformed',
    'SQUID_LINE_TOO_LONG',
    'Squid cuts a line after 8191 bytes and reads this rest as a directive',
    {
      hint: 'Continue long lists with a backslash, or put them in a file.',
    },
  );
}

/** `true`, `false` and `int = int`: all Squid knows (SQ-13). */
function evaluate(condition: string, entry: LedgerEntry): boolean {
  const comparison = /^([+-]?\d+)\s*=\s*([+-]?\d+)$/.exec(condition);
  if (comparison === null && condition !== 'true' && condition !== 'false') {
    remark(
      entry,
      'malformed',
      'SQUID_CONDITION',
      `${condition} is no condition Squid knows: it does not start. Taken as false`,
      {
        hint: 'Squid knows true, false and NUMBER = NUMBER.',
      },
    );
    return false;
  }
  const holds = comparison === null ? condition === 'true' : Number(comparison[1]) === Number(comparison[2]);
  remark(
    entry,
    'translated',
    'SQUID_CONTROL',
    holds ? 'holds: the lines below count' : 'does not hold: the lines below are skipped',
  );
  return holds;
}

function turn(word: 'else' | 'endif', conditions: { holds: boolean }[], entry: LedgerEntry): void {
  const innermost = conditions.at(-1);
  if (innermost === undefined) {
    remark(entry, 'malformed', 'SQUID_CONDITION', `${word} without an if: Squid does not start`);
  } else if (word === 'else') {
    innermost.holds = !innermost.holds;
    remark(
      entry,
      'translated',
      'SQUID_CONTROL',
      innermost.holds ? 'from here the lines count' : 'from here the lines are skipped',
    );
  } else {
    conditions.pop();
    remark(entry, 'translated', 'SQUID_CONTROL', 'ends the if');
  }
}

function include({ line, at, entry, from }: Place, context: Context): Directive[] {
  const chain = [...context.chain, from.file];
  const branch = branchOff(from, entry, 'failed');
  if (chain.length > INCLUDE_DEPTH_MAX) {
    remark(
      entry,
      'malformed',
      'SQUID_INCLUDE',
      `includes are nested more than ${INCLUDE_DEPTH_MAX} deep: Squid does not start`,
    );
    return [];
  }
  const [, ...words] = wordsOf(line);
  const directives = words.flatMap(({ text }) => {
    const name = text.replace(/^"(.*)"$/, '$1');
    if (/^[!|]/.test(name)) {
      remark(
        entry,
        'untranslated',
        'SQUID_INCLUDE_COMMAND',
        `Squid runs ${name.slice(1)} and reads its output; an importer runs nothing`,
        {
          hint: 'Run it yourself, save the output and include that file.',
        },
      );
      return [];
    }
    const paths = filesOf(name, context, entry);
    return paths.flatMap((included) => {
      if (chain.includes(included)) {
        remark(
          entry,
          'malformed',
          'SQUID_INCLUDE',
          `${included} includes itself: ${[...chain, included].join(' -> ')}`,
        );
        return [];
      }
      context.read.files += 1;
      if (context.read.files > INCLUDES_MAX) {
        const message = `more than ${INCLUDES_MAX} files are included: the rest is not read`;
        remark(entry, 'malformed', 'SQUID_INCLUDE', message, { hint: 'Include each file once.' });
        return [];
      }
      remark(entry, 'translated', 'SQUID_CONTROL', `read ${included}`);
      const file = fileRead(included, context.reader);
      branch.files.push(file);
      // The chain of places is enough: what stood there is the include itself.
      return expandFile(file, { ...context, via: { ...at, directive: '' }, chain });
    });
  });
  if (entry.disposition === 'translated') branch.outcome = 'read';
  return directives;
}

/** Squid resolves a relative name from its working directory, which no file tells: here, from the folder of the main file. */
function filesOf(name: string, context: Context, entry: LedgerEntry): string[] {
  const pattern = pathBeside(context.main, name);
  const found = isGlob(pattern) ? context.reader.glob(pattern) : [pattern];
  const readable = found.filter((path) => context.reader.read(path).kind === 'file');
  if (readable.length === 0) {
    remark(entry, 'malformed', 'SQUID_INCLUDE', `nothing can be read at ${name}: Squid does not start`, {
      hint: name.startsWith('/') ? 'Copy the included files to the same place here.' : `Looked for it at ${pattern}.`,
    });
  }
  return readable;
}
