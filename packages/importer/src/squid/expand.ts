// Room: from files to the directives Squid would obey: include followed, if/else/endif decided, macros replaced. Each live
// directive keeps its line and the includes that led to it; each one left out is in the ledger with the reason.
// Source: cache_cf.cc, parseOneConfigFile, parseManyConfigFiles, EvalBoolExpr, ProcessMacros (SQ-12 to SQ-18).
import type { SourceRef } from '@outrigger/rules';
import { type Ledger, type LedgerEntry, remark } from '../ledger.ts';
import type { Redactor } from '../redact.ts';
import { isGlob, pathBeside, type Reader } from '../source.ts';
import { displayed, masked } from './display.ts';
import { type LogicalLine, logicalLines, placeAt, type Word, wordsOf } from './lines.ts';

/** A directive that counts. */
export type Directive = {
  name: string;
  /** Words behind the name. */
  words: Word[];
  line: LogicalLine;
  at: SourceRef;
  entry: LedgerEntry;
};

/** Squid refuses includes nested deeper (cache_cf.cc, MAX_INCLUDE_DEPTH). */
const INCLUDE_DEPTH_MAX = 16;

/** One process is what an accelerator without `workers` runs as a daemon; Outrigger answers for that one (SQ-14). */
const MACROS: Readonly<Record<string, string>> = {
  service_name: 'squid',
  process_name: 'squid',
  process_number: '1',
};

/** What people fill templates with: ${NAME}, {{ name }}, <%= name %>, @@NAME@@. */
const TEMPLATE = /\$\{\w+\}|\{\{.*?\}\}|<%.*?%>|@@\w+@@/;

/** Reads `files` in order as if each stood where the one before ends. */
export function expand(files: readonly string[], reader: Reader, ledger: Ledger, redactor: Redactor): Directive[] {
  return files.flatMap((path) => expandFile(path, { reader, ledger, redactor, main: path, chain: [] }));
}

type Context = {
  reader: Reader;
  ledger: Ledger;
  redactor: Redactor;
  main: string;
  via?: SourceRef;
  chain: string[];
};

function expandFile(path: string, context: Context): Directive[] {
  const result = context.reader.read(path);
  if (result.kind === 'missing') {
    const at: SourceRef = { file: path, line: 1, directive: '' };
    const message = `${path} cannot be read: ${result.message}`;
    remark(context.ledger.enter(at, ''), 'malformed', 'IMPORT_FILE', message, {
      hint: 'Give the path of a squid.conf.',
    });
    return [];
  }
  const directives: Directive[] = [];
  const conditions: { holds: boolean; entry: LedgerEntry }[] = [];
  for (const raw of logicalLines(result.file, context.via)) {
    const line = { ...raw, text: replaceMacros(raw.text) };
    const text = line.text;
    const at = placeAt(line, 0, displayed(text, context.redactor));
    const entry = context.ledger.enter(at, masked(text, context.redactor), line.joints.at(-1)?.line);
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
    } else if (TEMPLATE.test(text)) {
      remark(
        entry,
        'malformed',
        'SQUID_TEMPLATE',
        `${TEMPLATE.exec(text)?.[0]} is a placeholder: this is a template, not a config`,
        {
          hint: 'Import the file that the template is turned into.',
        },
      );
    } else if (/^include[ \t]/.test(text)) {
      directives.push(...include({ line, at, entry, path }, context));
    } else {
      const [name, ...words] = wordsOf(line);
      if (name === undefined) continue;
      if (line.restOfLongLine) noteLongLine(entry);
      directives.push({ name: name.text, words, line, at, entry });
    }
  }
  for (const { entry } of conditions) {
    remark(entry, 'malformed', 'SQUID_UNFINISHED', 'this if has no endif: Squid does not start');
  }
  return directives;
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

function include(
  { line, at, entry, path }: { line: LogicalLine; at: SourceRef; entry: LedgerEntry; path: string },
  context: Context,
): Directive[] {
  const chain = [...context.chain, path];
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
  return words.flatMap(({ text }) => {
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
      remark(entry, 'translated', 'SQUID_CONTROL', `read ${included}`);
      // The chain of places is enough: what stood there is the include itself.
      return expandFile(included, { ...context, via: { ...at, directive: '' }, chain });
    });
  });
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
