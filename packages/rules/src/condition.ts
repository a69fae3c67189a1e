// Room: the shape of a condition: what a request must be for a rule to hold. What the words mean is match.ts.
import { z } from 'zod';
import { minuteOf, TIME_OF_DAY, WEEKDAYS } from './localtime.ts';
import { list, PORT_FORM, port, portRange, text } from './values.ts';

const pathCondition = z.union(
  [
    z.strictObject({ prefix: text, ignoreCase: z.boolean().optional() }),
    z.strictObject({ exact: text, ignoreCase: z.boolean().optional() }),
    z.strictObject({ regex: text, ignoreCase: z.boolean().optional() }),
  ],
  { error: 'a path condition holds exactly one of prefix, exact or regex, and ignoreCase if wanted' },
);
const urlCondition = z.strictObject({ regex: text, ignoreCase: z.boolean().optional() });
const headerCondition = z.strictObject({ name: text, regex: text, ignoreCase: z.boolean().optional() });

const timeOfDay = z.string().regex(TIME_OF_DAY, 'a time of day is written 09:00, and 24:00 is the end of a day');
const timeCondition = z
  .strictObject({
    days: list(z.enum(WEEKDAYS, `a day is one of ${WEEKDAYS.join(', ')}`)).optional(),
    from: timeOfDay.optional(),
    to: timeOfDay.optional(),
  })
  .refine(
    ({ from = '00:00', to = '24:00' }) => minuteOf(from) <= minuteOf(to),
    'a time ends behind its start: for a night write two, one to 24:00 and one from 00:00',
  );

const leafConditions = {
  hosts: list(text)
    .optional()
    .meta({ description: 'Host of the request: exact, .suffix (the domain and all below it), * (any); ! negates' }),
  path: list(pathCondition).optional().meta({ description: 'Path as the server behind will read it' }),
  url: list(urlCondition)
    .optional()
    .meta({ description: 'Whole URL as Squid sees it: scheme://host[:port]/path?query, percent-decoded once' }),
  methods: list(text).optional().meta({ description: 'Request methods, case-sensitive; ! negates' }),
  headers: list(headerCondition).optional().meta({ description: 'A header field whose value matches a regex' }),
  clients: list(text).optional().meta({ description: 'Client addresses: one, CIDR, or first-last; ! negates' }),
  connectsFrom: list(text).optional().meta({
    description:
      'Addresses that connect here, as in clients: another than the client where a trusted proxy names that; ! negates',
  }),
  connectionsOver: z.int().min(1).optional().meta({
    description:
      'The client has more connections open than this; an IPv6 /64 is one client, and each worker counts by itself',
  }),
  listeners: list(text).optional().meta({ description: 'Names (or addresses, where unnamed) of listeners; ! negates' }),
  ports: list(z.union([port, portRange], PORT_FORM))
    .optional()
    .meta({ description: 'Port of the URL: of the Host, else of the scheme; a number, or a range written 8000-8999' }),
  time: list(timeCondition).optional().meta({
    description:
      'When the request begins, by the local clock: days, and from and to as minutes that both belong to it; all where absent',
  }),
};

/** What a request must be for a rule to hold: AND over the keys, OR inside each list. The empty condition always holds. */
export type Condition = {
  [Key in keyof typeof leafConditions]?: NonNullable<z.output<(typeof leafConditions)[Key]>>;
} & { any?: Condition[]; all?: Condition[]; not?: Condition };

/** The shape of a condition, as the schema of a rules file holds it. */
export const condition: z.ZodType<Condition> = z.lazy(() =>
  z.strictObject({
    ...leafConditions,
    any: z.array(condition).min(1).optional().meta({ description: 'Holds when one of these holds' }),
    all: z.array(condition).min(1).optional().meta({ description: 'Holds when each of these holds' }),
    not: condition.optional().meta({ description: 'Holds when this does not' }),
  }),
);

export type PathCondition = z.output<typeof pathCondition>;
export type UrlCondition = z.output<typeof urlCondition>;
export type TimeCondition = z.output<typeof timeCondition>;

/** `mon tue 09:00-17:00`: one time of a list in a few words. */
export function describeTime({ days, from = '00:00', to = '24:00' }: TimeCondition): string {
  return [...(days ?? []), `${from}-${to}`].join(' ');
}
export type HeaderCondition = z.output<typeof headerCondition>;
