import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

// What neither the package manager nor the compiler can hold: which room may import what (ARCHITECTURE.md, "Rooms").

const TOP = fileURLToPath(new URL('..', import.meta.url));

type Import = { file: string; from: string };

function sources(folder: string): string[] {
  return readdirSync(join(TOP, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name).split(sep).join('/'))
    .filter((name) => name.endsWith('.ts') && !/node_modules|\/dist\/|\.test\.ts$|\/testing\/|\/live\//.test(name));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(TOP, file), 'utf8');
  const lines = text.matchAll(/^(?:import|export)\b[^'"]*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm);
  return [...lines].map(([, a, b, c]) => ({ file, from: a ?? b ?? c ?? '' }));
}

const imports = [...sources('packages'), ...sources('tools')].flatMap(importsOf);
const PURE_NODE_MODULES = ['node:buffer', 'node:util'];
const isNodeModule = (name: string): boolean => name.startsWith('node:') || builtinModules.includes(name);
const printed = (list: Import[]): string[] => list.map(({ file, from }) => `${relative('.', file)} imports ${from}`);

describe('the fence between rooms', () => {
  it('reads the imports of every package', () => {
    for (const room of [
      ...['rules', 'proxy', 'importer', 'verify', 'outrigger'].map((name) => `packages/${name}/`),
      'tools/',
    ]) {
      expect(imports.some(({ file }) => file.startsWith(room))).toBe(true);
    }
  });

  it.each([
    'packages/rules/src/',
    'packages/proxy/src/http1/',
    'packages/importer/src/squid/',
    'packages/importer/src/apache/',
  ])('%s does no I/O', (room) => {
    const offenders = imports.filter(
      ({ file, from }) => file.startsWith(room) && isNodeModule(from) && !PURE_NODE_MODULES.includes(from),
    );
    expect(printed(offenders)).toEqual([]);
  });

  it('only source.ts of the importer reads files', () => {
    const offenders = imports.filter(
      ({ file, from }) =>
        file.startsWith('packages/importer/') &&
        from.startsWith('node:fs') &&
        file !== 'packages/importer/src/source.ts',
    );
    expect(printed(offenders)).toEqual([]);
  });

  it('only web.ts knows http-proxy', () => {
    const users = imports.filter(({ from }) => from === 'http-proxy').map(({ file }) => file);
    expect(users).toEqual(['packages/proxy/src/web.ts']);
  });

  it('only regex.ts of the rules runs patterns that people wrote', () => {
    const users = imports.filter(({ from }) => from === 're2js').map(({ file }) => file);
    expect(users).toEqual(['packages/rules/src/regex.ts']);
  });

  it('no package imports a witness, and no witness imports a package', () => {
    const offenders = imports.filter(
      ({ file, from }) =>
        (file.startsWith('packages/') && from.startsWith('@outrigger/tools')) ||
        (file.startsWith('tools/') && (from === 'outrigger' || /^@outrigger\/(?!tools)/.test(from))),
    );
    expect(printed(offenders)).toEqual([]);
  });

  it('packages lean one way: proxy and importer on rules, verify on those three, the command line on all', () => {
    const allowed: Record<string, RegExp> = {
      rules: /^$/,
      proxy: /^@outrigger\/rules$/,
      importer: /^@outrigger\/rules$/,
      verify: /^@outrigger\/(rules|proxy|importer)$/,
      outrigger: /^@outrigger\/(rules|proxy|importer|verify)$/,
    };
    const offenders = imports.filter(({ file, from }) => {
      const room = /^packages\/(\w+)\//.exec(file)?.[1];
      return room !== undefined && /^@?outrigger/.test(from) && !(allowed[room] ?? /^$/).test(from);
    });
    expect(printed(offenders)).toEqual([]);
  });
});
