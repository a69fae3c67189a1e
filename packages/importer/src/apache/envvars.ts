// Room: what gives Apache its environment and its options: Debian's envvars, a shell script, and Red Hat's sysconfig/httpd, which systemd
// reads. Assignments are read; nothing is run. Pure.

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)$/;
/** A word of the shell without commands in it: bare, or in either kind of quotes. */
const VALUE = /^(?:"((?:[^"\\`$]|\$\{?\w|[}:-])*)"|'([^']*)'|([^\s"'`;&|()<>\\]*))\s*(?:;.*|#.*)?$/;
const REFERENCE = /\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))/g;

/** What Apache gets, and the lines that only a shell could say. */
export type Environment = { values: Map<string, string>; unread: { line: number; text: string }[] };

/** What Debian's apache2ctl knows before envvars: the folder, and the part of it behind /etc/apache2 for a second instance. */
export function debianEnvironment(confDir: string): [string, string][] {
  return [
    ['APACHE_CONFDIR', confDir],
    ['SUFFIX', /^\/etc\/apache2(-.+)$/.exec(confDir)?.[1] ?? ''],
  ];
}

/** Names of `-D NAME` and `-DNAME` among options as a service file writes them. */
export function namesGiven(options: string): string[] {
  return [...options.matchAll(/(?<!\S)-D\s*(\S+)/g)].flatMap(([, name]) => name ?? []);
}

/** Reads `text` beside what is `known` already. Of `if … fi` nothing counts: Debian's own decides the suffix, which is known. */
export function readEnvvars(text: string, known: Iterable<readonly [string, string]>): Environment {
  const values = new Map(known);
  const unread: Environment['unread'] = [];
  let depth = 0;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*if\s/.test(line)) depth += 1;
    const isConditional = depth > 0;
    if (/^\s*fi\b/.test(line)) depth -= 1;
    if (isConditional) continue;
    const [, name, written = ''] = ASSIGNMENT.exec(line) ?? [];
    if (name === undefined) continue;
    const value = VALUE.exec(written);
    // A command in the value, or its first line only: a shell would know.
    if (value === null || written.includes('$(')) unread.push({ line: index + 1, text: line.trim() });
    else values.set(name, value[2] ?? filledIn(value[1] ?? value[3] ?? '', values));
  }
  return { values, unread };
}

/** $NAME, ${NAME} and ${NAME:-default} with what is known so far; an unknown name is empty, as in the shell. */
function filledIn(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(REFERENCE, (_, braced?: string, fallback?: string, bare?: string) => {
    const value = values.get(braced ?? bare ?? '');
    return value === undefined || (value === '' && fallback !== undefined) ? (fallback ?? '') : value;
  });
}
