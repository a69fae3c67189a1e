import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const FOLDER = new URL('.', import.meta.url);

it('gives every code of this package its line in the README', () => {
  const readme = readFileSync(new URL('../README.md', FOLDER), 'utf8');
  const sources = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.startsWith('testing'))
    .map((name) => readFileSync(new URL(name, FOLDER), 'utf8'));
  const quoted = sources.flatMap((text) => [...text.matchAll(/'([A-Z]+(?:_[A-Z]+)+)'/g)].map(([, code]) => code));
  const codes = [...new Set(quoted)].filter((code) => !code?.startsWith('RPC_') && !code?.startsWith('RDG_'));
  expect(codes.length).toBeGreaterThan(8);
  expect(codes.filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
});
