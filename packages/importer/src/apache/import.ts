// Room: the pipeline from an Apache configuration to rules and a ledger: layout, tree, servers, lower.
import type { RuleSet, SourceRef } from '@outrigger/rules';
import { everyFile } from '../filetree.ts';
import { createLedger, type LedgerEntry } from '../ledger.ts';
import { createRedactor } from '../redact.ts';
import { placeKey, rulePaths } from '../rulepaths.ts';
import { type Reader, recordingReader, type ShownFile } from '../source.ts';
import { type Draft, finish, type Translation } from '../translation.ts';
import { checkTree } from './check.ts';
import { apacheDifferences } from './differenceplaces.ts';
import { shownFile } from './display.ts';
import { readTree } from './expand.ts';
import { findLayout } from './layout.ts';
import { remarkForwarded } from './linedifferences.ts';
import { remarkForwardProxy, remarkRest, remarkSidecar, remoteIpAdvice, trustsLoopback } from './loopback.ts';
import { lower } from './lower.ts';
import type { Lift } from './moves.ts';
import { overviewOf } from './overview.ts';
import { type ApachePlace, DEFAULT_PLACE, remarkPlain } from './place.ts';
import { APACHE_SECRETS } from './secrets.ts';
import { readServers } from './servers.ts';
import type { Refusal } from './tree.ts';

export type ApacheOptions = {
  /** The main file, or the folder it is in: /etc/apache2, /etc/httpd. */
  path: string;
  reader: Reader;
  /** Names given to Apache with -D. */
  names?: readonly string[];
  /** Values of its environment, beside those of envvars. */
  values?: ReadonlyMap<string, string>;
  /** Where Apache goes on listening; by default with TLS on a free port of 127.0.0.1. */
  place?: ApachePlace;
  /** What is to move: paths of Exchange (the default), or everything that is proxied and that a rule can do. */
  lift?: Lift;
};

/** Imports an Apache configuration. Never throws on input. */
export function importApache(options: ApacheOptions): Translation {
  const { path, reader: source, names = [], values = new Map(), place = DEFAULT_PLACE } = options;
  const reader = recordingReader(source);
  const ledger = createLedger();
  const redactor = createRedactor(APACHE_SECRETS);
  const draft: Draft = { ledger: ledger.entries, about: [], general: [], letThrough: [], differences: [], tree: [] };
  // Those of the tree alone: <IfFile> asks whether a file is there, and that one may be a key.
  const shown = (): ShownFile[] => {
    const read = new Set(everyFile(draft.tree).map(({ file }) => file));
    return reader.files.filter(({ path: each }) => read.has(each)).map((file) => shownFile(file, redactor));
  };
  const fail = (at: SourceRef, message: string): Translation => {
    draft.general.push({ severity: 'error', code: 'APACHE_NOTHING_TO_RUN', at, message });
    remarkRest(ledger.entries);
    return finish(draft, shown(), redactor);
  };
  const found = findLayout(path, reader);
  if (found.kind === 'missing') return fail({ file: path, line: 1, directive: '' }, found.message);
  const tree = readTree({ layout: found.layout, reader, ledger, redactor, names, values });
  draft.tree = tree.files;
  const refuse = ({ at, message }: Refusal): Translation =>
    fail(at, `Apache itself does not start with this configuration: ${message}`);
  // One line stops Apache: what a look at the rest would find wrong as well, it never comes to.
  const early = tree.refusal ?? checkTree(tree);
  if (early !== undefined) return refuse(early);
  const servers = readServers(tree);
  if (servers.refusal !== undefined) return refuse(servers.refusal);
  const lowered = lower(servers, { place, lift: options.lift ?? 'exchange', root: tree.serverRoot });
  remarkForwardProxy(tree);
  const hearsProxy = lowered.kind === 'rules' && lowered.hearsProxy;
  const at: ApachePlace = { ...place, ...(hearsProxy && { hearsProxy }) };
  remarkSidecar(tree, at);
  remarkForwarded(tree);
  if (place.isPlain) remarkPlain(tree);
  if (lowered.kind === 'nothing') return fail({ file: found.layout.main, line: 1, directive: '' }, lowered.message);
  remarkRest(ledger.entries);
  enterRules(ledger.entries, lowered.rules);
  draft.rules = lowered.rules;
  const knowsLoopback = !hearsProxy && trustsLoopback(tree, place);
  const { fates, apacheAt } = lowered;
  draft.overview = overviewOf(fates, { place: at, servers: apacheAt, knowsLoopback });
  draft.differences = differences(lowered.rules, knowsLoopback, at);
  return finish(draft, shown(), redactor);
}

/** Enters into each entry the rules it had a part in, in the order of the rules file. */
function enterRules(entries: readonly LedgerEntry[], rules: RuleSet): void {
  const byPlace = new Map(entries.map((entry) => [placeKey(entry.at), entry]));
  for (const [path, from] of rulePaths(rules)) {
    for (const key of new Set(from.map(placeKey))) byPlace.get(key)?.rules.push(path);
  }
}

/** What is otherwise on purpose, and what Apache needs to know of its new place. */
function differences(rules: RuleSet, knowsLoopback: boolean, place: ApachePlace): string[] {
  return [
    ...apacheDifferences(rules),
    ...(place.isPlain
      ? [
          'Apache makes redirects of its own with http://, unless its virtual hosts say ServerName https://NAME; scripts find https in X-Forwarded-Proto alone.',
        ]
      : []),
    ...(knowsLoopback
      ? []
      : [
          `Behind Outrigger Apache sees 127.0.0.1 for every client until mod_remoteip is enabled: ${remoteIpAdvice(place)}.`,
        ]),
  ];
}
