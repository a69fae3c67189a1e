// Room: our reader against node's. Heads are the fixtures' and mutations of them; what node refuses we refuse, and what both
// take they read alike, save for a table of differences with their reasons. fast-check prints the seed of a failure.
import { readdirSync, readFileSync } from 'node:fs';
import { METHODS } from 'node:http';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestFraming } from './body.ts';
import { type RequestHead, requestHeadReader } from './head.ts';
import { askNode, type NodeVerdict } from './testing/nodeparser.ts';

const FOLDER = new URL('../../../../fixtures/http1/', import.meta.url);
const LIMITS = { requestLine: 64 * 1024, head: 128 * 1024 };

/** Heads node refuses and we take: the code node gives, which heads, and why that is right. */
const DIFFERENCES: readonly { code: string; holds: (head: RequestHead) => boolean; reason: string }[] = [
  {
    code: 'HPE_INVALID_URL',
    holds: ({ target }) => /[\x80-\xff]/.test(target),
    reason: 'Squid, Apache and IIS take raw bytes above 0x7F, which old browsers and curl send; grammar.ts, TARGET',
  },
];

type Verdict = NodeVerdict & { head?: RequestHead };

function ask(bytes: Buffer): Verdict {
  const result = requestHeadReader(LIMITS).push(bytes);
  if (result.kind !== 'head') return result;
  const { head } = result;
  const framing = requestFraming(head);
  if (framing.kind === 'bad') return framing;
  return { kind: 'head', method: head.method, target: head.target, fields: head.fields.flat(), head };
}

/** Undefined where the two agree or a row of the table covers the difference; else what is wrong. */
async function disagreement(bytes: Buffer): Promise<string | undefined> {
  const { head, ...ours } = ask(bytes);
  if (ours.kind === 'bad') return undefined;
  const node = await askNode(head === undefined ? bytes : withKnownMethod(head), LIMITS.head);
  // Node looks for some faults byte by byte, we at the end of a line: no acceptance yet.
  if (ours.kind === 'more' && node.kind === 'bad') return undefined;
  if (
    node.kind === 'bad' &&
    head !== undefined &&
    DIFFERENCES.some((row) => row.code === node.code && row.holds(head))
  ) {
    return undefined;
  }
  const expected = ours.kind === 'head' ? { ...ours, method: knownMethod(ours.method) } : ours;
  if (JSON.stringify(node) === JSON.stringify(expected)) return undefined;
  return `we say ${JSON.stringify(ours)}, node says ${JSON.stringify(node)}`;
}

/** Node has a fixed list of methods, for us any token is one. Only the method is exchanged: the rest is still compared. */
function knownMethod(method: string): string {
  return METHODS.includes(method) ? method : 'POST';
}

function withKnownMethod({ method, raw }: RequestHead): Buffer {
  return Buffer.concat([Buffer.from(knownMethod(method)), raw.subarray(method.length)]);
}

const heads = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.head'))
  .map((file) => readFileSync(new URL(file, FOLDER)))
  .filter((bytes) => bytes.length < 1_024);

/** Bytes at which parsers have disagreed before. */
const FRAGMENTS = [
  ...['\r', '\n', '\r\n', '\0', ' ', '\t', '\x0b', '\x0c', '\x7f', '\x80', '\xff', ':', ',', ';', '"', '#', '/', '*'],
  ...['+', '-', '0', '0x', 'HTTP/1.1', 'HTTP/1.0', '\r\n ', ' :', 'chunked', 'close', 'identity', 'http://a/'],
  ...[
    'Content-Length: 5\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Connection: upgrade\r\n',
    'Upgrade: h2c\r\n',
    'Host: a\r\n',
  ],
].map((text) => Buffer.from(text, 'latin1'));

type Mutation = { at: number; removed: number; inserted: Buffer };

/** `at` is a fraction, so that one mutation suits heads of any length and shrinks with them. */
const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.integer({ min: 0, max: 3 }),
  inserted: fc.oneof(fc.constantFrom(...FRAGMENTS), fc.uint8Array({ maxLength: 2 }).map(Buffer.from)),
});

function mutate(bytes: Buffer, { at, removed, inserted }: Mutation): Buffer {
  const from = Math.floor(at * bytes.length);
  return Buffer.concat([bytes.subarray(0, from), inserted, bytes.subarray(from + removed)]);
}

const mutatedHead = fc
  .tuple(fc.constantFrom(...heads), fc.array(mutation, { maxLength: 3 }))
  .map(([bytes, mutations]) => mutations.reduce(mutate, bytes));

describe('our reader and the parser of node', () => {
  it('agree on the heads of fixtures/http1, as they stand', async () => {
    for (const bytes of heads) expect(await disagreement(bytes), bytes.toString('latin1')).toBeUndefined();
  });

  it('agree on mutated heads: what node refuses we refuse, what both take they read alike', async () => {
    await fc.assert(
      fc.asyncProperty(mutatedHead, async (bytes) => {
        const found = await disagreement(bytes);
        if (found !== undefined) throw new Error(`${found}: ${JSON.stringify(bytes.toString('latin1'))}`);
      }),
      { numRuns: 2_000 },
    );
  });
});
