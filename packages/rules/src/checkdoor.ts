// Room: what a rules file can get wrong about its front door: whom it believes, where it redirects to.

import { type AddressRange, parseAddressRange } from './address.ts';
import type { Report } from './check.ts';
import { checkPassThrough } from './checkpassthrough.ts';
import type { DocumentPath } from './positions.ts';
import type { RuleSet } from './schema.ts';
import type { CertificateFiles } from './tls.ts';

/** Findings about trusted peers and listeners. */
export function checkFrontDoor(rules: RuleSet, report: Report): void {
  checkPeers(rules.trustedProxies, ['trustedProxies'], report);
  rules.listen.forEach((listener, index) => {
    const { proxyProtocol, proxyProtocolOnly, redirect, tls } = listener;
    if (proxyProtocolOnly !== undefined && proxyProtocol === undefined) {
      const hint = 'Name the load balancers in proxyProtocol, or leave it out.';
      const message = 'nobody is let in: there is no proxyProtocol that says who may connect';
      report('error', 'RULES_BAD_CLIENTS', ['listen', index, 'proxyProtocolOnly'], message, hint);
    }
    checkPassThrough(listener, ['listen', index, 'passThrough'], rules, report);
    checkPeers(proxyProtocol, ['listen', index, 'proxyProtocol'], report);
    if (tls?.clientCertificates !== undefined) checkNoPkcs12(tls.certificates, ['listen', index, 'tls'], report);
    if (redirect === undefined) return;
    const place = ['listen', index, 'redirect'] as const;
    if (tls !== undefined) {
      const hint = 'Put redirect on the listener without tls, on port 80.';
      report('error', 'RULES_BAD_REDIRECT', place, 'this listener is https itself: it would redirect for ever', hint);
    } else if (rules.listen.every((listener) => listener.tls === undefined)) {
      const hint = 'Give a listener tls, or leave redirect out.';
      report('error', 'RULES_BAD_REDIRECT', place, 'there is no listener with tls to redirect to', hint);
    }
  });
}

function checkPeers(entries: readonly string[] | undefined, path: DocumentPath, report: Report): void {
  entries?.forEach((entry, index) => {
    const range = parseAddressRange(entry);
    if (range === undefined) {
      const message = `${entry} is not an address, a CIDR block or first-last`;
      report('error', 'RULES_BAD_CLIENTS', [...path, index], message);
    } else if (isEverybody(range)) {
      report(
        'warning',
        'RULES_TRUSTS_EVERYBODY',
        [...path, index],
        `${entry} trusts everybody: any client may claim any address, and clients conditions and the log believe it`,
        'Name the addresses of the proxies in front.',
      );
    }
  });
}

/** OpenSSL trusts the authorities inside a PKCS#12 file, so clients of the public authority that signed the listener's own would get in. */
function checkNoPkcs12(certificates: readonly CertificateFiles[], path: DocumentPath, report: Report): void {
  certificates.forEach((files, index) => {
    if (!('pkcs12' in files)) return;
    report(
      'error',
      'RULES_PKCS12_TRUST',
      [...path, 'certificates', index, 'pkcs12'],
      'authorities inside this file would be trusted for clientCertificates, too',
      'Convert it to PEM: openssl pkcs12 -in FILE -out cert.pem.',
    );
  });
}

/** All of IPv4 (::ffff:0:0/96) is in it. */
function isEverybody({ first, last }: AddressRange): boolean {
  const mapped = 0xffffn << 32n;
  return first <= mapped && last >= mapped + 0xffff_ffffn;
}
