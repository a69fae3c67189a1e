// Room: what a trusted proxy in front says of the client, as far as it passes on. Only the three exact names count: a proxy that
// sets X-Forwarded-Proto still lets its client's X_Forwarded_Proto through.
import { type Fields, forwardedFor, forwardedProto, isAuthority, type TrustedProxies } from '@outrigger/rules';
import { fieldValues } from './http1/fields.ts';
import type { Vouched } from './http1/forward.ts';

/**
 * Claims of `peer` to pass on; undefined where it is not trusted. The head has passed `clientOf`. X-Forwarded-Proto and -Host
 * count where there is exactly one and it can be read in one way: of two, a client may have written one.
 */
export function vouchedBy(peer: string, fields: Fields, trusts: TrustedProxies): Vouched | undefined {
  if (trusts?.(peer) !== true) return undefined;
  const proto = forwardedProto(fields, peer, trusts);
  const hosts = fieldValues(fields, 'X-Forwarded-Host');
  const host = hosts.length === 1 ? hosts[0] : undefined;
  return {
    forwardedFor: forwardedFor(fields),
    ...(proto !== undefined && { proto }),
    ...(host !== undefined && isAuthority(host) && { host }),
  };
}
