// Room: words as Squid reads them with configuration_includes_quoted_values on: a quoted text is one word, a backslash in it
// takes the next byte as it is, and parameters("FILE") stands for the words of a file (ConfigParser.cc, TokenParse; SQ-26).

const WORD = /parameters\((?:"([^"]*)"|'([^']*)')\)|"((?:\\[\s\S]|[^"\\])*)"|'((?:\\[\s\S]|[^'\\])*)'|\S+/g;

/** The words of a text. `read` gives the text of a file, or undefined where there is none: then it has no words. */
export function quotedWords(text: string, read: (name: string) => string | undefined): string[] {
  return text.split('\n').flatMap((line) => wordsOfLine(line, read));
}

function wordsOfLine(line: string, read: (name: string) => string | undefined): string[] {
  const words: string[] = [];
  for (const [word, inDouble, inSingle, double, single] of line.matchAll(WORD)) {
    if (word.startsWith('#')) break;
    const file = inDouble ?? inSingle;
    // A file that names a file is read no further: Squid knows no such thing.
    if (file !== undefined) words.push(...quotedWords(read(file) ?? '', () => undefined));
    else words.push((double ?? single)?.replace(/\\([\s\S])/g, '$1') ?? word);
  }
  return words;
}
