// Room: what a rules file can get wrong about its front door: whom it believes.

import { type AddressRange, parseAddressRange } from './address.ts';
import type { Report } from './check.ts';
import type { RuleSet } from './schema.ts';

/** Findings about trusted peers. */
export function checkFrontDoor(rules: RuleSet, report: Report): void {
  rules.trustedProxies?.forEach((entry, index) => {
    const path = ['trustedProxies', index] as const;
    const range = parseAddressRange(entry);
    if (range === undefined) {
      report('error', 'RULES_BAD_CLIENTS', path, `${entry} is not an address, a CIDR block or first-last`);
    } else if (isEverybody(range)) {
      report(
        'warning',
        'RULES_TRUSTS_EVERYBODY',
        path,
        `${entry} trusts everybody: any client may claim any address, and clients conditions and the log believe it`,
        'Name the addresses of the proxies in front.',
      );
    }
  });
}

/** All of IPv4 (::ffff:0:0/96) is in it. */
function isEverybody({ first, last }: AddressRange): boolean {
  const mapped = 0xffffn << 32n;
  return first <= mapped && last >= mapped + 0xffff_ffffn;
}
