import { expect, it } from 'vitest';
import { createEventLog } from './eventlog.ts';

type Event = { kind: 'request' | 'closed'; number: number };

it('finds what was seen already and what comes later', async () => {
  const log = createEventLog<Event>();
  log.record({ kind: 'request', number: 1 });
  expect(await log.until('a request', ({ kind }) => kind === 'request')).toEqual({ kind: 'request', number: 1 });
  const later = log.until('the end', ({ kind }) => kind === 'closed');
  log.record({ kind: 'closed', number: 2 });
  expect(await later).toEqual({ kind: 'closed', number: 2 });
  expect(log.events.length).toBe(2);
});

it('says what was seen instead of what did not come', async () => {
  const log = createEventLog<Event>();
  log.record({ kind: 'request', number: 1 });
  const waiting = log.until('the end', ({ kind }) => kind === 'closed', 10);
  await expect(waiting).rejects.toThrow('the end: not seen within 10 ms; seen: request');
});
