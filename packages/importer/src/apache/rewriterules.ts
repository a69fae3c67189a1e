// Room: the rewriting rules of a server as a list, each with its conditions. Pure. Source: modules/mappers/mod_rewrite.c (AP-82, AP-83).
import { rewriteLines } from './rewriterequest.ts';
import type { Server, Servers } from './servers.ts';
import type { Directive } from './tree.ts';

export type Rule = { line: Directive; conditions: Directive[] };

/** Rules that a server follows, in the order in which Apache asks them. */
export function serverRules(servers: Servers, server: Server): Rule[] {
  return rulesOf(rewriteLines(servers, server));
}

/** Each rule with the conditions that stand before it. */
export function rulesOf(lines: readonly Directive[]): Rule[] {
  const rules: Rule[] = [];
  let conditions: Directive[] = [];
  for (const line of lines) {
    if (line.key === 'rewritecond') conditions.push(line);
    if (line.key !== 'rewriterule') continue;
    rules.push({ line, conditions });
    conditions = [];
  }
  return rules;
}

/** Flags of a RewriteRule or RewriteCond, names in lower case, '' for those without a value. */
export function flagsOf({ words }: Directive): Map<string, string> {
  const text = /^\[(.*)\]$/s.exec(words[2]?.text ?? '')?.[1] ?? '';
  return new Map(
    text
      .split(',')
      .filter((flag) => flag.trim() !== '')
      .map((flag): [string, string] => {
        const [name = '', ...value] = flag.trim().split('=');
        return [name.toLowerCase(), value.join('=')];
      }),
  );
}
