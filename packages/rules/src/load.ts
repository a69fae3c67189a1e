// Room: from the text of a rules file to a rule set, or to findings with file, line and column. Reads no files.
import { isMap, LineCounter, parseDocument, type YAMLError } from 'yaml';
import type { z } from 'zod';
import { checkRules, type RulesCode } from './check.ts';
import type { Diagnostic } from './diagnostic.ts';
import { type DocumentPath, type Positions, positionsOf } from './positions.ts';
import { type AccessLine, type Provenance, type RuleSet, rulesDocument } from './schema.ts';
import { describeIssue } from './suggest.ts';

/** A rule set, absent where any finding is an error, and the findings in the order of the file. */
export type LoadResult = { rules?: RuleSet; diagnostics: Diagnostic<RulesCode>[] };

/** A rules file names a handful of anchors at most; more is a file built to fill memory. */
const MAX_ALIASES = 100;

/** Loads a rules file from its text; `file` is the name that findings carry. Never throws on input. */
export function loadRules(text: string, file: string): LoadResult {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: true, logLevel: 'error' });
  const positions = positionsOf(document, lineCounter, file);
  const syntax = [...document.errors, ...document.warnings].map((error) => syntaxFinding(error, lineCounter, file));
  if (syntax.length > 0) return { diagnostics: syntax };
  if (!isMap(document.contents)) {
    return {
      diagnostics: [
        finding(positions, [], 'RULES_SHAPE', 'a rules file is a map with listen, upstreams, access and routes'),
      ],
    };
  }

  let plain: unknown;
  try {
    plain = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    return {
      diagnostics: [finding(positions, [], 'RULES_SYNTAX', error instanceof Error ? error.message : String(error))],
    };
  }
  const parsed = rulesDocument.safeParse(plain);
  if (!parsed.success) {
    return { diagnostics: inFileOrder(parsed.error.issues.flatMap((issue) => describeIssue(issue, [], positions))) };
  }
  const rules = withProvenance(parsed.data, positions);
  const diagnostics = inFileOrder(checkRules(rules, positions));
  return diagnostics.some(({ severity }) => severity === 'error') ? { diagnostics } : { rules, diagnostics };
}

function withProvenance(document: z.output<typeof rulesDocument>, positions: Positions): RuleSet {
  const provenance = (path: DocumentPath): Provenance => {
    const from = positions.importedFrom(path);
    return { at: positions.at(path), ...(from.length > 0 && { from }) };
  };
  return {
    listen: document.listen.map((listener, index) => ({ ...listener, ...provenance(['listen', index]) })),
    upstreams: new Map(
      Object.entries(document.upstreams).map(([name, upstream]) => [
        name,
        { ...upstream, ...provenance(['upstreams', name]) },
      ]),
    ),
    ...(document.pages && {
      pages: new Map(
        Object.entries(document.pages).map(([name, page]) => [name, { ...page, ...provenance(['pages', name]) }]),
      ),
    }),
    access: document.access.map((line, index): AccessLine => {
      const place = provenance(['access', index]);
      return 'allow' in line
        ? { action: 'allow', when: line.allow, answer: 'forbidden', ...place }
        : { action: 'deny', when: line.deny, answer: line.answer, ...place };
    }),
    routes: document.routes.map((route, index) => ({ ...route, ...provenance(['routes', index]) })),
    limits: document.limits,
    tunnelMethods: document.tunnelMethods,
    ...(document.accessLog && { accessLog: document.accessLog }),
    ...(document.trustedProxies && { trustedProxies: document.trustedProxies }),
  };
}

function finding(positions: Positions, path: DocumentPath, code: RulesCode, message: string): Diagnostic<RulesCode> {
  return { severity: 'error', code, at: positions.at(path), message };
}

/** `*` and `!x` mean something to YAML when they stand unquoted; the library's words for that help nobody here. */
function syntaxFinding(error: YAMLError, lineCounter: LineCounter, file: string): Diagnostic<RulesCode> {
  const { line, col } = lineCounter.linePos(error.pos[0]);
  const at = { file, line: Math.max(line, 1), column: Math.max(col, 1), directive: '' };
  const quoting = error.code === 'TAG_RESOLVE_FAILED' || error.code === 'BAD_ALIAS';
  return {
    severity: 'error',
    code: 'RULES_SYNTAX',
    at,
    message: quoting
      ? 'YAML reads an unquoted value that begins with ! or * as a tag or an alias'
      : `not valid YAML: ${error.message}`,
    ...(quoting && { hint: "Put it in quotes: '!10.0.0.0/8', '*'." }),
  };
}

function inFileOrder(diagnostics: Diagnostic<RulesCode>[]): Diagnostic<RulesCode>[] {
  return diagnostics.sort((a, b) => a.at.line - b.at.line || (a.at.column ?? 0) - (b.at.column ?? 0));
}
