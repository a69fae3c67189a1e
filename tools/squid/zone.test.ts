import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { zoneWhere } from './zone.ts';

it.each(['sun 00:00', 'wed 09:30', 'sat 23:59'])('makes it %s for a process', (when) => {
  const folder = mkdtempSync(join(tmpdir(), 'zone-'));
  try {
    writeFileSync(join(folder, 'zone'), zoneWhere(when));
    const env = { ...process.env, LC_ALL: 'C', TZ: `:${join(folder, 'zone')}` };
    expect(spawnSync('date', ['+%a %H:%M'], { env }).stdout.toString().trim().toLowerCase()).toBe(when);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('takes nothing else', () => {
  expect(() => zoneWhere('monday 9:30')).toThrow('not a day and a time');
});
