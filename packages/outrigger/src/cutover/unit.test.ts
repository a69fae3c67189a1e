import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findUnit, unitObstacles, unitText } from './unit.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'outrigger-unit-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(name: string, text: string): string {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}
const RULES = '/etc/outrigger/outrigger.yaml';
const PROGRAM = ['/usr/bin/node', '/opt/outrigger/outrigger.js'];

describe('the unit of Outrigger', () => {
  it('is missed where there is none', () => {
    expect(unitObstacles(findUnit(RULES, PROGRAM, root))).toMatchObject([{ code: 'PREFLIGHT_NO_UNIT' }]);
  });

  it('is the one we ship, made out for this machine, and runs as a user of its own', () => {
    const file = put(
      'etc/systemd/system/outrigger.service',
      unitText(['/usr/bin/node', '/opt/a b/outrigger.js'], '/srv/100%.yaml'),
    );
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('ExecStart=/usr/bin/node "/opt/a b/outrigger.js" run /srv/100%%.yaml\n');
    put('etc/systemd/system/outrigger.service', unitText(['/usr/bin/outrigger'], RULES));
    const unit = findUnit(RULES, PROGRAM, root);
    expect(unit).toMatchObject({ kind: 'found', file, user: 'outrigger', rules: RULES });
    expect(unitObstacles(unit)).toEqual([]);
  });

  it('must run the rules that are planned', () => {
    put('usr/lib/systemd/system/outrigger.service', unitText(['/usr/bin/outrigger'], '/etc/other.yaml'));
    expect(unitObstacles(findUnit(RULES, PROGRAM, root))).toMatchObject([
      { code: 'PREFLIGHT_OTHER_RULES', message: expect.stringContaining('runs /etc/other.yaml, and not') },
    ]);
  });

  it('is what its drop-ins make of it', () => {
    put('usr/lib/systemd/system/outrigger.service', unitText(['/usr/bin/outrigger'], '/etc/other.yaml'));
    const text = `[Service]\nUser=proxy\nExecStart=\nExecStart=/usr/bin/outrigger run --workers 2 ${RULES}\n`;
    put('etc/systemd/system/outrigger.service.d/own.conf', text);
    expect(findUnit(RULES, PROGRAM, root)).toMatchObject({ user: 'proxy', rules: RULES });
  });

  it('must see its program and its rules', () => {
    const hidden = (program: string[], rules = RULES): string[] => findUnit(rules, program, root).hidden;
    expect(hidden(['/usr/bin/node', '/root/outrigger/outrigger.js'])).toEqual(['/root/outrigger/outrigger.js']);
    expect(hidden(PROGRAM, '/home/admin/outrigger.yaml')).toEqual(['/home/admin/outrigger.yaml']);
    put(
      'etc/systemd/system/outrigger.service',
      unitText(['/usr/bin/node', '/home/admin/outrigger/outrigger.js'], '/srv/outrigger.yaml'),
    );
    const codes = unitObstacles(findUnit('/srv/outrigger.yaml', PROGRAM, root)).map(({ code }) => code);
    expect(codes).toEqual(['PREFLIGHT_HIDDEN']);
    put('etc/systemd/system/outrigger.service.d/home.conf', '[Service]\nProtectHome=no\n');
    expect(unitObstacles(findUnit('/srv/outrigger.yaml', PROGRAM, root))).toEqual([]);
  });
});
