// Room: asking rules where a request would go. Whatever a report claims of an example was asked here first, of route() itself.
import {
  type CompiledRules,
  type Decision,
  type DenialAnswer,
  denialAnswer,
  type FactsResult,
  type Listener,
  type LocalTime,
  requestFacts,
  route,
} from '@outrigger/rules';

/** A GET as a browser would send it; `host` may have a port, `target` is the path and query as sent. */
export type Example = { host: string; target: string };

export type Probe = {
  /** The upstream an example goes to; undefined where it is denied, refused or led nowhere. */
  reaches(example: Example): string | undefined;
  /** The same in a word or two for a person: the upstream, or what the client is answered. */
  answers(example: Example): string;
};

/** An address no client has (RFC 5737). */
const PROBE_CLIENT = '192.0.2.1';
/** When examples are asked about: any moment would do, and the same one each time makes the same report. */
const PROBE_TIME: LocalTime = { day: 'wed', minute: 720 };

export function createProbe(rules: CompiledRules, listener: Listener): Probe {
  const read = ({ host, target }: Example): FactsResult => {
    const head = { method: 'GET', target, version: '1.1' as const, fields: [['Host', host]] as const };
    return requestFacts(head, { listener, client: PROBE_CLIENT, time: PROBE_TIME });
  };
  const upstreamOf = (decision: Decision): string | undefined =>
    decision.access === 'allow' && decision.refusal === undefined ? decision.upstream : undefined;
  return {
    reaches: (example) => {
      const result = read(example);
      return result.kind === 'bad' ? undefined : upstreamOf(route(rules, result.facts));
    },
    answers: (example) => {
      const result = read(example);
      if (result.kind === 'bad') return '400';
      const decision = route(rules, result.facts);
      if (decision.access === 'deny') return printedAnswer(denialAnswer(decision.answer, result.facts));
      return upstreamOf(decision) ?? String(decision.refusal?.status);
    },
  };
}

function printedAnswer(answer: DenialAnswer): string {
  if (answer.kind === 'reset') return 'a reset connection';
  if (answer.kind === 'page') return `${answer.status} with a page`;
  return answer.kind === 'status' ? String(answer.status) : `${answer.status} to ${answer.location}`;
}

/** The listener that examples come in by: one with TLS, for that is where visitors are. */
export function probedListener(listeners: readonly Listener[]): Listener | undefined {
  return listeners.find(({ tls }) => tls !== undefined) ?? listeners[0];
}

export function urlOfExample(listener: Listener, { host, target }: Example): string {
  return `${listener.tls === undefined ? 'http' : 'https'}://${host}${target}`;
}
