// Room: the shape of a condition: what a request must be for a rule to hold. What the words mean is match.ts.
import { z } from 'zod';
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
  listeners: list(text).optional().meta({ description: 'Names (or addresses, where unnamed) of listeners; ! negates' }),
  ports: list(z.union([port, portRange], PORT_FORM))
    .optional()
    .meta({ description: 'Port of the URL: of the Host, else of the scheme; a number, or a range written 8000-8999' }),
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
export type HeaderCondition = z.output<typeof headerCondition>;
