// Room: Macro and Use: text with parameters, stored and put in place. Pure.
// Source: httpd 2.4 modules/core/mod_macro.c (AP-20 to AP-22).
import type { SourceRef } from '@outrigger/rules';
import { firstWord, joinedLines, type LogicalLine, type ReportedPlace, wordsOf } from './lines.ts';

export type Macro = {
  /** In lower case: names are compared without regard to case. */
  name: string;
  parameters: string[];
  body: LogicalLine[];
  /** The file its lines stand in. */
  file: string;
  /** Where Apache places <Macro …>. */
  definedOn: ReportedPlace;
};

/** Bytes a line of a macro may have once its parameters are replaced (mod_macro.c: a buffer of MAX_STRING_LEN, one for the end). */
const LINE_MAX = 8_191;

/** Name and parameters of `<Macro …>`, or why Apache refuses it. `rest`: what stands behind `<Macro`. */
export function macroHead(
  rest: string,
): { kind: 'head'; name: string; parameters: string[] } | { kind: 'refused'; message: string } {
  const end = rest.lastIndexOf('>');
  if (end === -1) return refused('its line has no closing >');
  const { word, rest: behind } = firstWord(rest.slice(0, end));
  if (word.text === '') return refused('the macro has no name');
  // Flags between the name and the parameters; they only silence warnings.
  const parameters = wordsOf(behind.replace(/^(?:\/Ignore(?:EmptyArgs|BadNesting)\s*)+/i, '')).map(({ text }) => text);
  if (parameters.includes('')) return refused('a parameter has no name');
  const twice = parameters.find((name, index) => parameters.indexOf(name) !== index);
  if (twice !== undefined) return refused(`two parameters are named ${twice}`);
  return { kind: 'head', name: word.text.toLowerCase(), parameters };
}

/** The lines that a Use puts in its place, or why Apache refuses it. `arguments_`: words behind the name of the macro. */
export function useMacro(
  macro: Macro,
  given: readonly string[],
  use: { at: SourceRef; reported: ReportedPlace },
): { kind: 'lines'; lines: LogicalLine[] } | { kind: 'refused'; message: string } {
  const { name, parameters, body, definedOn } = macro;
  const { file: place, line: onLine } = definedOn;
  if (given.length !== parameters.length) {
    return refused(`the macro ${name} takes ${parameters.length} arguments and is given ${given.length}`);
  }
  const file = `macro '${name}' (defined on line ${onLine} of "${place}") used on line ${use.reported.line} of "${use.reported.file}"`;
  const physical = body.map(({ text, line }, index) => ({
    text: `${replaced(text, parameters, given)}\n`,
    line,
    reported: { file, line: index + 1 },
  }));
  if (physical.some(({ text }) => text.length > LINE_MAX)) {
    return refused(`a line of the macro ${name} becomes longer than ${LINE_MAX} bytes`);
  }
  return { kind: 'lines', lines: joinedLines(physical, { file: macro.file, via: use.at }) };
}

/** Each parameter replaced from left to right, the longest where several begin; what was put in is not looked at again (AP-22). */
function replaced(text: string, parameters: readonly string[], given: readonly string[]): string {
  if (parameters.length === 0) return text;
  const longestFirst = [...parameters].sort((a, b) => b.length - a.length);
  const names = new RegExp(longestFirst.map((name) => name.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'), 'g');
  return text.replace(names, (name) => {
    const value = given[parameters.indexOf(name)] ?? '';
    // A parameter named @… is put in quotes.
    return name.startsWith('@') ? `"${value.replace(/["\\]/g, '\\$&')}"` : value;
  });
}

function refused(message: string): { kind: 'refused'; message: string } {
  return { kind: 'refused', message };
}
