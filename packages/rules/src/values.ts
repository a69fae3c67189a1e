// Room: the kinds of values that a rules file is made of: text, durations, sizes, ports, and lists that may be one of these.
import { z } from 'zod';
import { DURATION, parseDuration, parseSize, SIZE } from './units.ts';

export const duration = z
  .string()
  .regex(DURATION, 'a duration is a whole number and a unit: 500ms, 30s, 15m, 10h, 1d')
  .transform((text) => parseDuration(text) ?? 0)
  .meta({ description: 'A duration: a whole number and a unit of ms, s, m, h or d' });
export const size = z
  .string()
  .regex(SIZE, 'a size is a whole number and a unit: 512B, 64KiB, 2MiB')
  .transform((text) => parseSize(text) ?? 0)
  .meta({ description: 'A size: a whole number and a unit of B, KiB, MiB or GiB' });
export const text = z.string().min(1);
export const list = <Item extends z.ZodType>(item: Item) =>
  z.union([item.transform((one) => [one]), z.array(item).min(1)]) as z.ZodType<
    z.output<Item>[],
    z.input<Item> | z.input<Item>[]
  >;
/** A list that may be empty, where that means something: none at all. */
export const listOrNone = <Item extends z.ZodType>(item: Item) =>
  z.union([item.transform((one) => [one]), z.array(item)]) as z.ZodType<
    z.output<Item>[],
    z.input<Item> | z.input<Item>[]
  >;
const PORT_MAX = 65_535;
export const PORT_FORM = 'a port is a number from 1 to 65535, or two of them: 8000-8999';
export const port = z.int(PORT_FORM).min(1, PORT_FORM).max(PORT_MAX, PORT_FORM);
export const portRange = z
  .string()
  .regex(/^\d{1,5}-\d{1,5}$/, PORT_FORM)
  .refine((range) => {
    const [first = 0, last = 0] = range.split('-').map(Number);
    return first >= 1 && first <= last && last <= PORT_MAX;
  }, PORT_FORM);
export const tlsVersion = z.enum(['1.0', '1.1', '1.2', '1.3']);

export type TlsVersion = z.output<typeof tlsVersion>;
