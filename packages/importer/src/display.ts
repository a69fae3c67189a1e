// Room: a directive as a report shows it: secrets masked, blanks evened. The only texts that leave the importer are made here.

/** What to hide: each pattern with what stands in its place. */
export type Secrets = readonly (readonly [pattern: RegExp, replacement: string])[];

/** A user's password in a URL: a secret in any config. */
export const URL_PASSWORD: Secrets[number] = [/(:\/\/[^\s/:@]*:)[^\s/@]+@/g, '$1***@'];

/** Characters of a directive in a report or a comment: with the place in front it still fits a wide terminal. */
export const DISPLAY_MAX = 88;

/** The directive whole, on one line, without its secrets. Bytes of the file are shown as UTF-8. */
export function withoutSecrets(text: string, secrets: Secrets): string {
  const readable = Buffer.from(text, 'latin1').toString('utf8').replace(/\s+/g, ' ').trim();
  return secrets.reduce((shown, [pattern, replacement]) => shown.replace(pattern, replacement), readable);
}

/** `text` cut to `max` characters, with a sign that it was. */
export function shortened(text: string, max = DISPLAY_MAX): string {
  return text.length <= max ? text : `${text.slice(0, max - 2).trimEnd()} …`;
}
