// Room: where a finding stands, what it says, and the one way it is printed. Knows nothing of rules.

/** A place in a file a person wrote. `line` and `column` count from 1; `via` is the include that led here. */
export type SourceRef = {
  file: string;
  line: number;
  column?: number;
  /** The directive or key as written, shortened for display; empty where the place has none. */
  directive: string;
  via?: SourceRef;
};

export type Severity = 'error' | 'warning' | 'note';

/** One finding: place, what was met and what becomes of it, remedy, code. `Code` is a closed union per package. */
export type Diagnostic<Code extends string = string> = {
  severity: Severity;
  code: Code;
  at: SourceRef;
  message: string;
  /** What to do about it, as a sentence. */
  hint?: string;
};

/** `file:line` or `file:line:column`, as editors and terminals make clickable. */
export function formatPlace(at: SourceRef): string {
  return at.column === undefined ? `${at.file}:${at.line}` : `${at.file}:${at.line}:${at.column}`;
}

/**
 * The one printed form of a finding:
 * `file:line:column: severity: message. hint [CODE]`, then each include that led there on an indented line.
 */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { at, severity, message, hint, code } = diagnostic;
  const sentence = hint === undefined ? message : `${endSentence(message)} ${hint}`;
  const lines = [`${formatPlace(at)}: ${severity}: ${sentence} [${code}]`];
  for (let via = at.via; via !== undefined; via = via.via) lines.push(`    included from ${formatPlace(via)}`);
  return lines.join('\n');
}

function endSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
