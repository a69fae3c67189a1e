// Room: POSIX extended regular expressions as glibc reads them for Squid (compiled with REG_EXTENDED|REG_NOSUB, C locale,
// no REG_NEWLINE), from text to a tree. What the tree becomes is regex.ts. One machine: a parser without look-back.
// Text is latin1: one character is one byte.

/** Names of POSIX classes (POSIX.1 9.3.5 6), with their bytes in the C locale. */
export const CLASSES: Readonly<Record<string, RegExp>> = {
  alpha: /[A-Za-z]/,
  digit: /[0-9]/,
  alnum: /[A-Za-z0-9]/,
  upper: /[A-Z]/,
  lower: /[a-z]/,
  space: /[\t-\r ]/,
  blank: /[\t ]/,
  punct: /[!-/:-@[-`{-~]/,
  print: /[ -~]/,
  graph: /[!-~]/,
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the class of control characters is made of them
  cntrl: /[\x00-\x1f\x7f]/,
  xdigit: /[0-9A-Fa-f]/,
};

export type SetItem =
  | { kind: 'range'; first: number; last: number }
  | { kind: 'class'; name: string }
  /** `_` and letters and digits: what `\w` means in GNU patterns. */
  | { kind: 'word' };

export type Assertion = 'start' | 'end' | 'boundary' | 'notBoundary' | 'wordStart' | 'wordEnd';

export type Ere =
  | { kind: 'byte'; byte: number }
  | { kind: 'any' }
  | { kind: 'set'; negated: boolean; items: SetItem[] }
  | { kind: 'assertion'; assertion: Assertion }
  | { kind: 'sequence'; parts: Ere[] }
  | { kind: 'branches'; branches: Ere[] }
  | { kind: 'repeat'; of: Ere; least: number; most: number | undefined };

export type EreResult =
  | { kind: 'pattern'; ere: Ere }
  /** glibc refuses it: Squid drops this pattern and keeps the others of the line (SQ-85). */
  | { kind: 'invalid'; message: string }
  /** Squid runs it, a linear-time engine cannot. */
  | { kind: 'inexpressible'; message: string };

/** RE_DUP_MAX of glibc: a higher count is "Regular expression too big". */
const COUNT_MAX = 32_767;

/** Groups in groups, and repetitions of repetitions, that are followed: people write three, and a tree is walked by recursion. */
const DEPTH_MAX = 200;

const INVALID_OPERAND = 'there is nothing for the repetition to repeat';

class Refusal extends Error {
  readonly kind: 'invalid' | 'inexpressible';
  constructor(kind: 'invalid' | 'inexpressible', message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Parses one pattern. Bad input comes back as `invalid` with what is wrong, in glibc's terms. */
export function parseEre(source: string, ignoreCase: boolean): EreResult {
  try {
    const parser = new Parser(source, ignoreCase);
    return { kind: 'pattern', ere: parser.pattern() };
  } catch (error) {
    if (error instanceof Refusal) return { kind: error.kind, message: error.message };
    throw error;
  }
}

const GNU_ESCAPES: Readonly<Record<string, Ere>> = {
  w: { kind: 'set', negated: false, items: [{ kind: 'word' }] },
  W: { kind: 'set', negated: true, items: [{ kind: 'word' }] },
  s: { kind: 'set', negated: false, items: [{ kind: 'class', name: 'space' }] },
  S: { kind: 'set', negated: true, items: [{ kind: 'class', name: 'space' }] },
  b: { kind: 'assertion', assertion: 'boundary' },
  B: { kind: 'assertion', assertion: 'notBoundary' },
  '<': { kind: 'assertion', assertion: 'wordStart' },
  '>': { kind: 'assertion', assertion: 'wordEnd' },
  '`': { kind: 'assertion', assertion: 'start' },
  "'": { kind: 'assertion', assertion: 'end' },
};

class Parser {
  private readonly source: string;
  private readonly ignoreCase: boolean;
  private offset = 0;
  private depth = 0;

  constructor(source: string, ignoreCase: boolean) {
    this.source = source;
    this.ignoreCase = ignoreCase;
  }

  pattern(): Ere {
    return this.branches(false);
  }

  private branches(inGroup: boolean): Ere {
    const branches = [this.branch(inGroup)];
    while (this.take('|')) branches.push(this.branch(inGroup));
    const [only] = branches;
    return only !== undefined && branches.length === 1 ? only : { kind: 'branches', branches };
  }

  private branch(inGroup: boolean): Ere {
    const parts: Ere[] = [];
    for (let next = this.peek(); next !== undefined && next !== '|'; next = this.peek()) {
      if (next === ')') {
        if (inGroup) break;
        // Alone, glibc takes it as itself; joined with its neighbours, as Squid tries first, it means something else.
        throw new Refusal('inexpressible', 'an unmatched ) means one thing alone and another beside other patterns');
      }
      parts.push(this.repeated());
    }
    const [only] = parts;
    return only !== undefined && parts.length === 1 ? only : { kind: 'sequence', parts };
  }

  private repeated(): Ere {
    const first = this.peek() ?? '';
    if ('*+?{'.includes(first)) throw new Refusal('invalid', INVALID_OPERAND);
    let ere = this.atom();
    let repetitions = 0;
    for (let next = this.peek(); next !== undefined && '*+?{'.includes(next); next = this.peek()) {
      repetitions += 1;
      if (repetitions > DEPTH_MAX)
        throw new Refusal('inexpressible', `more than ${DEPTH_MAX} repetitions of one thing`);
      if (ere.kind === 'assertion') throw new Refusal('invalid', INVALID_OPERAND);
      this.offset += 1;
      const [least, most] =
        next === '{' ? this.counts() : next === '*' ? [0, undefined] : next === '+' ? [1, undefined] : [0, 1];
      ere = { kind: 'repeat', of: ere, least: least ?? 0, most };
    }
    return ere;
  }

  /** After `{`: `n}`, `n,}`, `n,m}` or the GNU forms `,m}` and `,}`. */
  private counts(): [number, number | undefined] {
    const match = /^(\d*)(,?)(\d*)\}/.exec(this.source.slice(this.offset));
    if (match === null || match[0] === '}') throw new Refusal('invalid', 'a { without a count and a closing }');
    this.offset += match[0].length;
    const least = Number(match[1]);
    const most = match[2] === '' ? least : match[3] === '' ? undefined : Number(match[3]);
    if (least > COUNT_MAX || (most ?? 0) > COUNT_MAX) throw new Refusal('invalid', 'a count above 32767');
    if (most !== undefined && most < least) throw new Refusal('invalid', 'a count whose end is before its start');
    return [least, most];
  }

  private atom(): Ere {
    const next = this.source[this.offset] ?? '';
    this.offset += 1;
    if (next === '.') return { kind: 'any' };
    if (next === '^') return { kind: 'assertion', assertion: 'start' };
    if (next === '$') return { kind: 'assertion', assertion: 'end' };
    if (next === '[') return this.set();
    if (next === '\\') return this.escape();
    if (next !== '(') return byteOf(next);
    this.depth += 1;
    if (this.depth > DEPTH_MAX) throw new Refusal('inexpressible', `groups nested more than ${DEPTH_MAX} deep`);
    const inner = this.branches(true);
    this.depth -= 1;
    if (!this.take(')')) throw new Refusal('invalid', 'a ( without its )');
    // In a group of its own an anchor may be repeated: (^)* is sound where ^* is not.
    return inner.kind === 'assertion' ? { kind: 'sequence', parts: [inner] } : inner;
  }

  private escape(): Ere {
    const next = this.source[this.offset];
    if (next === undefined) throw new Refusal('invalid', 'a backslash at the end');
    this.offset += 1;
    if (/[1-9]/.test(next))
      throw new Refusal('inexpressible', `a back-reference (\\${next}) cannot be run in linear time`);
    const special = GNU_ESCAPES[next];
    if (special !== undefined) return special;
    // Without case glibc compares in upper case, and forgets to raise an escaped letter: \d matches neither d nor D.
    if (this.ignoreCase && /[a-z]/.test(next)) return { kind: 'set', negated: false, items: [] };
    // Every other escaped byte is itself: \d is the letter d (SQ-82).
    return byteOf(next);
  }

  /** After `[`. A backslash is itself (SQ-84); `]` is itself in the first place. */
  private set(): Ere {
    const negated = this.take('^');
    const items: SetItem[] = [];
    for (let first = true; first || this.peek() !== ']'; first = false) {
      const start = this.setElement();
      const isRange =
        this.peek() === '-' && this.source[this.offset + 1] !== ']' && this.source[this.offset + 1] !== undefined;
      if (!isRange) {
        items.push(start);
        continue;
      }
      this.offset += 1;
      const end = this.setElement();
      if (start.kind !== 'range' || end.kind !== 'range' || end.first < start.first) {
        throw new Refusal('invalid', 'a range whose end is not behind its start');
      }
      items.push({ kind: 'range', first: start.first, last: end.first });
    }
    this.offset += 1;
    return { kind: 'set', negated, items };
  }

  private setElement(): SetItem {
    const special = /^\[([:.=])(.*?)\1\]/s.exec(this.source.slice(this.offset));
    if (special !== null) {
      const [whole, mark, name = ''] = special;
      this.offset += whole.length;
      if (mark === ':') {
        if (CLASSES[name] === undefined) throw new Refusal('invalid', `there is no class [:${name}:]`);
        return { kind: 'class', name };
      }
      if (name.length !== 1) throw new Refusal('invalid', `there is no collating element ${name}`);
      return byteItem(name);
    }
    const next = this.source[this.offset];
    if (next === undefined) throw new Refusal('invalid', 'a [ without its ]');
    this.offset += 1;
    return byteItem(next);
  }

  private peek(): string | undefined {
    return this.source[this.offset];
  }

  private take(wanted: string): boolean {
    if (this.peek() !== wanted) return false;
    this.offset += 1;
    return true;
  }
}

function byteOf(character: string): Ere {
  return { kind: 'byte', byte: character.charCodeAt(0) & 0xff };
}

function byteItem(character: string): SetItem {
  const byte = character.charCodeAt(0) & 0xff;
  return { kind: 'range', first: byte, last: byte };
}
