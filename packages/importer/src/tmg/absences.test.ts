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
 * Elements whose absence nothing can show: a rule that is gone was never there, what TMG refuses only where somebody switched it on is
 * absent where nobody did, and a server that says nothing else is a web server.
 */
const UNSEEN = [
  'PolicyRule',
  'PolicyRules',
  'Policy',
  'Policies',
  'Enterprise',
  'ScheduleUsed',
  'IncludeStatus',
  'SSLRequireSecureChannel',
  'VendorParametersSet',
  'VendorParametersSets',
  'PublishedServerType',
];
/** What stands in lists, where a gap shows only when nothing of its kind is left. */
const MEMBERS = ['Str', 'Ref', 'Refs', 'PathMapping', 'IpRange', 'Network', 'Computer', 'AddressRange', 'Subnet'];

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
  const inner = [...text.matchAll(/<fpc4:InternalPath[^>]*>([^<>\s]+)</g)].map((match) => match[1] ?? '');
  const outer = [...text.matchAll(/<fpc4:ExternalPath[^>]*>([^<>\s]+)</g)].map((match) => match[1] ?? '');
  const lists = [...text.matchAll(/<fpc4:PublicNamesStrings>(.*?)<\/fpc4:PublicNamesStrings>/gs)].map(([list]) => list);
  const named = lists.flatMap((list) => [...list.matchAll(/>([^<>\s]+)</g)].map((match) => match[1] ?? ''));
  const hosts = new Set([...named.map((each) => each.replace('*', 'any')), 'foreign.example']);
  const paths = new Set([...[...inner, ...outer].map((each) => each.replace('*', 'x')), '/', '/ecp/x']);
  const listeners = new Set([
    ...['203.0.113.10', '203.0.113.11', '192.0.2.1', '[::]', '0.0.0.0', '*'].flatMap((each) => [
      `${each}:443`,
      `${each}:80`,
    ]),
    ...(rulesOf(text)?.listen ?? []).map(({ address }) => address),
  ]);
  const probes: Probe[] = [];
  for (const listener of listeners)
    for (const host of hosts)
      for (const path of paths)
        for (const [client, method] of [
          ['192.0.2.7', 'GET'],
          ['198.51.100.9', 'GET'],
          ['10.1.2.3', 'GET'],
          ['192.0.2.7', 'PUT'],
        ] as const)
          probes.push({ listener, scheme: listener.endsWith(':443') ? 'https' : 'http', client, host, path, method });
  return probes;
}

/** Elements of one name that are tried: the rest says the same of other rules. */
const ALIKE_MOST = 3;

/** As many of each name, from all over the file. */
function sampled(elements: readonly Element[]): Element[] {
  return [...new Set(elements.map(({ name }) => name))].flatMap((name) => {
    const alike = elements.filter((each) => each.name === name);
    const step = Math.max(1, alike.length / ALIKE_MOST);
    return alike.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step));
  });
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
  if (!MEMBERS.includes(name)) return true;
  const tag = new RegExp(`^\\s*<fpc4:${name}[ >]`);
  return !tag.test(text.slice(to)) && !new RegExp(`</fpc4:${name}>\\s*$`).test(text.slice(0, from));
}

/** Without an export to take something from; or with a listener that another keeps from its place, which it has when that one is gone. */
const UNFIT = ['utf-16', 'doctype', 'not-tmg', 'empty', 'listener-taken'];
const SOUND = readdirSync(join(FIXTURES, 'tmg')).filter((name) => !UNFIT.includes(name));

describe.each(SOUND)('tmg/%s', (name) => {
  it('lets nobody in for an element that is taken out', { timeout: 120_000 }, () => {
    const text = filesOfCase(join(FIXTURES, 'tmg', name))['export.xml'] ?? '';
    const probes = probesOf(text);
    const before = allowed(rulesOf(text), probes);
    if (name !== 'absent-listener') expect(before.size).toBeGreaterThan(0);
    const gained = sampled(elementsOf(text).filter((element) => canBeSeen(text, element))).flatMap((element) => {
      const after = allowed(rulesOf(text.slice(0, element.from) + text.slice(element.to)), probes);
      const more = [...after].find((index) => !before.has(index));
      const line = text.slice(0, element.from).split('\n').length;
      return more === undefined ? [] : [`${element.name} of line ${line} gone: ${JSON.stringify(probes[more])}`];
    });
    expect(gained).toEqual([]);
  });
});
