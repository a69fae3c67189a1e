import { fileURLToPath } from 'node:url';
import { freePort } from '@outrigger/tools/daemons';
import { describe, expect, it } from 'vitest';
import { runToEnd } from './witness.ts';

const MAIN = fileURLToPath(new URL('../../../../tools/dist/start/main.js', import.meta.url));

describe('npm start', () => {
  it('imports, runs, and proves itself, leaving nothing behind', async () => {
    const ran = await runToEnd(process.execPath, [MAIN, '--once', '--port', String(await freePort())]);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toMatch(/64 (numbered )?PDUs/);
  });
});
