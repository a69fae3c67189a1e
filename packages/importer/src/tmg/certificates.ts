// Room: certificates, which an export names and does not hold: where each is to be put as a PFX. Pure.
import { remark } from '../ledger.ts';
import { property, type TmgRecord } from './records.ts';

/** Says where the certificates of a listener are to be put. */
export function tellCertificates(record: TmgRecord): void {
  const certificates = property(record, 'AppliedSSLCertificates');
  if (certificates === undefined) return;
  remark(certificates.entry, 'untranslated', 'TMG_CERTIFICATE', 'the certificate is in the store of Windows', {
    hint: `Export it with its key as PFX to ${certificatesOf(record).join(', the next to ')}.`,
  });
}

/** Where the certificates of a listener are to be put: one file each, the first for clients that name no host. */
export function certificatesOf(record: TmgRecord): string[] {
  const { element } = property(record, 'AppliedSSLCertificates') ?? {};
  const count = Math.max(1, element?.children.filter(({ children }) => children.length > 0).length ?? 0);
  return Array.from({ length: count }, (_, index) => certificateFile(record, index === 0 ? '' : `-${index + 1}`));
}

/** Where the PFX of a listener or rule is to be put. */
export function certificateFile({ word }: TmgRecord, suffix: string): string {
  return `/etc/outrigger/${word}${suffix}.pfx`;
}
