// Room: whether a Location or LocationMatch section is for a path. Pure. Source: server/request.c ap_location_walk (AP-94, AP-95).
import { compileRegex } from '@outrigger/rules';
import type { Section } from './tree.ts';

/** Whether a section is for a path; undefined where its pattern cannot be run (AP-94, AP-95). */
export function isForPath({ key, words }: Section, path: string): boolean | undefined {
  const [first = '', second = ''] = words.map(({ text }) => text);
  if (key === 'locationmatch' || first === '~') {
    const compiled = compileRegex(key === 'locationmatch' ? first : second, false);
    return compiled.ok ? compiled.regex.test(path) : undefined;
  }
  if (!/[*?[]/.test(first))
    return path.startsWith(first) && (first.endsWith('/') || /^(?:\/|$)/.test(path.slice(first.length)));
  if (first.includes('[')) return undefined;
  // A wildcard stops at a slash, and nothing below is covered.
  const steps = first.split('/');
  const parts = path.split('/');
  return steps.length === parts.length && steps.every((step, index) => wildcard(step, parts[index] ?? ''));
}

function wildcard(step: string, part: string): boolean {
  const compiled = compileRegex(
    `^${step
      .replace(/[\\^$.+()[\]{}|]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    false,
  );
  return compiled.ok && compiled.regex.test(part);
}
