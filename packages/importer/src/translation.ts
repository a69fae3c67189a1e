// Room: what an import comes to, whatever it read: rules, a ledger that adds up, findings; all texts in it masked.
import type { Diagnostic, Provenance, RuleSet } from '@outrigger/rules';
import type { ImportCode } from './codes.ts';
import { type FileRead, withEntries } from './filetree.ts';
import type { LetThrough, Tightening } from './judgement.ts';
import { countDispositions, type Disposition, type LedgerEntry, ledgerDiagnostics } from './ledger.ts';
import { type Redactor, redactData } from './redact.ts';
import type { ShownFile } from './source.ts';

/** All carried over; rules with something left for a person; nothing that could run. */
export type Outcome = 'complete' | 'partial' | 'failed';

/** What `outrigger import` ends with for each. */
export const EXIT_CODES = { complete: 0, partial: 2, failed: 1 } as const satisfies Record<Outcome, number>;

export type Summary = Record<Disposition, number> & {
  directives: number;
  listeners: number;
  upstreams: number;
  routes: number;
  accessLines: number;
};

/** A question of whoever has imported, and the lines of its answer. */
export type Answers = { question: string; answers: string[] };

export type Translation = {
  /** What to know first, where the vendor's room answers it. */
  overview?: Answers[];
  /** Absent where nothing could run. */
  rules?: RuleSet;
  /** The same as a report may show them: what might be a secret in them is masked. */
  shownRules?: RuleSet;
  /** Every directive in the order it was read. */
  ledger: readonly LedgerEntry[];
  /** What the files are, as sentences: no config at all, or one for a Squid that its own words tell. */
  about: string[];
  /** The files that hold those directives, in the order they were first read. */
  files: readonly ShownFile[];
  /** The same as a tree: which line led to which file, what was not there, which sections were skipped. One for each file given. */
  tree: FileRead[];
  /** What a person should look at: errors and warnings of directives, then what the old file let through. */
  diagnostics: Diagnostic<ImportCode>[];
  /** Those of `diagnostics` that no directive is to blame for, each with a request that shows it. */
  letThrough: LetThrough[];
  summary: Summary;
  outcome: Outcome;
  /** What became narrower, or would with `tighten`; absent where no route depends on a pattern over URLs. */
  tightening?: Tightening;
  /** What Outrigger does otherwise on purpose, as sentences. */
  differences: string[];
};

/** What an importer knows when it is done, before anything is shown. */
export type Draft = Pick<
  Translation,
  'overview' | 'ledger' | 'about' | 'tree' | 'letThrough' | 'tightening' | 'differences' | 'rules'
> & {
  /** Findings about the files as a whole. */
  general: Diagnostic<ImportCode>[];
};

/** Everything that texts of the files went into passes the redactor here, whatever its directive did with it. */
export function finish(draft: Draft, files: ShownFile[], redactor: Redactor): Translation {
  const { rules, tree, ...rest } = draft;
  const { general, ...shown } = redactData(rest, redactor);
  const diagnostics = [...ledgerDiagnostics(shown.ledger), ...general, ...shown.letThrough];
  const counts = countDispositions(shown.ledger);
  const isComplete =
    !diagnostics.some(({ severity }) => severity === 'error') &&
    counts.untranslated + counts.unknown + counts.malformed === 0;
  return {
    ...shown,
    ...(rules !== undefined && { rules: withShownPlaces(rules, redactor), shownRules: redactData(rules, redactor) }),
    files,
    tree: withEntries(tree, new Map(draft.ledger.map((entry, index) => [entry, shown.ledger[index] ?? entry]))),
    diagnostics,
    summary: {
      directives: draft.ledger.length,
      ...counts,
      listeners: rules?.listen.length ?? 0,
      upstreams: rules?.upstreams.size ?? 0,
      routes: rules?.routes.length ?? 0,
      accessLines: rules?.access.length ?? 0,
    },
    outcome: rules === undefined ? 'failed' : isComplete ? 'complete' : 'partial',
  };
}

/** The rules as they are, and in their comments nothing secret. */
function withShownPlaces(rules: RuleSet, redactor: Redactor): RuleSet {
  const shown = <Item extends Provenance>(item: Item): Item =>
    item.from === undefined ? item : { ...item, from: redactData(item.from, redactor) };
  return {
    ...rules,
    listen: rules.listen.map(shown),
    upstreams: new Map([...rules.upstreams].map(([name, upstream]) => [name, shown(upstream)])),
    access: rules.access.map(shown),
    routes: rules.routes.map(shown),
  };
}
