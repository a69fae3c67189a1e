// Room: looking things up among the fields of a head. Names and tokens ignore case (RFC 9110 5.1, 5.6.1); nothing is changed.

/** Field lines in the order they came: name and value as spelled, latin1, the value without the blanks around it. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** Values of every field line of that name, in order; empty where there is none. */
export function fieldValues(fields: Fields, name: string): string[] {
  const wanted = name.toLowerCase();
  const values: string[] = [];
  for (const [candidate, value] of fields) {
    if (candidate.length === wanted.length && candidate.toLowerCase() === wanted) values.push(value);
  }
  return values;
}

/** Members of a comma-separated field over all its lines, trimmed, as spelled; empty members are left out (RFC 9110 5.6.1.2). */
export function listMembers(fields: Fields, name: string): string[] {
  return fieldValues(fields, name).flatMap(splitList);
}

/** Members of one comma-separated value. For fields whose members hold no quoted strings: Connection, Upgrade, Expect. */
export function splitList(value: string): string[] {
  return value
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '');
}

/** True where the comma-separated field `name` has the member `token`, whatever its case. */
export function hasToken(fields: Fields, name: string, token: string): boolean {
  const wanted = token.toLowerCase();
  return listMembers(fields, name).some((member) => member.toLowerCase() === wanted);
}
