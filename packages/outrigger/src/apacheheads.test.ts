import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importApache, memoryReader } from '@outrigger/importer';
import { startEdge } from '@outrigger/proxy';
import type { RuleSet } from '@outrigger/rules';
import { type ProbeLine, readProbes } from '@outrigger/tools/apache/probes';
import { createAuthority } from '@outrigger/tools/certs';
import { freePort } from '@outrigger/tools/daemons';
import { type Heads, headRows, keyOf, readHeads } from '@outrigger/tools/heads';
import { type Fields, field } from '@outrigger/tools/message';
import { startOrigin } from '@outrigger/tools/origin';
import { connect, expectResponse } from '@outrigger/tools/wire';
import { afterAll, describe, expect, it } from 'vitest';
import { filesOfCase } from '../../importer/src/testing/goldencase.ts';

// What a real Apache sent on and answered with, against the running proxy on the imported configuration: every value the same, but
// for those that the record says are ours, which the report has to own up to; `ours=stays` where Apache goes on doing it.

const CASES = join(import.meta.dirname, '../../../fixtures/apache');
const closers: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closers) await close();
});

const names = readdirSync(CASES).filter((name) => existsSync(join(CASES, name, 'heads.tsv')));

describe.each(names)('apache/%s', (name) => {
  const folder = join(CASES, name);
  const record = readHeads(folder);
  const { rules } = importApache({ path: '', reader: memoryReader(filesOfCase(folder)) });

  it('sends on and answers with the values that Apache did', { timeout: 60_000 }, async () => {
    if (rules === undefined || record === undefined) throw new Error(`${name} gave no rules or has no record`);
    const ask = await served(rules);
    const rows: string[][] = [];
    for (const probe of readProbes(folder)) {
      const heads = await ask(probe);
      const stays = field(heads.answered?.fields ?? [], 'X-Stand-In') === 'apache';
      for (const row of headRows(probe, heads, record.watched)) rows.push([keyOf(row), stays ? 'stays' : row.values]);
    }
    const expected = record.rows.map((row) => [keyOf(row), row.ours?.slice('ours='.length) ?? row.values]);
    expect(rows).toEqual(expected);
  });

  it('says so in its report wherever another value is ours', () => {
    const report = readFileSync(join(folder, 'report.txt'), 'utf8');
    const differing = record?.rows.some(({ ours }) => ours !== undefined && ours !== 'ours=stays') ?? false;
    if (differing) expect(report).toMatch(/^ +(?:approximated|untranslated|warning): /m);
  });
});

/** The rules on ports of their own, with a stand-in behind each upstream and one for Apache. */
async function served(rules: RuleSet): Promise<(probe: ProbeLine) => Promise<Heads>> {
  const dir = mkdtempSync(join(tmpdir(), 'outrigger-heads-'));
  const authority = await createAuthority();
  const hostOf = (server: string): string => new URL(server).hostname;
  const named = [...rules.upstreams.values()].flatMap(({ servers, tls }) => [
    ...servers.map(hostOf),
    ...(tls?.serverName ?? []),
  ]);
  // The server that Apache was held against is asked under its own name here, too.
  const names = ['127.0.0.1', ...named.filter((name) => !name.startsWith('wrong.') && !/^[\d.]+$/.test(name))];
  const leaf = await authority.issue({ names });
  const wrong = await authority.issue({ names: ['other.test'] });
  const [cert, key, ca] = [join(dir, 'cert.pem'), join(dir, 'key.pem'), join(dir, 'ca.pem')];
  writeFileSync(cert, leaf.certPem);
  writeFileSync(key, leaf.keyPem);
  writeFileSync(ca, authority.certPem);
  const apache = await startOrigin({ name: 'apache' });
  const plain = await startOrigin({ name: 'server' });
  const tls = await startOrigin({ name: 'tls', tls: { cert: leaf.certPem, key: leaf.keyPem } });
  const bad = await startOrigin({ name: 'wrong', tls: { cert: wrong.certPem, key: wrong.keyPem } });
  const origins = [apache, plain, tls, bad];
  const down = await freePort();
  const serverOf = (server: string): string => {
    const { protocol, hostname } = new URL(server);
    if (hostname.startsWith('down.')) return `http://127.0.0.1:${down}`;
    if (protocol === 'http:') return `http://127.0.0.1:${plain.port}`;
    return `https://127.0.0.1:${hostname.startsWith('wrong.') ? bad.port : tls.port}`;
  };
  const moved: RuleSet = {
    ...rules,
    listen: rules.listen.map((listener) => ({
      ...listener,
      address: '127.0.0.1:0',
      name: listener.name ?? listener.address,
      tls: { ...listener.tls, certificates: [{ cert, key }] },
    })),
    upstreams: new Map(
      [...rules.upstreams].map(([name, upstream]) => {
        if (/^apache/.test(name))
          return [name, { ...upstream, tls: undefined, servers: [`http://127.0.0.1:${apache.port}`] }];
        const asked = upstream.servers.map(hostOf).find((host) => !/^[\d.]+$/.test(host));
        const own = upstream.tls && {
          ...(asked !== undefined && { serverName: [asked] }),
          ...upstream.tls,
          ...(upstream.tls.ca !== undefined && { ca: [ca] }),
        };
        return [name, { ...upstream, tls: own, servers: upstream.servers.map(serverOf) as typeof upstream.servers }];
      }),
    ),
  };
  const started = await startEdge({ rules: moved, report: () => {} });
  if (started.kind !== 'started') throw new Error(started.problems.map(({ message }) => message).join('\n'));
  closers.push(
    () => started.edge.close(0),
    ...origins.map((origin) => () => origin.close()),
    async () => rmSync(dir, { recursive: true }),
  );
  const port = started.edge.addresses[0]?.port ?? 0;
  return async ({ method, target, host, client, fields, body }) => {
    const servername = host.replace(/:\d+$/, '');
    const options = { tls: { servername, rejectUnauthorized: false }, localAddress: client };
    const wire = await connect({ host: '127.0.0.1', port, ...options });
    const own = fields.some(([each]) => each.toLowerCase() === 'connection') ? [] : [['Connection', 'close']];
    const lines = [['Host', host], ...own, ...fields, ...(body === undefined ? [] : [['Content-Length', body]])];
    await wire.send(
      `${method} ${target} HTTP/1.1\r\n${lines.map((line) => `${line.join(': ')}\r\n`).join('')}\r\n${'x'.repeat(body ?? 0)}`,
    );
    const { status, fields: answered } = await expectResponse(wire, { method });
    await wire.close();
    const origin = origins.find((each) => each.name === field(answered, 'X-Stand-In'));
    const request = origin?.requests.at(-1);
    const sent = request && [...request.fields, ['SNI', request.serverName ?? '(none)'] as Fields[number]];
    return { answered: { status, fields: answered }, ...(sent && { sent }) };
  };
}
