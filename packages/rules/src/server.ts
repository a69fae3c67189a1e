// Room: addresses as a rules file writes them: where to listen, and which server to dial.

/** An address to bind; `host` undefined means every address of the machine. `port` 0 asks the system for a free one. */
export type ListenAddress = { host?: string; port: number };

/** A server of an upstream: over TCP, where `host` carries no brackets, or plain HTTP on a socket of this machine. */
export type Server = { scheme: 'http' | 'https'; host: string; port: number } | { scheme: 'unix'; path: string };

const PORT_MAX = 65_535;

/** Bytes of the path of a socket: unix(7) has 108 with the zero at their end. */
const SOCKET_PATH_MAX = 107;

/** `203.0.113.10:443`, `[2001:db8::1]:443`, `name:443` or `*:443`; undefined for anything else. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text);
  if (match === null || Number(match[3]) > PORT_MAX) return undefined;
  const host = match[1] ?? match[2] ?? '';
  return host === '*' ? { port: Number(match[3]) } : { host, port: Number(match[3]) };
}

/** `http://HOST[:PORT]` or `https://HOST[:PORT]`, no path, or `unix:/PATH` without blanks; undefined for anything else. */
export function parseServer(text: string): Server | undefined {
  const path = /^unix:(\/[^\s\0]+)$/.exec(text)?.[1];
  if (path !== undefined) return Buffer.byteLength(path) > SOCKET_PATH_MAX ? undefined : { scheme: 'unix', path };
  const match = /^(https?):\/\/(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/?#@]+))(?::(\d{1,5}))?\/?$/.exec(text);
  if (match === null) return undefined;
  const scheme = match[1] as 'http' | 'https';
  const port = match[4] === undefined ? (scheme === 'https' ? 443 : 80) : Number(match[4]);
  return port === 0 || port > PORT_MAX ? undefined : { scheme, host: match[2] ?? match[3] ?? '', port };
}
