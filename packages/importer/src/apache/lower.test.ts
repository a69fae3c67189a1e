// What the imported rules send to Exchange, against what Apache's own configuration says of the same request; the installed Apache
// is asked in lower.live.test.ts.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { memoryReader } from '../source.ts';
import { FIXTURES, filesOfCase } from '../testing/goldencase.ts';
import { apacheDecision } from './decision.ts';
import { importApache } from './import.ts';
import { readServers } from './servers.ts';
import { movedProbes } from './testing/probes.ts';
import { treeOf } from './testing/stage.ts';

describe.each(readdirSync(join(FIXTURES, 'apache')))('apache/%s', (name) => {
  const files = filesOfCase(join(FIXTURES, 'apache', name));
  const tree = treeOf(files);
  const servers = readServers(tree);
  const { rules } = importApache({ path: '', reader: memoryReader(files) });

  it('sends to Exchange what Apache would have sent there, and refuses whom Apache would have refused', () => {
    expect(rules).toBeDefined();
    const wrong = (rules === undefined ? [] : movedProbes(tree, rules)).flatMap(({ probe, expected }) => {
      const { host, path: target, client, listener } = probe;
      const [, address = '', port = ''] = /^(.*):(\d+)$/.exec(listener.address) ?? [];
      const accepted = { address: address === '*' ? '127.0.0.1' : address, port: Number(port) };
      const request = { accepted, isTls: true, method: 'GET', target, host, client, fields: [] };
      const { outcome } = apacheDecision(servers, request);
      const answer = outcome.kind === 'proxied' ? `proxied ${outcome.origin} ${outcome.target}` : outcome.kind;
      return answer === expected ? [] : [{ host, target, client, expected, answer }];
    });
    expect(wrong.slice(0, 5)).toEqual([]);
  });
});
