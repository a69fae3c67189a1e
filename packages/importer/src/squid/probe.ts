// Room: asking rules where a request would go. Whatever a report claims of an example was asked here first, of route() itself.
import { type CompiledRules, type Decision, type Listener, requestFacts, route } from '@outrigger/rules';

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

const DENIED = { forbidden: '403', misdirected: '421', reset: 'a reset connection' } as const;

export function createProbe(rules: CompiledRules, listener: Listener): Probe {
  const ask = ({ host, target }: Example): Decision | undefined => {
    const head = { method: 'GET', target, version: '1.1' as const, fields: [['Host', host]] as const };
    const result = requestFacts(head, { listener, client: PROBE_CLIENT });
    return result.kind === 'bad' ? undefined : route(rules, result.facts);
  };
  const upstreamOf = (decision: Decision | undefined): string | undefined =>
    decision?.access === 'allow' && decision.refusal === undefined ? decision.upstream : undefined;
  return {
    reaches: (example) => upstreamOf(ask(example)),
    answers: (example) => {
      const decision = ask(example);
      if (decision === undefined) return '400';
      if (decision.access === 'deny') return DENIED[decision.answer];
      return upstreamOf(decision) ?? String(decision.refusal?.status);
    },
  };
}

/** The listener that examples come in by: one with TLS, for that is where visitors are. */
export function probedListener(listeners: readonly Listener[]): Listener | undefined {
  return listeners.find(({ tls }) => tls !== undefined) ?? listeners[0];
}

export function urlOfExample(listener: Listener, { host, target }: Example): string {
  return `${listener.tls === undefined ? 'http' : 'https'}://${host}${target}`;
}
