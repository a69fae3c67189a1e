// Realistic Apache trees, asked of the installed Apache: whether it starts with them, in its own words and with its own lines, and
// what it does with the requests that the expectations name. OUTRIGGER_RECORD=1 writes its answers down for the tests that run
// where there is none.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority } from '@outrigger/tools/certs';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import { sample } from '@outrigger/tools/sample';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryReader } from '../source.ts';
import { findLayout } from './layout.ts';
import { writePrivateCopy } from './testing/privatecopy.ts';
import { isAsExpected, movedProbes, spread } from './testing/probes.ts';
import {
  importRealistic,
  REALISTIC,
  type RealisticTree,
  realisticTree,
  rowText,
  SYNTAX_RECORD,
  TREES,
} from './testing/realistic.ts';
import { openStage, treeOf } from './testing/stage.ts';

const apache = daemonOrSkip('apache2');
const RECORD = process.env.OUTRIGGER_RECORD === '1';
/** Requests of each tree beside those it names. */
const PROBES = 60;

let pem = '';
let certificates = '';
beforeAll(async () => {
  certificates = mkdtempSync(join(tmpdir(), 'outrigger-trees-'));
  const leaf = await (await createAuthority()).issue({ names: ['mail.contoso.com'] });
  pem = join(certificates, 'leaf.pem');
  writeFileSync(pem, `${leaf.certPem}${leaf.keyPem}`);
});
afterAll(() => rmSync(certificates, { recursive: true, force: true }));

/** `taken`, `lacks MODULES`, or `refused`, the place and Apache's words. */
function syntaxOf({ files, defines }: RealisticTree): string {
  const root = mkdtempSync(join(tmpdir(), 'outrigger-tree-'));
  try {
    const found = findLayout('', memoryReader(files));
    if (found.kind === 'missing') return 'no main file';
    const { main, lacking } = writePrivateCopy(files, { root, main: found.layout.main, pem });
    const run = { APACHE_RUN_USER: 'www-data', APACHE_RUN_GROUP: 'www-data', APACHE_PID_FILE: `${root}/pid` };
    const env = { ...run, APACHE_RUN_DIR: root, APACHE_LOCK_DIR: root, APACHE_LOG_DIR: root, APACHE_CONFDIR: root };
    const args = ['-t', '-d', root, '-f', main, ...defines.flatMap((name) => ['-D', name])];
    const { stderr } = spawnSync(apache ?? '', args, { encoding: 'latin1', env });
    if (/Syntax OK/.test(stderr)) return lacking.length === 0 ? 'taken' : `taken\twithout ${lacking.join(', ')}`;
    if (lacking.length > 0) return `lacks\t${lacking.join(', ')}`;
    const said = stderr.replaceAll(`${root}/`, '').replaceAll(root, '.');
    // An Include that leads to the fault is named in front of it.
    const places = [...said.matchAll(/Syntax error on line (\d+) of ([^:\n]+):\s*/g)];
    const last = places.at(-1);
    if (last === undefined) return `refused\t\t${said.trim().split('\n').at(-1)}`;
    const words = said.slice(last.index + last[0].length).split('\n', 1)[0];
    return `refused\t${last[2]}:${last[1]}\t${words}`;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

describe.skipIf(apache === undefined)('realistic trees on the installed Apache', () => {
  const recorded = new Map(
    readFileSync(SYNTAX_RECORD, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.split('\t', 1)[0], line.slice(line.indexOf('\t') + 1)]),
  );
  const found = new Map<string, string>();
  afterAll(() => {
    if (!RECORD) return;
    for (const name of TREES) if (!found.has(name)) found.set(name, recorded.get(name) ?? '');
    const lines = TREES.map((name) => `${name}\t${found.get(name)}`);
    const head =
      '# Apache/2.4.71 (Debian), apache2 -t: what becomes of each tree of apache/ (OUTRIGGER_RECORD=1 asks again)';
    writeFileSync(SYNTAX_RECORD, [head, ...lines, ''].join('\n'));
  });

  it.each(sample(TREES))('%s', { timeout: 120_000 }, async (name) => {
    const tree = realisticTree(name);
    const verdict = syntaxOf(tree);
    found.set(name, verdict);
    if (!RECORD) expect(verdict).toBe(recorded.get(name));
    if (verdict.startsWith('taken') && tree.rows.length > 0) await askRows(tree);
  });
});

/** Asks for each row of a tree, and for what else the rules send to Exchange. */
async function askRows(tree: RealisticTree): Promise<void> {
  const config = treeOf(tree.files, tree.defines);
  const { rules } = importRealistic(tree);
  const stage = await openStage(config, { hasOwnAddresses: true });
  try {
    const verdicts: string[] = [];
    for (const row of tree.rows) {
      const [, address, port = '443'] = /^(.*):(\d+)$/.exec(row.listener ?? '') ?? [];
      const { method, target, host, client } = row;
      const question = { method, target, host, client, port: Number(port), ...(address !== undefined && { address }) };
      verdicts.push(`${rowText(row)}\t${await stage.ask(question)}`);
    }
    const head = '# Apache/2.4.71 (Debian): method, target, Host, client, listener, what it did';
    const text = [head, ...verdicts, ''].join('\n');
    const path = join(REALISTIC, tree.name, 'verdicts.tsv');
    if (RECORD) writeFileSync(path, text);
    expect(text).toBe(readFileSync(path, 'utf8'));
    if (rules === undefined) return;
    const wrong: unknown[] = [];
    for (const { probe, expected } of spread(movedProbes(config, rules), PROBES)) {
      const { path: target, host, client, listener } = probe;
      const [, address = '*', port = ''] = /^(.*):(\d+)$/.exec(listener.address) ?? [];
      const answer = await stage.ask({ method: 'GET', target, host, client, port: Number(port), address });
      if (!isAsExpected(answer, expected)) wrong.push({ target, host, client, expected, answer });
    }
    expect(wrong.slice(0, 3)).toEqual([]);
  } finally {
    await stage.close();
  }
}
