import { conditionTest, requestFacts } from '@outrigger/rules';
import { expect, it } from 'vitest';
import { destinations } from './destinations.ts';

const read = (...texts: string[]) => destinations(texts.map((text) => ({ text, ignoreCase: false })));

/** Whether the acl holds for a request of this Host. */
function holds(host: string, ...texts: string[]): boolean {
  const meaning = read(...texts);
  if (meaning.kind !== 'approximate') throw new Error(`${texts.join(' ')} is ${meaning.kind}`);
  const listener = { address: '127.0.0.1:80' };
  const head = { method: 'GET', target: '/', version: '1.1', fields: [['Host', host]] } as const;
  const result = requestFacts(head, { listener, client: '192.0.2.1', time: { day: 'wed', minute: 720 } });
  if (result.kind === 'bad') throw new Error(result.message);
  return conditionTest(meaning.condition)(result.facts);
}

it.each(['127.0.0.1', '127.1', '2130706433', '0x7f.1', 'localhost', 'a.localhost', '[::1]', '[::ffff:127.0.0.1]'])(
  'holds for %s, which is this host',
  (host) => {
    expect(holds(host, '127.0.0.0/8', '::1')).toBe(true);
  },
);

it.each(['contoso.com', '10.0.0.1', 'localhost.contoso.com', '[2001:db8::1]'])('does not for %s', (host) => {
  expect(holds(host, '127.0.0.0/8', '::1')).toBe(false);
});

it('tells addresses of the link from those of this host', () => {
  expect(holds('169.254.1.1', '169.254.0.0/16')).toBe(true);
  expect(holds('[fe80::1]', 'fe80::/10')).toBe(true);
  expect(holds('127.0.0.1', '169.254.0.0/16')).toBe(false);
});

it('says that any other address needs DNS, and that all always holds', () => {
  expect(read('10.0.0.0/8')).toMatchObject({ kind: 'inexpressible' });
  expect(read('127.0.0.0/8', 'www.contoso.com')).toMatchObject({ kind: 'inexpressible' });
  expect(read('127.0.0.1', 'all')).toMatchObject({ kind: 'always' });
});
