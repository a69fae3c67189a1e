// Room: names that Define, -D and the environment give, for IfDefine and for ${NAME} in lines. Pure.
// Source: httpd 2.4 server/core.c, set_define, unset_define, ap_exists_config_define, ap_resolve_env (AP-13 to AP-16).

/** Names and values that count at one point of reading; changed by each Define on the way. */
export type Variables = {
  /** Whether IfDefine holds for this name; case counts. */
  isDefined(name: string): boolean;
  /** What ${NAME} stands for: a Define in any spelling, else the environment exactly; undefined: the text stays as it is. */
  valueOf(name: string): string | undefined;
  define(name: string, value?: string): void;
  undefine(name: string): void;
};

/** `names`: given with -D. `environment`: envvars and what the person adds. */
export function createVariables(names: readonly string[], environment: ReadonlyMap<string, string>): Variables {
  const defined = new Set(names);
  const values = new Map<string, string>();
  return {
    isDefined: (name) => defined.has(name),
    valueOf: (name) => values.get(name.toLowerCase()) ?? environment.get(name),
    define: (name, value) => {
      defined.add(name);
      if (value !== undefined) values.set(name.toLowerCase(), value);
    },
    undefine: (name) => {
      defined.delete(name);
      values.delete(name.toLowerCase());
    },
  };
}

/** Characters a line may grow to: Defines that are made of Defines double with each line, and no line of a person is longer. */
const RESOLVED_MAX = 1_048_576;

export type Resolved = { kind: 'text'; text: string; missing: string[] } | { kind: 'too long'; max: number };

/** `text` with each ${NAME} replaced once, values not looked at again; names without a value stay as written (AP-14). */
export function resolveVariables(text: string, variables: Variables): Resolved {
  const missing: string[] = [];
  let length = text.length;
  const resolved = text.replace(/\$\{([^}]*)\}/g, (written, name: string) => {
    const value = variables.valueOf(name);
    if (value === undefined) missing.push(name);
    else length += value.length - written.length;
    return length > RESOLVED_MAX ? '' : (value ?? written);
  });
  return length > RESOLVED_MAX ? { kind: 'too long', max: RESOLVED_MAX } : { kind: 'text', text: resolved, missing };
}
