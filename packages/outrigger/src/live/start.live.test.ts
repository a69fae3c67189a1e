import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort } from '@outrigger/tools/daemons';
import { describe, expect, it } from 'vitest';
import { runToEnd } from './witness.ts';

const TOP = fileURLToPath(new URL('../../../../', import.meta.url));
const MAIN = fileURLToPath(new URL('../../../../tools/dist/start/main.js', import.meta.url));
/** Milliseconds until the proof stands: two seconds where nothing else runs. */
const PATIENCE = 30_000;

describe('npm start', () => {
  it('imports, runs, and proves itself, leaving nothing behind', async () => {
    const ran = await runToEnd(process.execPath, [MAIN, '--once', '--port', String(await freePort())]);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toMatch(/64 numbered PDUs/);
  });

  it('stays up until Ctrl-C, which reaches the shell of the script too, and ends with 0', async () => {
    const { scripts } = JSON.parse(readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8')) as {
      scripts: { start: string };
    };
    // Installing and building come before it and were done; a terminal sends SIGINT to the whole process group.
    const last = scripts.start.slice(scripts.start.lastIndexOf('&&') + 2);
    const env = { ...process.env, PORT: String(await freePort()) };
    const child = spawn('sh', ['-c', last], { cwd: TOP, env, detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    const deadline = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), PATIENCE);
    let said = '';
    for await (const chunk of child.stdout) {
      said += String(chunk);
      if (!said.includes('Up until Ctrl-C') || said.includes('INTERRUPTED')) continue;
      said += 'INTERRUPTED';
      process.kill(-(child.pid ?? 0), 'SIGINT');
    }
    expect(await ended).toEqual([0, null]);
    clearTimeout(deadline);
    expect(said).toMatch(/64 numbered PDUs/);
  });
});
