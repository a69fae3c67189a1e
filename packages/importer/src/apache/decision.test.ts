// The verdicts of Apache 2.4.71 for each row, against what we make of the configuration alone.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FIXTURES, filesOfCase } from '../testing/goldencase.ts';
import { apacheDecision } from './decision.ts';
import { readServers } from './servers.ts';
import { treeOf } from './testing/stage.ts';
import { printed } from './testing/verdict.ts';

/** Hosts whose lines ask what no configuration says, or that are not followed: their paths stay with Apache. */
const UNKNOWN = new Set(
  `mail.test alone.test expr.test EXPR.test expr.test:443 clients.test inside.test methods.test chain.test CHAIN.test else.test never.test unknown.test
  partly.test names.test webmail.names.test WEBMAIL.names.test webmail.names.test:443 old.names.test ap73.test ap87port.test
  alias87.test ap102.test ap103.test ap104.test ap104if.test ap117.test ap118.test mapping.test rewritten.test`.split(
    /\s+/,
  ),
);
const CASES = join(FIXTURES, 'apache');
const recorded = readdirSync(CASES).filter((name) => existsSync(join(CASES, name, 'verdicts.tsv')));

describe.each(recorded)('apache/%s', (name) => {
  const servers = readServers(treeOf(filesOfCase(join(CASES, name))));
  const rows = readFileSync(join(CASES, name, 'verdicts.tsv'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'));

  it.each(rows)('%s %s for %s from %s: %s %s', (method = '', target = '', host = '', client = '', verdict = '') => {
    const accepted = { address: '127.0.0.1', port: 443 };
    const { outcome } = apacheDecision(servers, { accepted, isTls: true, method, target, host, client, fields: [] });
    if (outcome.kind === 'unknown') expect(UNKNOWN, printed(outcome)).toContain(host);
    else expect(printed(outcome)).toBe(verdict);
  });
});
