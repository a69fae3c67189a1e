// Room: how many connections each server of an upstream may have: the shape in a rules file, and what it comes to.
import { z } from 'zod';
import type { Upstream } from './schema.ts';

const FORM = 'connections are one number from 1 on, or a list with one from 0 on for each server';

export const connectionsPerServer = z.union([z.int(FORM).min(1, FORM), z.array(z.int(FORM).min(0, FORM)).min(1)], FORM);

/** Connections each server may have, in the order of `servers`; undefined for any number. */
export function connectionLimits({
  servers,
  connectionsPerServer: given,
}: Pick<Upstream, 'servers' | 'connectionsPerServer'>): (number | undefined)[] {
  return servers.map((_, index) => {
    const limit = Array.isArray(given) ? given[index] : given;
    return limit === 0 ? undefined : limit;
  });
}
