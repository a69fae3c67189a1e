// Room: what several commands do with their options.

/** Gathers the values of an option that may be repeated, for commander. */
export function collect(value: string, previous: string[]): string[] {
  return [...previous, value];
}
