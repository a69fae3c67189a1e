// Room: acl lines as Squid reads them: name, type, flags, values, values from files. What the values mean is acltypes.ts.
// Source: acl/Acl.cc ParseAclLine, ConfigParser.cc strtokFile and RegexStrtokFile (SQ-20 to SQ-28, SQ-30 to SQ-33, SQ-80).
import { branchOff, fileRead } from '../filetree.ts';
import { remark } from '../ledger.ts';
import { pathBeside, type Reader } from '../source.ts';
import type { Directive } from './expand.ts';
import { type Word, wordsOf } from './lines.ts';
import { quotedWords } from './quoted.ts';

/** A value, and for patterns whether -i was in force there. */
export type AclValue = { text: string; ignoreCase: boolean };

/** One acl line; several of one name append (SQ-32). Built-in acls have lines without a directive. */
export type AclLine = {
  values: AclValue[];
  directive?: Directive;
  /** -n: Squid asks DNS for nothing. */
  asksNoDns?: true;
};

export type Acl = {
  /** As its first line spells it; names are case-insensitive (SQ-30). */
  name: string;
  type: string;
  lines: AclLine[];
};

/** Where values files are found: relative names count from the folder of the main file. */
export type FileContext = {
  reader: Reader;
  main: string;
  /** configuration_includes_quoted_values is on where the line stands: quotes are quotes (SQ-26). */
  quotedValues?: true;
};

/** Squid's limit for an acl name, bytes (SQ-45). */
const NAME_MAX = 63;

/** Acl types whose values are regular expressions: flags may stand between them, backslash-blank is one word. */
export const REGEX_TYPES: readonly string[] = [
  'url_regex',
  'urlpath_regex',
  'urllogin',
  'url_login',
  'dstdom_regex',
  'srcdom_regex',
  'browser',
  'referer_regex',
  'req_header',
  'req_mime_type',
  'rep_header',
  'rep_mime_type',
  'ident_regex',
  'proxy_auth_regex',
  'ssl::server_name_regex',
  'ext_user_regex',
];

/** Flags in front of values that say how Squid compares them or looks names up. */
const FLAGS = /^(?:-n|-m|--)$/;

const ADDRESSES_OF_ALL = ['0/0', '0.0.0.0/0', '0.0.0.0/0.0.0.0', '::/0', 'all'];

/** Acls Squid 5 defines itself (cf.data.pre, NAME: acl). `to_localhost` and `to_linklocal` look at DNS answers. */
export function builtInAcls(): Map<string, Acl> {
  const values = (...texts: string[]): AclLine[] => [{ values: texts.map((text) => ({ text, ignoreCase: false })) }];
  const acls: Acl[] = [
    { name: 'all', type: 'src', lines: values('all') },
    {
      name: 'manager',
      type: 'url_regex',
      lines: [
        {
          values: [
            { text: '^cache_object://', ignoreCase: true },
            { text: '^[^:]+://[^/]+/squid-internal-mgr/', ignoreCase: false },
          ],
        },
      ],
    },
    { name: 'localhost', type: 'src', lines: values('127.0.0.1/32', '::1') },
    { name: 'to_localhost', type: 'dst', lines: values('127.0.0.0/8', '0.0.0.0/32', '::1/128', '::/128') },
    { name: 'to_linklocal', type: 'dst', lines: values('169.254.0.0/16', 'fe80::/10') },
    { name: 'CONNECT', type: 'method', lines: values('CONNECT') },
  ];
  return new Map(acls.map((acl) => [acl.name.toLowerCase(), acl]));
}

/** Reads one acl line into `acls`. What Squid refuses is remarked and left out. */
export function readAcl(directive: Directive, acls: Map<string, Acl>, files: FileContext): void {
  const { entry } = directive;
  const [nameWord, typeWord] = directive.words;
  if (nameWord === undefined || typeWord === undefined) {
    remark(entry, 'malformed', 'SQUID_ACL_BAD', 'an acl line has a name and a type: Squid does not start');
    return;
  }
  const name = nameWord.text;
  const known = acls.get(name.toLowerCase());
  const type = typeWord.text === 'myport' ? 'localport' : typeWord.text === 'myip' ? 'localip' : typeWord.text;
  const values = readValues(directive, 2, REGEX_TYPES.includes(type), files);

  if (!REGEX_TYPES.includes(type) && /^[+-]i$/.test(values[0]?.text ?? '')) {
    const message = `an acl of type ${type} has no ${values[0]?.text}: Squid does not start`;
    remark(entry, 'malformed', 'SQUID_ACL_BAD', message, {
      hint: 'Remove the flag: hosts are compared without case anyway.',
    });
    values.shift();
  }
  if (files.quotedValues && REGEX_TYPES.includes(type)) {
    const message = 'no pattern can be read while configuration_includes_quoted_values is on: Squid does not start';
    remark(entry, 'malformed', 'SQUID_ACL_BAD', message, {
      hint: 'Switch it off in front of the line, and on again behind it.',
    });
  }
  const unfinished = values.find(({ text }) => REGEX_TYPES.includes(type) && /(?<!\\)(?:\\\\)*\\$/.test(text));
  if (unfinished !== undefined) {
    const message = `${unfinished.text} ends with a backslash that escapes nothing: Squid does not start`;
    remark(entry, 'malformed', 'SQUID_ACL_BAD', message, {
      hint: 'A line goes on only where the backslash is its last byte.',
    });
  }
  if (name.length > NAME_MAX) {
    remark(entry, 'malformed', 'SQUID_ACL_BAD', `the name has more than ${NAME_MAX} characters: Squid does not start`);
  } else if (name.toLowerCase() === 'manager' && type === 'proto') {
    remark(entry, 'irrelevant', 'SQUID_OBSOLETE', 'ignored by Squid: manager is built in since 3.2');
  } else if (name.toLowerCase() === 'all') {
    readAll(directive, type, values);
  } else if (known !== undefined && known.type !== type) {
    const message = `${name} is already an acl of type ${known.type}: Squid does not start`;
    remark(entry, 'malformed', 'SQUID_ACL_BAD', message, { hint: 'Give one of them another name.' });
  } else {
    const line: AclLine = { values, directive, ...(hasFlag(directive, '-n') && { asksNoDns: true }) };
    if (known === undefined) acls.set(name.toLowerCase(), { name, type, lines: [line] });
    else known.lines.push(line);
  }
}

/** A flag in front of the values of an acl line. */
function hasFlag({ words }: Directive, flag: string): boolean {
  const texts = words.slice(2).map(({ text }) => text);
  const behind = texts.findIndex((text) => !FLAGS.test(text));
  return texts.slice(0, behind === -1 ? undefined : behind).includes(flag);
}

/** `all` holds for every address and cannot be narrowed: values only add to it (SQ-40 to SQ-43). */
function readAll(directive: Directive, type: string, values: readonly AclValue[]): void {
  const { entry } = directive;
  if (type !== 'src') {
    remark(
      entry,
      'malformed',
      'SQUID_ACL_ALL',
      `all is built in as a src acl and cannot be of type ${type}: Squid does not start`,
    );
  } else if (values.every(({ text }) => ADDRESSES_OF_ALL.includes(text))) {
    remark(
      entry,
      'irrelevant',
      'SQUID_ACL_ALL',
      'says what Squid has built in since 3.0, and only makes it print warnings',
    );
  } else {
    const message = 'does not narrow anything: all holds for every client whatever this line says';
    remark(entry, 'irrelevant', 'SQUID_ACL_ALL', message, {
      severity: 'warning',
      hint: 'If the addresses were meant, give the acl another name and use that.',
    });
  }
}

/**
 * Values from word `skip` on. A word that begins with a quote names a file: each of its lines is one value, and what stands
 * behind the name is ignored (SQ-20, SQ-21, SQ-25). A file that cannot be opened gives none (SQ-24).
 */
export function readValues(directive: Directive, skip: number, isRegex: boolean, files: FileContext): AclValue[] {
  const first = directive.words[skip];
  if (first === undefined) return [];
  const values: AclValue[] = [];
  let ignoreCase = false;
  const take = (text: string): void => {
    if (isRegex && (text === '-i' || text === '+i')) ignoreCase = text === '-i';
    else values.push({ text, ignoreCase });
  };
  if (files.quotedValues) {
    const read = (name: string): string | undefined =>
      fileOf(name, directive, files, (text) => quotedWords(text, () => undefined));
    for (const text of quotedWords(directive.line.text.slice(first.offset), read)) take(text);
    return values;
  }
  const words = wordsOf(directive.line, first.offset, isRegex);
  // Flags that only say how Squid looks names up, in front of all values.
  while (FLAGS.test(words[0]?.text ?? '')) words.shift();
  for (const word of words) {
    if (/^["']/.test(word.text)) {
      for (const text of linesOfFile(word, directive, files)) take(text);
      break;
    }
    take(word.text);
  }
  return values;
}

/** The text of a file of values, entered with their number; undefined, with a remark, where it cannot be read: the acl has no value from it (SQ-24). */
function fileOf(
  name: string,
  { entry, from }: Directive,
  files: FileContext,
  valuesIn: (text: string) => string[],
): string | undefined {
  const path = pathBeside(files.main, name);
  const result = files.reader.read(path);
  const branch = branchOff(from, entry, result.kind === 'file' ? 'read' : 'failed');
  if (result.kind === 'file') {
    branch.files.push(fileRead(path, files.reader, { values: valuesIn(result.file.text).length }));
    return result.file.text;
  }
  const message = `takes ${name} for a file, and it cannot be read (${result.message}): the acl has no value from it and Squid starts all the same`;
  const hint = /[\\^$*[(]/.test(name)
    ? 'A quoted pattern is a file name to Squid: remove the quotes.'
    : 'Copy the file to the same place here.';
  remark(entry, 'malformed', 'SQUID_ACL_FILE', message, { hint });
  return undefined;
}

function valuesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) =>
      line
        .replace(/\r.*$/s, '')
        .trim()
        .replace(/(?:^|\s+)#.*$/, ''),
    )
    .filter((line) => line !== '');
}

function linesOfFile(word: Word, directive: Directive, files: FileContext): string[] {
  const { entry, line } = directive;
  const quote = word.text.charAt(0);
  const end = line.text.indexOf(quote, word.offset + 1);
  const name = line.text.slice(word.offset + 1, end === -1 ? undefined : end);
  const text = fileOf(name, directive, files, valuesOf);
  if (text === undefined) return [];
  const behind = end === -1 ? '' : line.text.slice(end + 1).trim();
  const lines = valuesOf(text);
  remark(entry, 'translated', 'SQUID_ACL_FILE', `${lines.length} values read from ${name}`);
  if (behind !== '' && !behind.startsWith('#')) {
    remark(entry, 'translated', 'SQUID_ACL_FILE', `what stands behind the file name is ignored by Squid: ${behind}`, {
      severity: 'warning',
    });
  }
  return lines;
}
