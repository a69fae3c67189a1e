// Room: dst acls. They look up the host of the URL and compare its addresses; a rule sees the host alone. The default files of
// Squid deny this host's own addresses with them (to_localhost, to_linklocal), and that can be said well enough.
import { parseAddressRange } from '@outrigger/rules';
import type { AclValue } from './acl.ts';
import type { Meaning } from './meaning.ts';

/** Addresses of one kind, and the hosts that spell them: plain, and in the ways inet_aton(3) reads (0x7f.1, 2130706433). */
type Kind = { ranges: readonly string[]; hosts: string };

const ODD_SPELLINGS = '0[0-9a-fx.]*|[0-9]+';
const KINDS: readonly Kind[] = [
  {
    ranges: ['127.0.0.0/8', '0.0.0.0/8', '::/127'],
    hosts: `localhost|[^/:]*\\.localhost|127[0-9a-fx.]*|\\[[0:]*(?:1|ffff:[0-9a-f.:]*)?\\]|${ODD_SPELLINGS}`,
  },
  { ranges: ['169.254.0.0/16', 'fe80::/10'], hosts: `169\\.254\\.[0-9.]*|\\[fe[89ab][^\\]/]*\\]|${ODD_SPELLINGS}` },
];

/**
 * Exact for a host that is an address; a name that DNS would lead to such an address is not seen. In an accelerator neither
 * goes there: the denial guards nothing but a forward proxy (SQ-68).
 */
export function destinations(values: readonly AclValue[]): Meaning {
  const hosts = new Set<string>();
  for (const { text } of values) {
    if (text === 'all') return { kind: 'always', notes: [] };
    const kind = KINDS.find(({ ranges }) => ranges.some((range) => isInside(text, range)));
    if (kind === undefined) {
      return { kind: 'inexpressible', reason: 'it needs a DNS look-up for each request', notes: [] };
    }
    hosts.add(kind.hosts);
  }
  const regex = `^[a-z]+://(?:${[...hosts].join('|')})(?::[0-9]+)?[/*]`;
  const reason = 'it holds for hosts written as such an address, not for names that DNS leads there';
  return { kind: 'approximate', condition: { url: [{ regex }] }, reason, notes: [] };
}

function isInside(text: string, range: string): boolean {
  const [inner, outer] = [parseAddressRange(text), parseAddressRange(range)];
  return inner !== undefined && outer !== undefined && outer.first <= inner.first && inner.last <= outer.last;
}
