// Room: every head in fixtures/http1, one verdict each. NAME.head is the bytes, the first line of NAME.expected the verdict and
// the rest its reason; NAME.relayed, where it exists, is the head a server gets.
import { readdirSync, readFileSync } from 'node:fs';
import { requestFacts } from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { requestFraming } from './body.ts';
import { forwardedRequestHead } from './forward.ts';
import { type RequestHead, requestHeadReader } from './head.ts';
import { readHead } from './testing/wire.ts';

const FOLDER = new URL('../../../../fixtures/http1/', import.meta.url);
const LISTENER = { address: '*:443', tls: { certificates: [] }, defaultHost: 'www.contoso.com' };
const LIMITS = { requestLine: 64 * 1024, head: 128 * 1024 };

const files = readdirSync(FOLDER);
const cases = files.filter((file) => file.endsWith('.head')).map((file) => file.slice(0, -'.head'.length));

const bytesOf = (file: string): Buffer => readFileSync(new URL(file, FOLDER));
const newReader = () => requestHeadReader(LIMITS);

/** What became of a head and the framing it declares, as one line. */
function verdictOn(bytes: Buffer): string {
  const result = readHead(newReader, bytes);
  if (result.kind === 'more') return 'more';
  if (result.kind === 'bad') return `${result.status} ${result.code}`;
  const { head, rest } = result;
  const framing = requestFraming(head);
  if (framing.kind === 'bad') return `${framing.status} ${framing.code}`;
  const body = framing.kind === 'length' ? `length ${framing.bytes}` : framing.kind;
  const behind = rest.length === 0 ? '' : ` | rest ${rest.length}`;
  return `${head.method} ${head.target} HTTP/${head.version} | ${head.fields.length} fields | ${body}${behind}`;
}

/** As the proxy would: facts of the rules, an Exchange behind /rpc/. */
function relayed(head: RequestHead): string {
  const found = requestFacts(head, { listener: LISTENER, client: '198.51.100.7', time: { day: 'wed', minute: 720 } });
  if (found.kind === 'bad') return found.code;
  return forwardedRequestHead(head, {
    target: found.facts.target,
    authority: found.facts.authority,
    client: found.facts.client,
    scheme: 'https',
    protocolTunnel: /^R(PC|DG)_/.test(head.method),
    frontEndHttps: found.facts.target.startsWith('/rpc/'),
  }).toString('latin1');
}

describe('request heads in fixtures/http1', () => {
  it('come with a verdict each', () => {
    expect(cases.length).toBeGreaterThan(60);
    const stray = files.filter((file) => !cases.includes(file.replace(/\.(head|expected|relayed)$/, '')));
    expect(stray).toEqual(['.gitattributes']);
  });

  it.each(cases)('%s', (name) => {
    const [verdict] = bytesOf(`${name}.expected`).toString('utf8').split('\n');
    const bytes = bytesOf(`${name}.head`);
    expect(verdictOn(bytes)).toBe(verdict);
    if (!files.includes(`${name}.relayed`)) return;
    const result = newReader().push(bytes);
    const golden = bytesOf(`${name}.relayed`).toString('latin1');
    expect(result.kind === 'head' && relayed(result.head)).toBe(golden);
  });
});
