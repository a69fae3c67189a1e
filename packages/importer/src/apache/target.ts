// Room: where a ProxyPass line sends requests: a URL of its own grammar. Pure.
// Source: modules/proxy/proxy_util.c ap_proxy_get_worker, mod_proxy.c add_pass.

/** `origin`: scheme, host and port as an upstream's server. `path`: what stands in place of the matched prefix. */
export type Target =
  | { kind: 'http'; scheme: 'http' | 'https'; host: string; port: number; origin: string; path: string }
  | { kind: 'balancer'; name: string; path: string }
  | { kind: 'other'; scheme: string };

const DEFAULT_PORT = { http: 80, https: 443 } as const;

/** Reads a target. Anything that is no plain HTTP URL is `other`: FastCGI, AJP, unix sockets, references into a pattern. */
export function parseTarget(text: string): Target {
  const [, written = '', rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? [];
  const scheme = written.toLowerCase();
  if (scheme === 'balancer') {
    const [, name = '', path = ''] = /^([^/]*)(.*)$/s.exec(rest) ?? [];
    return { kind: 'balancer', name: name.toLowerCase(), path };
  }
  const [, host, digits, path = ''] = /^(\[[0-9a-f:.]+\]|[^/:@?#[\]$]+)(?::(\d{1,5}))?(\/[^?#$]*)?$/i.exec(rest) ?? [];
  if ((scheme !== 'http' && scheme !== 'https') || host === undefined) return { kind: 'other', scheme };
  const port = digits === undefined ? DEFAULT_PORT[scheme] : Number(digits);
  return { kind: 'http', scheme, host, port, origin: `${scheme}://${host.toLowerCase()}:${port}`, path };
}
