import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

// The command as a process whose reader has left before it wrote a byte.

const BIN = fileURLToPath(new URL('../../bin/outrigger.js', import.meta.url));

it('ends in silence and with its own code where nobody reads stdout', async () => {
  const child = spawn(process.execPath, [BIN, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString('utf8')));
  const [code, signal] = await once(child, 'close');
  expect({ code, signal, complaint }).toEqual({ code: 0, signal: null, complaint: '' });
});
