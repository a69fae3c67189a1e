// Room: a terminal that remembers, and a folder that vanishes, for tests of commands.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../program.ts';
import type { Terminal } from '../terminal.ts';

export type Ran = { code: number; out: string; err: string };

/** Runs one command line as the binary would, and tells what it printed and how it ended. */
export async function outrigger(...args: string[]): Promise<Ran> {
  let out = '';
  let err = '';
  const terminal: Terminal = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    paint: (_, text) => text,
  };
  const code = await runProgram(args, terminal);
  return { code, out, err };
}

/** Hands `use` a temporary folder holding `files`, and removes it afterwards. */
export async function withFolder(
  files: Record<string, string>,
  use: (path: (name: string) => string) => Promise<void> | void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    await use((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
