// Room: the pipeline from an XML export of ISA Server or Forefront TMG to rules and a ledger: xml, records, lower.
import { fileRead } from '../filetree.ts';
import { createLedger, type LedgerEntry } from '../ledger.ts';
import { createRedactor, type SecretRow } from '../redact.ts';
import { rulePaths } from '../rulepaths.ts';
import type { Reader, ShownFile } from '../source.ts';
import { type Draft, finish, type Translation } from '../translation.ts';
import { lower } from './lower.ts';
import { readExport } from './records.ts';
import { productOf } from './sections.ts';
import { readXml } from './xml.ts';

export type TmgOptions = { file: string; reader: Reader };

const NAMESPACE = 'http://schemas.microsoft.com/isa/config-4';

/** Where an export holds secrets: in elements called after them. */
const TMG_SECRETS: readonly SecretRow[] = [
  /<[\w:]{0,64}(?:password|passphrase|secret)\w{0,64}[^<>]{0,256}>(?<secret>[^<]+)/dgi,
  /(?:password|passphrase|secret)\w{0,64}: (?<secret>.+)$/dgi,
];

const DIFFERENCES = [
  'A path /x/* takes /x itself too, in any case and in any spelling that comes to it, as IIS reads it.',
  'Nobody is asked for a login before a request reaches a server; TMG could ask.',
  'What the HTTP filter of TMG refused is denied where access says so; bodies, signatures and answers are not looked at.',
  'No answer is changed but Location and cookies: links in pages stay as the server wrote them.',
];

/** Imports the XML export of an array or of its policy. Never throws on input. */
export function importTmg({ file, reader }: TmgOptions): Translation {
  const ledger = createLedger();
  const redactor = createRedactor(TMG_SECRETS);
  const draft: Draft = { ledger: ledger.entries, about: [], general: [], letThrough: [], differences: [], tree: [] };
  const files: ShownFile[] = [];
  const fail = (message: string): Translation => {
    draft.general.push({
      severity: 'error',
      code: 'TMG_NOTHING_TO_RUN',
      at: { file, line: 1, directive: '' },
      message,
    });
    return finish(draft, files, redactor);
  };
  const source = reader.read(file);
  if (source.kind === 'missing') return fail(`${file} could not be read: ${source.message}`);
  draft.tree.push(fileRead(file, reader));
  const xml = readXml(source.file.text);
  if (xml.kind === 'refused') return fail(`${file} is refused: ${xml.message}`);
  if (xml.root.name !== 'Root' || xml.root.namespace !== NAMESPACE)
    return fail(`${file} is no export of ISA Server or TMG: its root is not Root of ${NAMESPACE}`);
  draft.about.push(...[productOf(xml.root)].filter((text) => text !== undefined));
  const found = readExport(xml.root, file, ledger, redactor);
  const rules = lower(found);
  files.push({ path: file, lines: xml.text.split('\n').map((line) => redactor.text(redactor.directive(line))) });
  if (rules === undefined) return fail('no web publishing rule with a listener is left: the export publishes nothing');
  enterRules(ledger.entries, rules);
  draft.rules = rules;
  draft.differences = DIFFERENCES;
  return finish(draft, files, redactor);
}

/** Enters into each entry the rules it had a part in. By identity: an export may have no line ends. */
function enterRules(entries: readonly LedgerEntry[], rules: Parameters<typeof rulePaths>[0]): void {
  const byPlace = new Map(entries.map((entry) => [entry.at, entry]));
  for (const [path, from] of rulePaths(rules)) for (const at of new Set(from)) byPlace.get(at)?.rules.push(path);
}
