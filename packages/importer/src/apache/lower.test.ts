// What the imported rules send to Exchange, against what Apache's own configuration says of the same request; the installed Apache
// is asked in lower.live.test.ts.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryReader } from '../source.ts';
import { FIXTURES, filesOfCase } from '../testing/goldencase.ts';
import { seedOf } from '../testing/seed.ts';
import { apacheDecision } from './decision.ts';
import { importApache } from './import.ts';
import type { Lift } from './moves.ts';
import { readServers } from './servers.ts';
import { generatedConfig } from './testing/generated.ts';
import { type Expected, isAsExpected, movedProbes } from './testing/probes.ts';
import { fateIn, isAsApache } from './testing/realistic.ts';
import { treeOf } from './testing/stage.ts';

type Wrong = { host: string; target: string; client: string; expected: Expected; answer: string };

/** Requests that the rules treat otherwise than Apache; `moved`: of how many that they send to Exchange or refuse there. */
function wrongMoves(files: Record<string, string>, lift: Lift): { wrong: Wrong[]; moved: number } {
  const tree = treeOf(files);
  const servers = readServers(tree);
  const { rules } = importApache({ path: '', reader: memoryReader(files), lift });
  const probes = rules === undefined ? [] : movedProbes(tree, rules);
  const wrong = probes.flatMap(({ probe, expected }) => {
    const { host, path: target, client, listener } = probe;
    const [, address = '', port = ''] = /^(.*):(\d+)$/.exec(listener.address) ?? [];
    const accepted = { address: address === '*' ? '127.0.0.1' : address, port: Number(port) };
    const request = { accepted, isTls: true, method: 'GET', target, host, client, fields: [] };
    const { outcome } = apacheDecision(servers, request);
    const answer = outcome.kind === 'proxied' ? `proxied ${outcome.origin} ${outcome.target}` : outcome.kind;
    // Exchange has one path where Apache has two: what keeps people out of /OWA keeps them out of /owa.
    if (expected.kind === 'denied' && answer.startsWith('proxied') && hasTwoCases(files)) return [];
    // What depends on more than the configuration, only Apache itself can be asked: lower.live.test.ts does.
    if (outcome.kind === 'unknown') return [];
    return isAsExpected(answer, expected) ? [] : [{ host, target, client, expected, answer }];
  });
  return { wrong, moved: probes.length };
}

function hasTwoCases(files: Record<string, string>): boolean {
  return Object.values(files).some((text) => /\/owa/.test(text) && /\/OWA/.test(text));
}

const LIFTS = ['exchange', 'all'] as const;

/** Requests that the installed Apache was asked. */
function recorded(name: string): string[][] {
  const path = join(FIXTURES, 'apache', name, 'verdicts.tsv');
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split('\t'));
}

/** Spellings that are taken on purpose, where Apache knows one case of a path and refuses what leads above the root. */
const OTHER_SPELLING = /^\/(?:OWA|EWS|RPC|ECP|\.\.)(?:\/|$)/;

describe.each(readdirSync(join(FIXTURES, 'apache')))('apache/%s', (name) => {
  it.each(LIFTS)(
    'sends past Apache what Apache would have sent there, and refuses whom it would have: --lift %s',
    (lift) => {
      expect(wrongMoves(filesOfCase(join(FIXTURES, 'apache', name)), lift).wrong.slice(0, 5)).toEqual([]);
    },
  );

  it.each(LIFTS)('sends no recorded request past Apache that Apache did not send there: --lift %s', (lift) => {
    const { rules } = importApache({
      path: '',
      reader: memoryReader(filesOfCase(join(FIXTURES, 'apache', name))),
      lift,
    });
    const wrong = recorded(name).flatMap(([method = '', target = '', host = '', client = '', verdict = '']) => {
      if (rules === undefined || OTHER_SPELLING.test(target)) return [];
      const fate = fateIn(rules, { fate: 'may', method, target, host, client });
      return !fate.includes('://') || isAsApache(fate, verdict)
        ? []
        : [{ method, target, host, client, verdict, fate }];
    });
    expect(wrong).toEqual([]);
  });
});

it('moves nothing of generated virtual hosts that Apache would have treated otherwise', { timeout: 120_000 }, () => {
  let moved = 0;
  fc.assert(
    fc.property(generatedConfig, fc.constantFrom(...LIFTS), (files, lift) => {
      const found = wrongMoves(files, lift);
      moved += found.moved;
      expect(found.wrong.slice(0, 3)).toEqual([]);
    }),
    { numRuns: Number(process.env.OUTRIGGER_RUNS ?? 300), seed: seedOf('generated virtual hosts') },
  );
  expect(moved).toBeGreaterThan(100);
});
