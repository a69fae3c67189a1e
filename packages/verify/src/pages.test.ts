import { expect, it } from 'vitest';
import { pageDifference } from './pages.ts';
import type { Outcome, Probe } from './probe.ts';

type Content = { type: string; language: string; body: string };

const probe: Probe = { entrance: 'a', client: '192.0.2.7', method: 'GET', target: '/', host: 'a.test', fields: [] };
const HTML: Content = { type: 'text/html;charset=utf-8', language: 'en', body: '<p>No</p>' };
function shown(content: Partial<Content>, code?: string): Outcome {
  const { type, language, body } = { ...HTML, ...content };
  const fields = [
    ['Content-Type', type] as const,
    ...(language === '' ? [] : [['content-language', language] as const]),
  ];
  return { kind: 'answered', status: 403, fields, body, reached: [], ...(code !== undefined && { code }) };
}
const between = (theirs: Partial<Content>, ours: Partial<Content>, code = 'DENIED') =>
  pageDifference(probe, shown(theirs), shown(ours, code));

it('finds no difference in the moment, in how a type is spelled, and in the address by which a side knows the client', () => {
  expect(between({}, {})).toBeUndefined();
  expect(
    between(
      { type: 'text/html; charset=UTF-8', body: 'at Wed, 25 Nov 2026 14:06:14 GMT by 127.84.79.82' },
      { body: 'at Wed, 25 Nov 2026 14:06:15 GMT by 192.0.2.7' },
    ),
  ).toBeUndefined();
});

it.each([
  [{ body: '<p>Noo</p>' }, {}, '"<p>Noo</p>"', '"<p>No</p>"'],
  [{ language: 'de' }, {}, 'language de', 'language en'],
  [{}, { language: '' }, 'language en', 'no language'],
  [{ type: 'text/plain' }, {}, 'type text/plain', 'type text/html;charset=utf-8'],
  [{ body: `${'a'.repeat(500)}x` }, { body: `${'a'.repeat(500)}y` }, `"${'a'.repeat(20)}x"`, `"${'a'.repeat(20)}y"`],
])('tells %o from %o by the place where they part', (theirs, ours, one, other) => {
  expect(between(theirs, ours)).toEqual({ theirs: one, ours: other });
});

it('asks nothing of sentences of Outrigger’s own, of other refusals, and of answers of servers', () => {
  expect(between({}, { type: 'text/plain; charset=utf-8', body: 'x' })).toBeUndefined();
  expect(between({}, { body: 'x' }, 'PATH_AMBIGUOUS')).toBeUndefined();
  const reached = [{ server: 'a', method: 'GET', target: '/', version: '1.1', fields: [] }];
  expect(pageDifference(probe, { ...shown({}), reached }, shown({ body: 'x' }, 'DENIED'))).toBeUndefined();
});
