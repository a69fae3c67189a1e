import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importSquid, memoryReader } from '@outrigger/importer';
import { startEdge } from '@outrigger/proxy';
import type { RuleSet } from '@outrigger/rules';
import { type Heads, headRows, keyOf, readHeads } from '@outrigger/tools/heads';
import { field } from '@outrigger/tools/message';
import { startOrigin } from '@outrigger/tools/origin';
import { fieldsOf, option, type Probe, readCase } from '@outrigger/tools/squid/cases';
import { connect, expectResponse } from '@outrigger/tools/wire';
import { afterAll, describe, expect, it } from 'vitest';

// Fields that a real Squid sent on and answered with, against the running proxy on the imported file: every value the same, but
// for those that the record says are ours, which the report has to own up to.

const CASES = join(import.meta.dirname, '../../../fixtures/squid');
const closers: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closers) await close();
});

const names = readdirSync(CASES).filter((name) => existsSync(join(CASES, name, 'heads.tsv')));

it('has cases', () => {
  expect(names.length).toBeGreaterThan(10);
});

describe.each(names)('%s', (name) => {
  const given = readCase(join(CASES, name), name);
  const record = readHeads(given.folder);
  const files = Object.fromEntries(given.files);
  const version = join(given.folder, 'squid-version');
  const { rules } = importSquid({
    files: ['squid.conf'],
    reader: memoryReader(files),
    ...(existsSync(version) && { squidVersion: readFileSync(version, 'utf8').trim() }),
  });

  it('sends on and answers with the values that Squid did', async () => {
    if (rules === undefined || record === undefined) throw new Error(`${name} gave no rules or has no record`);
    const asked = new Map<string, Awaited<ReturnType<typeof served>>>();
    const rows = [];
    for (const probe of given.probes) {
      const down = option(probe, 'down') ?? '';
      const ask = asked.get(down) ?? (await served(rules, down.split(','), given.folder));
      asked.set(down, ask);
      rows.push(...headRows(probe, await ask(probe), record.watched));
    }
    const expected = record.rows.map((row) => [keyOf(row), row.ours?.slice('ours='.length) ?? row.values]);
    expect(rows.map((row) => [keyOf(row), row.values])).toEqual(expected);
  });

  it('says so in its report wherever another value is ours', () => {
    const differing = record?.rows.some(({ ours }) => ours !== undefined) ?? false;
    const report = readFileSync(join(given.folder, 'report.txt'), 'utf8');
    if (differing) expect(report).toMatch(/^ +(?:approximated|untranslated): /m);
  });
});

/** Nobody listens there (tcpmux, RFC 1078). */
const NOBODY = 'http://127.0.0.1:1';

/** The rules on ports of their own, with one stand-in behind them; nobody behind peers that are `down`. Their files are in `folder`. */
async function served(
  rules: RuleSet,
  down: readonly string[],
  folder: string,
): Promise<(probe: Probe) => Promise<Heads>> {
  const origin = await startOrigin({ name: 'web' });
  const moved: RuleSet = {
    ...rules,
    listen: rules.listen.map((listener) => ({ ...listener, address: '127.0.0.1:0', name: listener.address })),
    upstreams: new Map(
      [...rules.upstreams].map(([name, upstream]) => [
        name,
        { ...upstream, servers: [down.includes(name) ? NOBODY : `http://127.0.0.1:${origin.port}`] },
      ]),
    ),
  };
  const started = await startEdge({
    rules: moved,
    report: () => {},
    readFile: (path) => readFileSync(join(folder, path)),
  });
  if (started.kind !== 'started') throw new Error(started.problems.map(({ message }) => message).join('\n'));
  closers.push(
    () => started.edge.close(0),
    () => origin.close(),
  );
  const port = started.edge.addresses[0]?.port ?? 0;
  return async (probe) => {
    const localAddress = option(probe, 'client');
    const wire = await connect({ host: '127.0.0.1', port, ...(localAddress !== undefined && { localAddress }) });
    const lines = [['Host', probe.host ?? ''], ['Connection', 'close'], ...fieldsOf(probe)];
    const length = probe.method === 'GET' ? '' : 'Content-Length: 0\r\n';
    const fields = lines.map((line) => `${line.join(': ')}\r\n`).join('');
    await wire.send(`${probe.method} ${probe.target} HTTP/1.1\r\n${fields}${length}\r\n`);
    const { status, fields: answered, body } = await expectResponse(wire, { method: probe.method });
    await wire.close();
    const sent = field(answered, 'X-Stand-In') === undefined ? undefined : origin.requests.at(-1)?.fields;
    return { answered: { status, fields: answered, body }, ...(sent && { sent }) };
  };
}
