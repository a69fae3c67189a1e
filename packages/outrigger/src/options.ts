// Room: what several commands do with their options.
import { UsageError } from './rulesfile.ts';

/** Gathers the values of an option that may be repeated, for commander. */
export function collect(value: string, previous: string[]): string[] {
  return [...previous, value];
}

/** Values given as NAME=VALUE. */
export function valuesOf(defines: readonly string[]): Map<string, string> {
  return new Map(
    defines.map((text): [string, string] => {
      const equals = text.indexOf('=');
      if (equals < 1) throw new UsageError(`--define ${text}: it is written NAME=VALUE`);
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}
