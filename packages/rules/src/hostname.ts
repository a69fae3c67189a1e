// Room: the one spelling in which hosts are compared.

/** What may be an address in one of the spellings of inet_aton(3): its last label is a number. */
const NUMBER_LAST = /(?:^|\.)(?:0x[0-9a-f]*|[0-9]+)$/;
const DOTTED = /^(?:(?:0|[1-9][0-9]{0,2})(?:\.(?!$)|$)){4}$/;
/** IPv4 inside IPv6 as URLs are written (RFC 4291 2.5.5.2): the last 32 bits in two groups. */
const MAPPED = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/;

/**
 * Lower case, without the dot of the root at the end (RFC 9110 4.2.3, RFC 1034 3.1). For a host without port; `.` is empty then.
 * An address has one spelling, as browsers and Squid give it one: `127.1`, `0x7f.0.0.1` and `[::ffff:127.0.0.1]` are 127.0.0.1, and a
 * rule on that must hold for each of them (URL Standard, host parsing). What is no address after all stays as it is.
 */
export function canonicalHost(name: string): string {
  const host = name.toLowerCase().replace(/\.$/, '');
  if (DOTTED.test(host) || !(host.startsWith('[') || NUMBER_LAST.test(host))) return host;
  if (!URL.canParse(`http://${host}/`)) return host;
  const { hostname } = new URL(`http://${host}/`);
  const [, high = '', low = ''] = MAPPED.exec(hostname) ?? [];
  if (high === '') return hostname;
  return [high, low].flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]).join('.');
}
