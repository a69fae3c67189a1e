import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diskReader, memoryReader, pathBeside } from './source.ts';

describe.each([
  ['memory', () => ({ reader: memoryReader(FILES), root: '', done: () => {} })],
  ['disk', onDisk],
])('a reader over %s', (_what, open) => {
  it('sorts a glob by bytes and leaves out dot files and deeper ones', () => {
    const { reader, root, done } = open();
    const found = reader.glob(`${root}conf.d/*.conf`).map((path) => path.slice(root.length));
    done();
    expect(found).toEqual(['conf.d/10-b.conf', 'conf.d/9-a.conf', 'conf.d/B.conf', 'conf.d/a.conf']);
  });

  it('knows sets, their negation and single characters', () => {
    const { reader, root, done } = open();
    const found = ['[ab].conf', '[!0-9B]*.conf', '?-a.conf', 'a+.conf'].map((glob) =>
      reader.glob(`${root}conf.d/${glob}`).map((path) => path.slice(root.length)),
    );
    done();
    expect(found).toEqual([['conf.d/a.conf'], ['conf.d/a.conf'], ['conf.d/9-a.conf'], []]);
  });

  it('says why a file cannot be read', () => {
    const { reader, root, done } = open();
    const result = reader.read(`${root}nowhere.conf`);
    done();
    expect(result).toEqual({ kind: 'missing', message: 'there is no such file' });
  });
});

it('finds a relative name beside the main file', () => {
  expect(pathBeside('/etc/squid/squid.conf', 'conf.d/a.conf')).toBe('/etc/squid/conf.d/a.conf');
  expect(pathBeside('squid.conf', 'a.conf')).toBe('a.conf');
  expect(pathBeside('old/squid.conf', '/etc/a.conf')).toBe('/etc/a.conf');
});

const FILES: Record<string, string> = {
  'conf.d/10-b.conf': '',
  'conf.d/9-a.conf': '',
  'conf.d/a.conf': '',
  'conf.d/B.conf': '',
  'conf.d/.hidden.conf': '',
  'conf.d/more/c.conf': '',
};

function onDisk() {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-source-'));
  for (const path of Object.keys(FILES)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), '');
  }
  return { reader: diskReader(), root: `${folder}/`, done: () => rmSync(folder, { recursive: true }) };
}
