// Room: what is secret in the text of a config, and the one place where it is masked. Each vendor adds rows for its directives;
// every text that leaves the importer, whatever the form of the report, has passed through a Redactor.

/** Stands for a secret. Its length says nothing of the secret's. */
export const MASK = '***';

/**
 * Characters from which a secret is masked wherever its bytes turn up, not only where it was given. A shorter one, and one that
 * is an ordinary word (`public`), would blank out half of a report, and say what it is by the gaps.
 */
const SWEPT_LEAST = 5;
const ORDINARY_WORD = /^[A-Za-z]?[a-z]*$/;

/**
 * A way in which a config spells a secret: what the group `secret` holds is one. Flags `dg` at least. With `of`, one that counts
 * only in directives of that shape. Repetitions in front of a name are bounded, for a line of a megabyte takes its square otherwise.
 */
export type SecretRow = RegExp | { of: RegExp; row: RegExp };

/** A stretch of text, from the first character to behind the last. */
export type Span = { start: number; end: number };

/** A value in quotes, with blanks in it, or a word. A quote that never closes takes the rest: it may all be secret. */
const VALUE = String.raw`"(?:\\.|[^"\\])*(?:"|$)|'(?:\\.|[^'\\])*(?:'|$)|[^\s"']\S*`;
/** Names whose value is secret, alone or at the end of a longer name (`bind-password`); `bypass` is none. */
const NAMES = 'pass(?:word|wd|phrase|code)?|pwd?|secret|token|pin(?:-value)?|credentials?|api[-_]?key|community';

/** Characters in front of a name that are looked at: `ldap.bind-` of `ldap.bind-password`. */
const NAME_MAX = 64;

/** Spellings that mean the same in every config: options, URLs, HTTP credentials, password files, keys. */
const COMMON: readonly SecretRow[] = [
  // name=value, --name=value, Name: value; name of any length in front (bindPassword, ldap.secret).
  // The name is found first and then looked at from behind: the other way round each letter of a long word is a start.
  new RegExp(
    String.raw`(?:${NAMES})(?<=(?<![A-Za-z=])[\w.-]{0,${NAME_MAX}}(?<!by)(?:${NAMES}))\d*["']?\s*[=:]\s*(?<secret>${VALUE})`,
    'dgi',
  ),
  // -password value, --secret value; -w value or -wvalue, by which helpers take the password of an LDAP or RADIUS login.
  new RegExp(String.raw`(?<=^|\s)--?[\w-]*(?<!by)(?:${NAMES})\s+(?<secret>${VALUE})`, 'dgi'),
  new RegExp(String.raw`(?<=^|\s)-w\s*(?<secret>${VALUE})`, 'dg'),
  // Userinfo of a URL: the password, or all of it. Up to the last @: people write / and @ into passwords unescaped.
  /\b[a-z][a-z0-9+.-]{0,30}:\/\/(?:[^\s/:@]{0,1024}:)?(?<secret>[^\s]{1,1024})@/dgi,
  /authorization\W{1,4}(?:basic|bearer|digest|negotiate|ntlm|token)\s+(?<secret>\S+)/dgi,
  // A line of htpasswd: modular crypt, or an LDAP scheme.
  /(?<=^|\s)[^\s:]+:(?<secret>\$\w+\$\S+|\{\w+\}\S+)/dg,
];

/** No row of COMMON can match a text without one of these: most texts are done with after one look. */
const MAY_BE_COMMON = new RegExp(String.raw`${NAMES}|-w|:\/\/|authorization|:[${'$'}{]`, 'i');

/** What a line that is nothing else may be: one of htpasswd or htdigest in any form, one of a key. Masked there and not remembered: it may be a word of prose. */
const LINES: readonly SecretRow[] = [
  /^(?!\w+:\/\/|[\w-]*\.[\w.-]*:\d{1,5}$)[^\s:/#]+:(?<secret>\S+)$/dg,
  /^(?<secret>[A-Za-z0-9+/]{40,}={0,2})$/dg,
];

/** Names of header fields whose value lets somebody in. */
export const CREDENTIAL_FIELD = /auth|cookie|token|secret|pass|key|credential|session/i;

export type Redactor = {
  /** Where the secrets of a directive stand, given whole. They are remembered. */
  spans(directive: string): Span[];
  /** A directive, given whole, with its secrets masked. */
  directive(text: string): string;
  /** Any other text: secrets in it by their spelling, and all that any directive was found to hold. */
  text(text: string): string;
};

/** A redactor for the files of one import. `rows` are the vendor's. */
export function createRedactor(rows: readonly SecretRow[]): Redactor {
  const known = createSweep();
  // Files that include each other bring the same lines ten thousand times.
  const seen = new Map<string, Span[]>();
  const spans = (directive: string): Span[] => {
    const before = seen.get(directive);
    if (before !== undefined) return before;
    for (const { start, end } of secretSpans(directive, [...rows, ...COMMON])) {
      for (const value of spellingsOf(directive.slice(start, end))) {
        if (value.length >= SWEPT_LEAST && !ORDINARY_WORD.test(value)) known.add(value);
      }
    }
    const found = secretSpans(directive, [...rows, ...LINES, ...COMMON]);
    seen.set(directive, found);
    return found;
  };
  return {
    spans,
    directive: (text) => maskSpans(text, spans(text)),
    text: (text) => {
      const swept = known.sweep(text);
      return maskSpans(swept, secretSpans(swept, commonFor(swept)));
    },
  };
}

type Sweep = { add(value: string): void; sweep(text: string): string };

/** Values that are masked wherever they stand, found by their first characters: a file may hold a thousand, and a report ten thousand texts. */
function createSweep(): Sweep {
  const byStart = new Map<string, string[]>();
  const startAt = (text: string, offset: number): string => text.slice(offset, offset + SWEPT_LEAST);
  return {
    add: (value) => {
      const same = byStart.get(startAt(value, 0)) ?? [];
      if (same.includes(value)) return;
      // The longest first: one secret may begin with another.
      byStart.set(
        startAt(value, 0),
        [...same, value].sort((a, b) => b.length - a.length),
      );
    },
    sweep: (text) => {
      if (byStart.size === 0) return text;
      let swept = '';
      let copied = 0;
      for (let offset = 0; offset + SWEPT_LEAST <= text.length; offset += 1) {
        const found = byStart.get(startAt(text, offset))?.find((value) => text.startsWith(value, offset));
        if (found === undefined) continue;
        swept += text.slice(copied, offset) + MASK;
        copied = offset + found.length;
        offset = copied - 1;
      }
      return copied === 0 ? text : swept + text.slice(copied);
    },
  };
}

function commonFor(text: string): readonly SecretRow[] {
  return MAY_BE_COMMON.test(text) ? COMMON : [];
}

/** Keys whose values are words of ours or names of files, and no text of a config. */
const OURS: ReadonlySet<string> = new Set(['code', 'severity', 'disposition', 'file', 'action', 'answer', 'rules']);

/**
 * Data with every text in it masked: arrays, maps and plain objects all the way down. A pattern on a field of credentials is
 * masked whole: there it is the secret, and it may be spelled otherwise than in the file.
 */
export function redactData<Data>(data: Data, redactor: Redactor): Data {
  /** What a text or an object became: many directives share theirs, such as the includes that led to them. */
  const done = new Map<unknown, unknown>();

  function masked(from: unknown): unknown {
    if (typeof from !== 'string' && (typeof from !== 'object' || from === null)) return from;
    if (done.has(from)) return done.get(from);
    const to = typeof from === 'string' ? redactor.text(from) : maskedParts(from);
    done.set(from, to);
    return to;
  }

  function maskedParts(from: object): unknown {
    if (Array.isArray(from)) return from.map(masked);
    if (from instanceof Map) return new Map([...from].map(([key, value]) => [key, masked(value)]));
    const isCredential = 'name' in from && 'regex' in from && CREDENTIAL_FIELD.test(String(from.name));
    return Object.fromEntries(
      Object.entries(from).map(([key, value]) => {
        if (OURS.has(key)) return [key, value];
        return [key, isCredential && key === 'regex' ? MASK : masked(value)];
      }),
    );
  }

  return masked(data) as Data;
}

/** `text` with each span replaced by the mask. The spans must be in order and apart. */
export function maskSpans(text: string, spans: readonly Span[]): string {
  return spans.reduceRight((left, { start, end }) => left.slice(0, start) + MASK + left.slice(end), text);
}

/** Spans of all rows, in order, those that touch or overlap made one. */
function secretSpans(text: string, rows: readonly SecretRow[]): Span[] {
  const spans = rows
    .flatMap((row) => {
      if (row instanceof RegExp) return [...text.matchAll(row)];
      return row.of.test(text) ? [...text.matchAll(row.row)] : [];
    })
    .flatMap(({ indices }) => {
      const span = indices?.groups?.secret;
      return span === undefined ? [] : [{ start: span[0], end: span[1] }];
    })
    .filter(({ start, end }) => text.slice(start, end) !== MASK)
    .sort((a, b) => a.start - b.start);
  const joined: Span[] = [];
  for (const span of spans) {
    const last = joined.at(-1);
    if (last !== undefined && span.start <= last.end) last.end = Math.max(last.end, span.end);
    else joined.push(span);
  }
  return joined;
}

/** Names of HTTP schemes, which say nothing of the credentials behind them. */
const SCHEME = /^(?:basic|bearer|digest|negotiate|ntlm)$/i;

/** A secret as it may turn up elsewhere: without its quotes, word by word, and as the UTF-8 its latin1 stands for. */
function spellingsOf(written: string): string[] {
  const bare = written.replace(/^["']|["']$/g, '');
  const words = [written, bare, ...bare.split(/\s+/).filter((word) => !SCHEME.test(word))];
  return [...new Set(words.flatMap((word) => [word, Buffer.from(word, 'latin1').toString('utf8')]))];
}
