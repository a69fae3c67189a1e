// Room: the pipeline from a squid.conf to rules and a ledger. It reads like the drawing in the architecture: expand, model,
// lower; every stage writes into one ledger.
import { type CompiledRules, compileRules } from '@outrigger/rules';
import type { FileRead } from './filetree.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { createRedactor, type Redactor } from './redact.ts';
import { type Reader, recordingReader } from './source.ts';
import { aboutFiles } from './squid/about.ts';
import { announcedDifferences } from './squid/differences.ts';
import { shownFile } from './squid/display.ts';
import { type Directive, expand } from './squid/expand.ts';
import { letThrough } from './squid/letthrough.ts';
import { type Lowered, lower, wholeFile } from './squid/lower.ts';
import { enterRules } from './squid/made.ts';
import { meantBy } from './squid/meant.ts';
import { buildModel, type Model } from './squid/model.ts';
import { createProbe, probedListener } from './squid/probe.ts';
import { SQUID_SECRETS } from './squid/secrets.ts';
import { tighten } from './squid/tighten.ts';
import { versionOf } from './squid/version.ts';
import { type Draft, finish, type Translation } from './translation.ts';

/** squid.conf files, read in order as one. */
export type SquidFiles = {
  files: string[];
  reader: Reader;
  /** The Squid they last ran on; the newest meaning is taken where absent. */
  squidVersion?: string;
};

export type ImportOptions = SquidFiles & {
  /** Hosts and paths in place of loose patterns, where what is lost is only what nobody wants. */
  tighten?: boolean;
};

/** What squid.conf files say in Squid's own terms, before any rule is made of it: for those who ask questions about it. */
export function readSquid({ files, reader, squidVersion }: SquidFiles): {
  model: Model;
  ledger: Ledger;
  redactor: Redactor;
  /** Each of the files, with those that its lines led to. */
  tree: FileRead[];
  /** What the files are, as sentences. */
  about: string[];
  /** Lines that count, in order, whatever they say. */
  directives: readonly Directive[];
} {
  const ledger = createLedger();
  const redactor = createRedactor(SQUID_SECRETS);
  const { directives, tree } = expand(files, reader, ledger, redactor);
  const { version, sentence } = versionOf(squidVersion, directives);
  const model = buildModel(directives, { reader, main: files[0] ?? '' }, version);
  const about = [...aboutFiles(ledger.entries), ...(sentence === undefined ? [] : [sentence])];
  return { model, ledger, redactor, tree, about, directives };
}

/** Imports squid.conf files. Never throws on input. */
export function importSquid({ reader: source, tighten: isTight = false, ...given }: ImportOptions): Translation {
  const { files } = given;
  const main = files[0] ?? '';
  const reader = recordingReader(source);
  const { model, ledger, redactor, tree, about } = readSquid({ ...given, reader });
  const lowered = lower(model);
  const draft: Draft = { ledger: ledger.entries, about, tree, general: [], letThrough: [], differences: [] };
  if (lowered.kind === 'nothing') {
    const { code, message } = lowered;
    draft.general.push({ severity: 'error', code, at: wholeFile(main), message });
  } else {
    const exact = compileRules(lowered.rules);
    Object.assign(draft, judged(model, lowered, exact, isTight), {
      differences: announcedDifferences(exact).map(({ text }) => text),
    });
    enterRules(draft.ledger, lowered.rules, model);
  }
  const shown = reader.files
    .filter(({ path }) => files.includes(path) || ledger.entries.some(({ at }) => at.file === path))
    .map((file) => shownFile(file, redactor));
  return finish(draft, shown, redactor);
}

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
