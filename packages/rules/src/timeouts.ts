// Room: which limits of time hold for a request: those of its route, and those of its upstream where the route says nothing.
import type { Route, Upstream } from './schema.ts';

/** Milliseconds. Connecting has its own limit, which stays with the upstream: a connection serves more than one route. */
export type Timeouts = Pick<Upstream['timeouts'], 'answer' | 'idle' | 'tunnelIdle'>;

/** `route`: the one that led to the upstream. */
export function timeoutsOf({ timeouts }: Pick<Upstream, 'timeouts'>, route: Pick<Route, 'timeouts'> = {}): Timeouts {
  const own = route.timeouts;
  if (own === undefined) return timeouts;
  return {
    answer: own.answer ?? timeouts.answer,
    idle: own.idle ?? timeouts.idle,
    tunnelIdle: own.tunnelIdle ?? timeouts.tunnelIdle,
  };
}
