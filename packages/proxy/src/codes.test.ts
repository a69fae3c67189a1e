import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('gives every code of this package its line in the README', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const folder = new URL('.', import.meta.url);
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => readFileSync(new URL(name, folder), 'utf8'));
  const unions = sources.flatMap((text) => [...text.matchAll(/export type \w*Code =([^;]*);/g)]);
  const codes = unions.flatMap(([, members = '']) => [...members.matchAll(/'([A-Z0-9_]+)'/g)].map(([, code]) => code));
  expect(codes.length).toBeGreaterThan(50);
  expect(codes.filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
});
