// Room: what Apache makes of the path of a request, and of the path it sends on. Pure.
// Source: httpd 2.4 server/util.c ap_normalize_path, ap_unescape_url; modules/proxy/proxy_util.c ap_proxy_canonenc (AP-53, AP-54, AP-77).

/** AllowEncodedSlashes: what becomes of %2F. */
export type EncodedSlashes = 'refuse' | 'decode' | 'keep';

/** `path` as every module but the log sees it; `status`: answered at once. */
export type RequestPath = { kind: 'path'; path: string } | { kind: 'status'; status: 400 | 404 };

/** Decoded once, slashes merged, dot segments gone; one that leads above the root is refused. */
export function requestPath(target: string, slashes: EncodedSlashes): RequestPath {
  const raw = target.split('?', 1)[0] ?? '';
  // Letters that need no escape are decoded first, so that escaped dots are dots.
  const plain = raw.replace(/%([0-9a-f]{2})/gi, (written, digits: string) => {
    const letter = String.fromCharCode(Number.parseInt(digits, 16));
    return /[A-Za-z0-9._~-]/.test(letter) ? letter : written;
  });
  const segments: string[] = [];
  const steps = plain
    .replace(/\/{2,}/g, '/')
    .slice(1)
    .split('/');
  for (const [index, step] of steps.entries()) {
    const isLast = index === steps.length - 1;
    if (step === '..' && segments.pop() === undefined) return { kind: 'status', status: 400 };
    if (step !== '.' && step !== '..') segments.push(step);
    else if (isLast) segments.push('');
  }
  const normal = `/${segments.join('/')}`;
  if (/%(?![0-9a-f]{2})/i.test(normal)) return { kind: 'status', status: 400 };
  if (/%00/.test(normal) || (slashes === 'refuse' && /%2f/i.test(normal))) return { kind: 'status', status: 404 };
  const path = normal.replace(/%([0-9a-f]{2})/gi, (written, digits: string) =>
    slashes === 'keep' && /^2f$/i.test(digits) ? written : String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return { kind: 'path', path };
}

/** A path as a proxied request has it: escaped again, all but what a path may hold. `keepSlashes`: %2F stands for itself. */
export function sentPath(path: string, keepSlashes: boolean): string {
  return path.replace(/%2f|[^A-Za-z0-9$\-_.+!*'(),;:@&=/~]/gi, (part) => {
    if (part.length > 1) return keepSlashes ? part : `%25${part.slice(1)}`;
    return `%${part.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
}

/** How much of `path` a ProxyPass or Redirect for `prefix` takes; 0 for none. Slashes of both may be many (alias_match). */
export function prefixLength(path: string, prefix: string): number {
  let [at, index] = [0, 0];
  while (index < prefix.length) {
    if (prefix[index] === '/') {
      if (path[at] !== '/') return 0;
      while (path[at] === '/') at += 1;
      while (prefix[index] === '/') index += 1;
    } else {
      if (path[at] !== prefix[index]) return 0;
      at += 1;
      index += 1;
    }
  }
  if (!prefix.endsWith('/') && path[at] !== undefined && path[at] !== '/') return 0;
  return at;
}
