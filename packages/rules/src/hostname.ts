// Room: the one spelling in which names of hosts are compared.

/** Lower case, without the dot of the root at the end (RFC 9110 4.2.3, RFC 1034 3.1). For a name without port; `.` is empty then. */
export function canonicalHost(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
