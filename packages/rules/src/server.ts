// Room: addresses as a rules file writes them: where to listen, and which server to dial.

/** An address to bind; `host` undefined means every address of the machine. `port` 0 asks the system for a free one. */
export type ListenAddress = { host?: string; port: number };

/** A server of an upstream. `host` carries no brackets. */
export type Server = { scheme: 'http' | 'https'; host: string; port: number };

const PORT_MAX = 65_535;

/** `203.0.113.10:443`, `[2001:db8::1]:443`, `name:443` or `*:443`; undefined for anything else. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text);
  if (match === null || Number(match[3]) > PORT_MAX) return undefined;
  const host = match[1] ?? match[2] ?? '';
  return host === '*' ? { port: Number(match[3]) } : { host, port: Number(match[3]) };
}

/** `http://HOST[:PORT]` or `https://HOST[:PORT]`, no path; undefined for anything else. */
export function parseServer(text: string): Server | undefined {
  const match = /^(https?):\/\/(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/?#@]+))(?::(\d{1,5}))?\/?$/.exec(text);
  if (match === null) return undefined;
  const scheme = match[1] as Server['scheme'];
  const port = match[4] === undefined ? (scheme === 'https' ? 443 : 80) : Number(match[4]);
  return port === 0 || port > PORT_MAX ? undefined : { scheme, host: match[2] ?? match[3] ?? '', port };
}
