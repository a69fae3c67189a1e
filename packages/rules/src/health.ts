// Room: the shape of a health check: what a server of an upstream is asked for, how often, and which answers are well.
import { z } from 'zod';
import { DEFAULTS } from './defaults.ts';
import { duration, list } from './values.ts';

/** Milliseconds between checks at least: below it, checks are the load they are to find. */
const HEALTH_INTERVAL_LEAST = 100;

export const health = z.strictObject({
  path: z
    .string()
    .regex(/^\/[!-~]*$/, 'a path to ask for begins with / and has no blanks')
    .meta({ description: 'Asked for with GET on a connection of its own: /owa/healthcheck.htm on Exchange' }),
  interval: duration
    .refine((milliseconds) => milliseconds >= HEALTH_INTERVAL_LEAST, 'checks are at least 100ms apart')
    .default(DEFAULTS.healthInterval)
    .meta({ description: 'Between the end of one check and the next; default 10s' }),
  timeout: duration
    .default(DEFAULTS.healthTimeout)
    .meta({ description: 'For connecting and the head of the answer together; default 5s' }),
  host: z
    .string()
    .regex(/^[!-~]+$/, 'a host has no blanks')
    .optional()
    .meta({ description: 'Host to ask for; default: host of the upstream, else tls.serverName, else the server' }),
  expect: list(z.int().min(200).max(599))
    .optional()
    .meta({ description: 'Statuses that are well; default 200 to 399' }),
});

export type Health = z.output<typeof health>;
