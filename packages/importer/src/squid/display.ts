// Room: a directive as a report shows it: secrets masked, blanks evened, long ones shortened. The only texts that leave the
// importer are made here.

/** Characters of a directive in a report or a comment: with the place in front it still fits a wide terminal. */
const DISPLAY_MAX = 88;

/** A value as helpers take it on their command line: one word, or several in quotes. */
const VALUE = String.raw`(?:"[^"]*"|'[^']*'|\S+)`;
/** Words by which people name what nobody else may know. */
const SECRET_WORD = '(?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key)';

const SECRETS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/(\blogin=[^\s:]*:)\S+/g, '$1***'],
  [/^(cachemgr_passwd\s+)\S+/, '$1***'],
  [/^(snmp_community\s+|acl\s+\S+\s+snmp_community\s+)\S.*/, '$1***'],
  // Helpers of authentication take a bind password this way.
  [new RegExp(String.raw`(\s-w\s*)${VALUE}`, 'g'), '$1***'],
  [new RegExp(String.raw`(\s--${SECRET_WORD}\s+)${VALUE}`, 'gi'), '$1***'],
  [new RegExp(String.raw`(\b${SECRET_WORD}=)${VALUE}`, 'gi'), '$1***'],
  [/(:\/\/[^\s/:@]*:)[^\s/@]+@/g, '$1***@'],
  // Fields that carry a credential: Authorization, Cookie, X-Api-Key and their like.
  [
    new RegExp(
      String.raw`^((?:re\w+_)?header_(?:add|replace)\s+\S*(?:auth|cookie|key|token|secret|pass)\S*\s+)${VALUE}`,
      'i',
    ),
    '$1***',
  ],
];

/** The directive whole, on one line, without its secrets. Bytes of the file are shown as UTF-8. */
export function masked(text: string): string {
  const readable = Buffer.from(text, 'latin1').toString('utf8').replace(/\s+/g, ' ').trim();
  return SECRETS.reduce((shown, [pattern, replacement]) => shown.replace(pattern, replacement), readable);
}

/** The same, shortened. A long cache_peer keeps its address and its name, by which people know it. */
export function displayed(text: string): string {
  const shown = masked(text);
  if (shown.length <= DISPLAY_MAX) return shown;
  const name = /^cache_peer .*?(\sname=\S+)/.exec(shown)?.[1] ?? '';
  return `${shown.slice(0, DISPLAY_MAX - name.length - 2).trimEnd()} …${name}`;
}
