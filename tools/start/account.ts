// Room: telling a person what happens, a line each, with times. Colour only where a terminal shows it.

export type Account = {
  /** A line on its own, between steps. */
  heading(text: string): void;
  /** Something that went well; `milliseconds` is how long it took. */
  done(text: string, milliseconds?: number): void;
  failed(text: string): void;
  /** Detail under the last line. */
  detail(text: string): void;
};

/** SGR codes, ECMA-48 8.3.117. */
const COLOUR = { green: 32, red: 31, bold: 1, dim: 2 } as const;

/** Writes to `out`. `colour`: whether to use it at all. */
export function createAccount(out: (text: string) => void, colour: boolean): Account {
  const paint = (name: keyof typeof COLOUR, text: string) => (colour ? `\x1b[${COLOUR[name]}m${text}\x1b[0m` : text);
  return {
    heading: (text) => out(`\n${paint('bold', text)}\n`),
    done(text, milliseconds) {
      const time = milliseconds === undefined ? '' : paint('dim', `  ${Math.round(milliseconds)} ms`);
      out(`${paint('green', '  ok')}  ${text}${time}\n`);
    },
    failed: (text) => out(`${paint('red', 'FAIL')}  ${text}\n`),
    detail: (text) => out(`${text.replace(/^(?=.)/gm, '      ')}\n`),
  };
}

/** NO_COLOR (no-color.org) wins over the terminal. */
export function wantsColour(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && (env.NO_COLOR ?? '') === '';
}
