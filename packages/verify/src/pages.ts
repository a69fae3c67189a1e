// Room: the pages that two sides show for one denial, held against each other: what is the same but for the moment, the place and the
// way a side is told who the client is. Pure.
import type { Outcome, Probe } from './probe.ts';

/** What Outrigger sends its own sentences as: where rules name no page, there is none to compare. */
const SENTENCE = 'text/plain; charset=utf-8';

/** Characters shown of two pages that part, from a few in front of the place. */
const SHOWN = 60;
const SHOWN_BEFORE = 20;

/** RFC 1123; the time of a log line. */
const DATES = /\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT|\b\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}/g;

/** How the pages of both sides part; undefined where they do not, and where Outrigger shows none. */
export function pageDifference(
  { client }: Probe,
  theirs: Outcome,
  ours: Outcome,
): { theirs: string; ours: string } | undefined {
  const [old, shown] = [contentOf(theirs), ours.code === 'DENIED' ? contentOf(ours) : undefined];
  if (shown === undefined || old === undefined || shown.type === SENTENCE) return undefined;
  for (const name of ['type', 'language'] as const) {
    if (spelled(old[name]) !== spelled(shown[name])) return { theirs: named(name, old), ours: named(name, shown) };
  }
  const [one, other] = [old, shown].map(({ body }) =>
    body.replace(DATES, 'DATE').replaceAll(client, 'CLIENT').replace(LOOPBACK, 'CLIENT'),
  );
  if (one === undefined || other === undefined || one === other) return undefined;
  let at = 0;
  while (at < one.length && one[at] === other[at]) at += 1;
  const excerpt = (text: string): string => JSON.stringify(text.slice(Math.max(0, at - SHOWN_BEFORE), at + SHOWN));
  return { theirs: excerpt(one), ours: excerpt(other) };
}

type Content = { type: string; language: string; body: string };

/** What a side that asked no server answered, and what it says of that. */
function contentOf(outcome: Outcome): Content | undefined {
  if (outcome.reached.length > 0 || outcome.kind !== 'answered' || outcome.body === undefined) return undefined;
  const { fields = [], body } = outcome;
  const value = (name: string): string => fields.find(([given]) => given.toLowerCase() === name)?.[1] ?? '';
  return { type: value('content-type'), language: value('content-language'), body };
}

/** Where probes come from, whomever they speak for. */
const LOOPBACK = /\b127(?:\.\d{1,3}){3}\b/g;

function spelled(value: string): string {
  return value.toLowerCase().replace(/\s+/g, '');
}

function named(name: 'type' | 'language', content: Content): string {
  return content[name] === '' ? `no ${name}` : `${name} ${content[name]}`;
}
