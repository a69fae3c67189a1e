// Room: short ways to say a rule set, a request and a verdict in tests, of other packages as well (`@outrigger/rules/testing`).
import { expect } from 'vitest';
import {
  formatDiagnostic,
  type LocalTime,
  loadRules,
  type RequestFacts,
  type RuleSet,
  requestFacts,
} from '../index.ts';
import type { Provenance } from '../schema.ts';

/** A rules file whose access and routes are given; listeners and upstreams stand at short defaults. */
export function rulesText(
  parts: { access?: string; routes?: string; upstreams?: string; listen?: string } = {},
): string {
  return [
    `listen: ${parts.listen ?? '[{ address: 127.0.0.1:443, tls: { certificates: [{ cert: a.crt, key: a.key }] } }]'}`,
    `upstreams: ${parts.upstreams ?? '{ exchange: { servers: [https://127.0.0.3:443], rpcOverHttp: true }, apache: { servers: [http://127.0.0.1:8080] } }'}`,
    `access: ${parts.access ?? '[{ allow: {} }]'}`,
    `routes: ${parts.routes ?? '[{ when: { path: { prefix: /owa } }, to: exchange }, { to: apache }]'}`,
    '',
  ].join('\n');
}

/** Loads text that must be free of errors. */
export function load(text: string): RuleSet {
  const { rules, diagnostics } = loadRules(text, 'outrigger.yaml');
  if (rules === undefined) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
  return rules;
}

/** What a rule set means: all of it but the places in the file, which a dump moves. */
export function meaning(rules: RuleSet): unknown {
  const strip = <Item extends Provenance>({ at: _at, ...rest }: Item): object => rest;
  return {
    ...rules,
    listen: rules.listen.map(strip),
    upstreams: [...rules.upstreams].map(([name, upstream]) => [name, strip(upstream)]),
    ...(rules.pages && { pages: [...rules.pages].map(([name, page]) => [name, strip(page)]) }),
    access: rules.access.map(strip),
    routes: rules.routes.map(strip),
  };
}

/** Findings of a text, each as it is printed. */
export function findings(text: string): string[] {
  return loadRules(text, 'outrigger.yaml').diagnostics.map(formatDiagnostic);
}

/** When a request of a test comes that does not say. */
const NOON: LocalTime = { day: 'wed', minute: 720 };

export type Asked = {
  method?: string;
  target?: string;
  host?: string | undefined;
  version?: '1.0' | '1.1';
  client?: string;
  /** Where it is a trusted proxy that named the client. */
  connectsFrom?: string;
  connections?: number;
  time?: LocalTime;
  fields?: [string, string][];
};

/** Facts of a request that must be well-formed. */
export function factsOf(rules: RuleSet, asked: Asked): RequestFacts {
  const { method = 'GET', target = '/', version = '1.1', client = '192.0.2.7', time = NOON, fields = [] } = asked;
  const { connectsFrom = client, connections = 1 } = asked;
  const host: [string, string][] =
    'host' in asked && asked.host === undefined ? [] : [['Host', asked.host ?? 'contoso.com']];
  const [listener] = rules.listen;
  if (listener === undefined) throw new Error('a rule set has a listener');
  const result = requestFacts(
    { method, target, version, fields: [...host, ...fields] },
    { listener, client, connectsFrom, connections, time },
  );
  expect(result.kind).toBe('facts');
  if (result.kind !== 'facts') throw new Error(result.message);
  return result.facts;
}
