// Room: how configs get broken, for tests: bytes flipped, lines cut, joined, repeated and moved, encodings changed, includes in
// circles, values nobody would write. Arbitraries over the files of a case, so that fast-check can shrink what it finds.
import fc from 'fast-check';

/** A config: path to content, one character a byte. */
export type Files = Readonly<Record<string, string>>;

/** Changes a text; `place` from 0 to below 1 says where, so that one mutation fits any text. */
export type Mutation = { name: string; apply: (text: string) => string };

/** What a language of configuration has that can be broken. */
export type Dialect = {
  /** The file that reading begins with. */
  mainOf(files: Files): string;
  /** A line that includes a file. */
  include(file: string): string;
  inserts: readonly string[];
  /** Lines nobody would write. */
  lines: readonly string[];
  /** Blocks of many lines: what grows with a file, grown. */
  crowds: readonly ((count: number) => string[])[];
  /** Lines each of which has to do with all others. */
  tangle(names: number, lines: number): string[];
  /** Opening and closing lines of what can be nested. */
  nested: readonly (readonly [string, string])[];
  /** Files that include each other; the first is the one to include. */
  includes: fc.Arbitrary<Files>;
};

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** Repetitions that are far beyond any real file, and still no more than a few hundred KiB. */
export const MANY = 2_000;

/** What means something to most languages of configuration, or to none: quotes, ends of lines, marks of an encoding. */
export const ODD_BYTES = [
  '"',
  "'",
  '\\',
  '\\\n',
  '#',
  ' # ',
  '!',
  '\n',
  '\r',
  '\r\n',
  '\0',
  '\t\v\f',
  '\xa0',
  '\xef\xbb\xbf',
  '\xff\xfe',
] as const;

/** Files that include each other: a chain, a fan, and `circles`. `include` is the line that includes a file, `other` one that does not. */
export function includingFiles(
  include: (file: string) => string,
  other: (index: number) => string,
  circles: readonly Files[],
): fc.Arbitrary<Files> {
  const files = (count: number, name: string, textOf: (index: number) => string): Files =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`${name}${index}.conf`, textOf(index)]));
  return fc.oneof(
    fc
      .integer({ min: 1, max: 40 })
      .map((depth) => files(depth, 'chain', (index) => `${other(index)}\n${include(`chain${index + 1}.conf`)}\n`)),
    fc
      .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 8 }))
      .map(([width, depth]) =>
        files(depth + 1, 'fan', (index) =>
          index === depth ? `${other(0)}\n` : `${include(`fan${index + 1}.conf`)}\n`.repeat(width),
        ),
      ),
    ...circles.map((circle) => fc.constant(circle)),
  );
}

export const HOSTILE_PATTERNS = [
  '('.repeat(MANY),
  `${'('.repeat(400)}a${')'.repeat(400)}`,
  `${'('.repeat(MANY)}a${')'.repeat(MANY)}`,
  '(a*)*b',
  '(a|a)*(a|a)*(a|a)*c',
  '((a{1,255}){1,255}){1,255}',
  'a{0,32767}',
  'a{32768}',
  'a{2,1}',
  '(.*){200}',
  '.*'.repeat(500),
  '(x|'.repeat(500) + ')'.repeat(500),
  Array.from({ length: MANY }, (_, index) => `w${index}`).join('|'),
  '[[:alpha:][:digit:][:bogus:]]',
  '[z-a]',
  '[]',
  '[^]]',
  '[[.hyphen.]]',
  '[[=a=]]',
  '\\',
  '\\1',
  '(a)\\1{30}',
  '^'.repeat(300),
  '$'.repeat(300),
  '\\<\\>\\b\\B'.repeat(100),
  '(^|/)(a|$)+/?'.repeat(60),
  '\xff{1,3}[\x80-\xff]',
  'a\0b',
  '',
];

/** One mutation of one text. */
function mutation({ inserts, lines }: Dialect, donors: readonly string[]): fc.Arbitrary<Mutation> {
  const linesOf = (text: string): string[] => text.split('\n');
  const at = (text: string, where: number): number => Math.floor(where * (text.length + 1));
  const lineAt = (lines: readonly string[], where: number): number => Math.floor(where * lines.length);
  const withLines = (change: (lines: string[]) => string[]) => (text: string) => change(linesOf(text)).join('\n');
  const inserted = (name: string, text: fc.Arbitrary<string>): fc.Arbitrary<Mutation> =>
    fc.tuple(place, text).map(([where, piece]) => ({
      name,
      apply: withLines((lines) => lines.toSpliced(lineAt(lines, where), 0, piece)),
    }));
  return fc.oneof(
    fc.tuple(place, fc.integer({ min: 1, max: 255 })).map(([where, flip]) => ({
      name: 'byte flipped',
      apply: (text: string) => {
        const offset = Math.min(at(text, where), Math.max(0, text.length - 1));
        return `${text.slice(0, offset)}${String.fromCharCode(text.charCodeAt(offset) ^ flip)}${text.slice(offset + 1)}`;
      },
    })),
    fc.tuple(place, fc.constantFrom(...inserts)).map(([where, piece]) => ({
      name: 'inserted',
      apply: (text: string) => `${text.slice(0, at(text, where))}${piece}${text.slice(at(text, where))}`,
    })),
    place.map((where) => ({ name: 'cut off', apply: (text: string) => text.slice(0, at(text, where)) })),
    fc.tuple(place, fc.integer({ min: 1, max: 40 })).map(([where, count]) => ({
      name: 'bytes cut out',
      apply: (text: string) => `${text.slice(0, at(text, where))}${text.slice(at(text, where) + count)}`,
    })),
    fc.tuple(place, fc.constantFrom('', ' ', '\\\n', '\r')).map(([where, joint]) => ({
      name: 'lines joined',
      apply: withLines((lines) => {
        const index = lineAt(lines, where);
        return lines.toSpliced(index, 2, lines.slice(index, index + 2).join(joint));
      }),
    })),
    fc.tuple(place, place).map(([from, to]) => ({
      name: 'line repeated elsewhere',
      apply: withLines((lines) => lines.toSpliced(lineAt(lines, to), 0, lines[lineAt(lines, from)] ?? '')),
    })),
    fc.tuple(place, place).map(([from, to]) => ({
      name: 'line moved',
      apply: withLines((lines) => {
        const [line = ''] = lines.slice(lineAt(lines, from), lineAt(lines, from) + 1);
        return lines.toSpliced(lineAt(lines, from), 1).toSpliced(lineAt(lines, to), 0, line);
      }),
    })),
    place.map((where) => ({
      name: 'line left out',
      apply: withLines((lines) => lines.toSpliced(lineAt(lines, where), 1)),
    })),
    fc.tuple(place, place).map(([from, to]) => ({
      name: 'words swapped',
      apply: (text: string) => {
        const words = text.split(/(\s+)/);
        const [a, b] = [lineAt(words, from) & ~1, lineAt(words, to) & ~1];
        return words
          .with(a, words[b] ?? '')
          .with(b, words[a] ?? '')
          .join('');
      },
    })),
    inserted('line of another file', fc.constantFrom(...donors.flatMap(linesOf))),
    fc
      .constantFrom('\xef\xbb\xbf', '\xff\xfe', '\xfe\xff', '\0')
      .map((mark) => ({ name: 'marked', apply: (text: string) => mark + text })),
    { weight: 1, arbitrary: inserted('hostile line', fc.constantFrom(...lines)) },
  );
}

/** Mutations that cost so much that one in a hundred is enough. */
function heavyMutation({ crowds, tangle, nested }: Dialect): fc.Arbitrary<Mutation> {
  const appended = (name: string, text: fc.Arbitrary<string>): fc.Arbitrary<Mutation> =>
    text.map((piece) => ({ name, apply: (before: string) => `${before}\n${piece}\n` }));
  return fc.oneof(
    fc.constantFrom<'le' | 'be'>('le', 'be').map((order) => ({
      name: `UTF-16 ${order}`,
      apply: (text: string) => Array.from(text, (char) => (order === 'le' ? `${char}\0` : `\0${char}`)).join(''),
    })),
    appended(
      'crowd',
      fc
        .tuple(fc.constantFrom(...crowds), fc.integer({ min: 10, max: 150 }))
        .map(([crowd, count]) => crowd(count).join('\n')),
    ),
    appended(
      'tangle',
      fc
        .tuple(fc.integer({ min: 2, max: 14 }), fc.integer({ min: 2, max: 24 }))
        .map(([acls, lines]) => tangle(acls, lines).join('\n')),
    ),
    fc.tuple(fc.integer({ min: 2, max: MANY }), fc.constantFrom(...nested)).map(([depth, [open, close]]) => ({
      name: 'nested',
      apply: (text: string) => `${`${open}\n`.repeat(depth)}${text}\n${`${close}\n`.repeat(depth)}`,
    })),
    fc.integer({ min: 2, max: 40 }).map((times) => ({
      name: 'repeated whole',
      apply: (text: string) => `${text}\n`.repeat(Math.min(times, Math.ceil(100_000 / (text.length + 1)))),
    })),
    fc
      .integer({ min: 1, max: 4 })
      .map((kibs) => ({ name: 'no line ends', apply: (text: string) => text.replaceAll('\n', ' ').repeat(kibs) })),
  );
}

export type Mutated = { base: string; mutations: string[]; files: Files };

/** Broken configs made of `cases` (name to files), most of them by a few small changes. */
export function mutatedConfigs(cases: ReadonlyMap<string, Files>, dialect: Dialect): fc.Arbitrary<Mutated> {
  const donors = [...cases.values()].map((files) => files[dialect.mainOf(files)] ?? '');
  const few = fc.array(mutation(dialect, donors), { minLength: 1, maxLength: 6 });
  const some = fc.oneof(
    { weight: 30, arbitrary: few.map((list): { list: Mutation[]; more: Files } => ({ list, more: {} })) },
    {
      weight: 1,
      arbitrary: fc.tuple(few, heavyMutation(dialect)).map(([list, heavy]) => ({ list: [...list, heavy], more: {} })),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(few, dialect.includes).map(([list, more]) => ({
        list: [
          ...list,
          { name: 'includes', apply: (text: string) => `${dialect.include(Object.keys(more)[0] ?? '')}\n${text}` },
        ],
        more,
      })),
    },
  );
  return fc.tuple(fc.constantFrom(...cases.keys()), some, place).map(([base, { list, more }, where]) => {
    const files = { ...more, ...cases.get(base) };
    const names = Object.keys(files).filter((name) => !(name in more));
    // The main file more often than its side files: half of the time, and always where there are none.
    const main = dialect.mainOf(files);
    const target = where < 0.5 ? main : (names[Math.floor((where - 0.5) * 2 * names.length)] ?? main);
    const text = list.reduce((before, { apply }) => apply(before), files[target] ?? '');
    return { base, mutations: list.map(({ name }) => name), files: { ...files, [target]: text } };
  });
}
