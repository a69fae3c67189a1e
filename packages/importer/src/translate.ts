// Room: the pipeline from old configs to rules and a ledger. It reads like the drawing in the architecture: expand, model,
// lower; every stage writes into one ledger.
import { type CompiledRules, compileRules, type Diagnostic, type Provenance, type RuleSet } from '@outrigger/rules';
import type { ImportCode } from './codes.ts';
import { countDispositions, createLedger, type Disposition, type LedgerEntry, ledgerDiagnostics } from './ledger.ts';
import { createRedactor, type Redactor, redactData } from './redact.ts';
import { type Reader, recordingReader, type ShownFile } from './source.ts';
import { announcedDifferences } from './squid/differences.ts';
import { disguiseOf } from './squid/disguise.ts';
import { shownFile } from './squid/display.ts';
import { expand } from './squid/expand.ts';
import { type LetThrough, letThrough } from './squid/letthrough.ts';
import { type Lowered, lower, wholeFile } from './squid/lower.ts';
import { enterRules } from './squid/made.ts';
import { meantBy } from './squid/meant.ts';
import { buildModel, type Model } from './squid/model.ts';
import { createProbe, probedListener } from './squid/probe.ts';
import { SQUID_SECRETS } from './squid/secrets.ts';
import { type Tightening, tighten } from './squid/tighten.ts';
import { versionOf } from './squid/version.ts';

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

export type Translation = {
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

export type ImportOptions = {
  /** Read in order as one. */
  files: string[];
  reader: Reader;
  /** The Squid they last ran on; the newest meaning is taken where absent. */
  squidVersion?: string;
  /** Hosts and paths in place of loose patterns, where what is lost is only what nobody wants. */
  tighten?: boolean;
};

/** Imports squid.conf files. Never throws on input. */
export function importSquid({
  files,
  reader: source,
  squidVersion,
  tighten: isTight = false,
}: ImportOptions): Translation {
  const main = files[0] ?? '';
  const reader = recordingReader(source);
  const ledger = createLedger();
  const redactor = createRedactor(SQUID_SECRETS);
  const directives = expand(files, reader, ledger, redactor);
  const { version, sentence } = versionOf(squidVersion, directives);
  const model = buildModel(directives, { reader, main }, version);
  const lowered = lower(model);
  const configs = reader.files.filter(
    ({ path }) => files.includes(path) || ledger.entries.some(({ at }) => at.file === path),
  );
  const about = [...configs.flatMap((file) => disguiseOf(file) ?? []), ...(sentence === undefined ? [] : [sentence])];
  const draft: Draft = { ledger: ledger.entries, about, general: [], letThrough: [], differences: [] };
  if (lowered.kind === 'nothing') {
    const { code, message } = lowered;
    draft.general.push({ severity: 'error', code, at: wholeFile(main), message });
  } else {
    const exact = compileRules(lowered.rules);
    Object.assign(draft, judged(model, lowered, exact, isTight), { differences: announcedDifferences(exact) });
    enterRules(draft.ledger, lowered.rules, model);
  }
  const shown = configs.map((file) => shownFile(file, redactor));
  return finish(draft, shown, redactor);
}

type Draft = Pick<Translation, 'ledger' | 'about' | 'letThrough' | 'tightening' | 'differences' | 'rules'> & {
  /** Findings about the files as a whole. */
  general: Diagnostic<ImportCode>[];
};

/** What the exact rules let through, what tighter ones would change, and which of the two are the rules. */
function judged(
  model: Model,
  { rules, routes, resolver }: Extract<Lowered, { kind: 'rules' }>,
  compiled: CompiledRules,
  isTight: boolean,
): Pick<Draft, 'rules' | 'letThrough' | 'tightening'> {
  const listener = probedListener(rules.listen);
  if (listener === undefined) return { rules, letThrough: [] };
  const cases = routes.map(({ choice, when }) => ({ upstream: choice.name, meants: meantBy(when, model, resolver) }));
  const tightened = tighten({ rules, compiled, routes, model, resolver, listener });
  const probe = createProbe(compiled, listener);
  const tight = tightened === undefined ? probe : createProbe(tightened.compiled, listener);
  return {
    rules: isTight && tightened !== undefined ? tightened.rules : rules,
    letThrough: letThrough(cases, rules, listener, probe, tight),
    ...(tightened !== undefined && { tightening: { ...tightened.tightening, applied: isTight } }),
  };
}

/** Everything that texts of the files went into passes the redactor here, whatever its directive did with it. */
function finish(draft: Draft, files: ShownFile[], redactor: Redactor): Translation {
  const { rules, ...rest } = draft;
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
