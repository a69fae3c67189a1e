import { chmodSync, readFileSync, renameSync, statSync, truncateSync } from 'node:fs';
import type { AccessEntry, LogRecord } from '@outrigger/proxy';
import { loadRules, type RuleSet } from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { openAccessFiles } from './accessfiles.ts';
import { withFolder } from './testing/terminal.ts';

function rulesWith(accessLog: object[]): RuleSet {
  const text = JSON.stringify({
    listen: [{ address: '127.0.0.1:0' }],
    upstreams: { web: { servers: ['http://127.0.0.1:1'] } },
    access: [{ allow: {} }],
    routes: [{ to: 'web' }],
    accessLog,
  });
  const { rules } = loadRules(text, 'test.yaml');
  if (rules === undefined) throw new Error(text);
  return rules;
}

function asked(target: string, host = 'a.test'): AccessEntry {
  return {
    record: { at: 0, milliseconds: 0, host } as AccessEntry['record'],
    head: { method: 'GET', target, version: '1.1', fields: [], raw: Buffer.alloc(0), text: '' },
    client: { address: '192.0.2.1', port: 1 },
    facts: {
      method: 'GET',
      scheme: 'http',
      host,
      port: 80,
      target,
      authority: host,
      client: '192.0.2.1',
      connectsFrom: '192.0.2.1',
      connections: 1,
      listener: 'x',
      time: { day: 'wed', minute: 720 },
      fields: [],
    },
    answered: undefined,
  };
}

describe('access logs on disk', () => {
  it('hold the lines that each wants, and share a file in order', () =>
    withFolder({}, (path) => {
      const files = openAccessFiles(
        rulesWith([
          { file: path('a.log'), format: 'A {target}' },
          { file: path('a.log'), format: 'B {target}', when: { hosts: ['b.test'] } },
          { file: path('b.log'), format: 'C {target}', when: { path: { prefix: '/x' } } },
        ]),
        () => {},
      );
      for (const entry of [asked('/x'), asked('/y', 'b.test')]) files.log(entry);
      files.close();
      expect(readFileSync(path('a.log'), 'utf8')).toBe('A /x\nA /y\nB /y\n');
      expect(readFileSync(path('b.log'), 'utf8')).toBe('C /x\n');
      expect(statSync(path('a.log')).mode & 0o007).toBe(0);
    }));

  it('lose nothing when they are renamed and opened anew, and leave no hole when they are emptied', () =>
    withFolder({}, (path) => {
      const files = openAccessFiles(rulesWith([{ file: path('a.log'), format: '{target}' }]), () => {});
      files.log(asked('/1'));
      renameSync(path('a.log'), path('a.log.1'));
      files.log(asked('/2'));
      files.reopen();
      files.log(asked('/3'));
      files.reopen();
      truncateSync(path('a.log'));
      files.log(asked('/4'));
      files.close();
      expect(readFileSync(path('a.log.1'), 'utf8')).toBe('/1\n/2\n');
      expect(readFileSync(path('a.log'), 'utf8')).toBe('/4\n');
    }));

  it('go by new rules from then on', () =>
    withFolder({}, (path) => {
      const files = openAccessFiles(rulesWith([{ file: path('a.log'), format: '{target}' }]), () => {});
      files.log(asked('/1'));
      files.adopt(rulesWith([{ file: path('b.log'), format: '{target}' }]));
      files.log(asked('/2'));
      files.close();
      files.log(asked('/3'));
      expect([readFileSync(path('a.log'), 'utf8'), readFileSync(path('b.log'), 'utf8')]).toEqual(['/1\n', '/2\n']);
    }));

  it('say once that a file cannot be opened, and go on', () =>
    withFolder({ 'plain.txt': '' }, (path) => {
      chmodSync(path('plain.txt'), 0o600);
      const records: LogRecord[] = [];
      const log = { file: `${path('plain.txt')}/a.log`, format: '{target}' };
      const files = openAccessFiles(rulesWith([log, { file: path('b.log'), format: '{target}' }]), (record) =>
        records.push(record),
      );
      for (let count = 0; count < 3; count += 1) files.log(asked('/1'));
      files.close();
      expect(records).toMatchObject([{ kind: 'notice', severity: 'error', code: 'ACCESS_LOG' }]);
      expect(readFileSync(path('b.log'), 'utf8')).toBe('/1\n/1\n/1\n');
    }));
});
