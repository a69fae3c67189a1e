// Each element of each case is taken out, one at a time: no request that was denied may be allowed then.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  compileRules,
  type Listener,
  listenerName,
  parseLocalTime,
  type RuleSet,
  requestFacts,
  route,
} from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { importTmg, memoryReader } from '../index.ts';
import { FIXTURES, filesOfCase } from '../testing/goldencase.ts';

/**
 * Elements whose absence nothing can show: a rule that is gone was never there, and what TMG refuses only where somebody switched it on is
 * absent where nobody did.
 */
const UNSEEN = ['PolicyRule', 'PolicyRules', 'AllowedMethods', 'ScheduleUsed'];

type Probe = { listener: string; scheme: 'http' | 'https'; client: string; host: string; path: string; method: string };
type Element = { name: string; from: number; to: number };

function elementsOf(text: string): Element[] {
  const open: { name: string; from: number }[] = [];
  const found: Element[] = [];
  for (const tag of text.matchAll(/<(\/?)fpc4:(\w+)[^>]*?(\/?)>/g)) {
    const [whole, isEnd, name = '', isEmpty] = tag;
    if (isEnd) found.push({ ...(open.pop() as { name: string; from: number }), to: tag.index + whole.length });
    else if (isEmpty) found.push({ name, from: tag.index, to: tag.index + whole.length });
    else open.push({ name, from: tag.index });
  }
  return found;
}

function rulesOf(text: string): RuleSet | undefined {
  return importTmg({ file: 'export.xml', reader: memoryReader({ 'export.xml': text }) }).rules;
}

/** Every listener, host and path the export names, and some it does not. */
function probesOf(text: string): Probe[] {
  const texts = [...text.matchAll(/>([^<>\s]+)</g)].map((match) => match[1] ?? '');
  const named = texts.filter((each) => /^[*a-z0-9-]+(?:\.[a-z0-9-]+)+$/i.test(each));
  const hosts = [...named.map((each) => each.replace('*', 'any')), 'foreign.example'];
  const paths = [...texts.filter((each) => each.startsWith('/')).map((each) => each.replace('*', 'x')), '/', '/ecp/x'];
  const addresses = ['203.0.113.10', '203.0.113.11', '192.0.2.1', '[::]', '0.0.0.0', '*'];
  const probes: Probe[] = [];
  for (const address of addresses)
    for (const [scheme, port] of [
      ['https', 443],
      ['http', 80],
    ] as const)
      for (const host of new Set(hosts))
        for (const path of new Set(paths))
          for (const [client, method] of [
            ['192.0.2.7', 'GET'],
            ['198.51.100.9', 'GET'],
            ['192.0.2.7', 'PUT'],
          ] as const)
            probes.push({ listener: `${address}:${port}`, scheme, client, host, path, method });
  return probes;
}

/** Who is let in: the index of each probe that is allowed and goes on to a server. */
function allowed(rules: RuleSet | undefined, probes: readonly Probe[]): Set<number> {
  const found = new Set<number>();
  if (rules === undefined) return found;
  const compiled = compileRules(rules);
  const time = parseLocalTime('wed 12:00');
  if (time === undefined) throw new Error('no time');
  const listeners = new Map<string, Listener>(rules.listen.map((each) => [listenerName(each), each]));
  for (const [index, { listener: name, client, host, path, method }] of probes.entries()) {
    const listener = listeners.get(name);
    if (listener === undefined || listener.redirect !== undefined) continue;
    const result = requestFacts(
      { method, target: path, version: '1.1', fields: [['Host', host]] },
      { listener, client, time },
    );
    if (result.kind === 'bad') continue;
    const { access, refusal } = route(compiled, result.facts);
    if (access === 'allow' && refusal === undefined) found.add(index);
  }
  return found;
}

/** Whether the absence of the element can be seen: a member of a list that keeps another of its kind leaves no gap. */
function canBeSeen(text: string, { name, from, to }: Element): boolean {
  if (UNSEEN.includes(name)) return false;
  if (!['Str', 'Ref', 'PathMapping'].includes(name)) return true;
  const tag = new RegExp(`^\\s*<fpc4:${name}[ >]`);
  return !tag.test(text.slice(to)) && !new RegExp(`</fpc4:${name}>\\s*$`).test(text.slice(0, from));
}

const SOUND = readdirSync(join(FIXTURES, 'tmg')).filter(
  (name) => !['utf-16', 'doctype', 'not-tmg', 'empty'].includes(name),
);

describe.each(SOUND)('tmg/%s', (name) => {
  it('lets nobody in for an element that is taken out', { timeout: 120_000 }, () => {
    const text = filesOfCase(join(FIXTURES, 'tmg', name))['export.xml'] ?? '';
    const probes = probesOf(text);
    const before = allowed(rulesOf(text), probes);
    if (name !== 'absent-listener') expect(before.size).toBeGreaterThan(0);
    const gained = elementsOf(text)
      .filter((element) => canBeSeen(text, element))
      .flatMap((element) => {
        const after = allowed(rulesOf(text.slice(0, element.from) + text.slice(element.to)), probes);
        const more = [...after].find((index) => !before.has(index));
        const line = text.slice(0, element.from).split('\n').length;
        return more === undefined ? [] : [`${element.name} of line ${line} gone: ${JSON.stringify(probes[more])}`];
      });
    expect(gained).toEqual([]);
  });
});
