// Room: lists whose meaning depends on what they refer to: who may ask, logins, certificates. What no rule can say bars its rule. Pure.
import { remark } from '../ledger.ts';
import type { Export, TmgRecord } from './records.ts';
import { childOf, everyElement } from './xml.ts';

export const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[\da-f:]*:[\da-f:]*)$/i;
const EVERYBODY = /^(?:Anywhere|All Networks|All Users|All Networks \(and Local Host\))$/i;

/** Lists of these that are empty say nothing; the entry of the rule or listener says what comes of it. */
const ABSENT_WHERE_EMPTY = new Set(['SelectionIPs', 'UserSets', 'AuthenticationSchemes']);

/** What is said of lists whose meaning depends on what they refer to. */
export function tellLists(record: TmgRecord, found: Export): void {
  for (const { element, entry, refs, values } of record.properties) {
    const names = refs.length > 0 ? refs.map((ref) => nameOf(found, ref)) : values;
    const shown = names.join(', ');
    if (names.length === 0 && ABSENT_WHERE_EMPTY.has(element.name))
      remark(entry, 'untranslated', 'TMG_ABSENT', 'it names nothing, so it counts as absent');
    else if (element.name === 'AppliedSSLCertificates')
      remark(entry, 'untranslated', 'TMG_CERTIFICATE', 'the certificate is in the store of Windows', {
        hint: `Export it with its key as PFX to ${certificateOf(record)}.`,
      });
    else if (element.name === 'AuthenticationSchemes') {
      if (isPreAuthenticated(names))
        remark(
          entry,
          'untranslated',
          'TMG_PRE_AUTHENTICATION',
          `SECURITY: TMG let nobody reach a server before a login (${shown}); Outrigger asks for none, so whoever reaches the listener reaches the logins of the servers behind it`,
          { hint: 'Make sure that every server asks for a login itself, and locks out who guesses.' },
        );
      else remark(entry, 'translated', 'TMG_CARRIED', 'no login at the listener');
    } else if (element.name === 'SelectionIPs' || element.name === 'UserSets') {
      const hasExceptions = [...everyElement(element)].some(({ name }) => /exce|exclu/i.test(name));
      if (!hasExceptions && names.every((name) => EVERYBODY.test(name)))
        remark(entry, 'translated', 'TMG_CARRIED', 'everybody');
      else if (!hasExceptions && element.name === 'SelectionIPs' && clientsOf(found, refs) !== undefined)
        remark(entry, 'translated', 'TMG_CARRIED', 'the clients of the rule');
      else {
        record.bars.push(`${element.name} cannot be said`);
        if (refs.some((ref) => !found.named.has(ref)))
          remark(
            entry,
            'untranslated',
            'TMG_ABSENT',
            `${shown}: not all of it is in the export, so it lets nobody in`,
            {
              hint: `If everybody was meant, write a Str ${element.name === 'UserSets' ? 'All Users' : 'Anywhere'} in its place.`,
            },
          );
        else
          remark(entry, 'untranslated', 'TMG_RESTRICTION', `only ${shown} got in, which no rule can say`, {
            hint: 'Write the rule by hand, with clients where they are addresses.',
          });
      }
    }
  }
}

function isPreAuthenticated(names: readonly string[]): boolean {
  return names.some((name) => !/^(?:0|None|No authentication)$/i.test(name));
}

function nameOf({ named }: Export, ref: string): string {
  return childOf(named.get(ref), 'Name')?.text ?? ref;
}

/** Addresses behind references to computers and address ranges; undefined where one of them is anything else. */
export function clientsOf({ named }: Export, refs: readonly string[]): string[] | undefined {
  const clients = refs.map((ref) => {
    const element = named.get(ref);
    const [one, from, to] = ['IPAddress', 'IP_From', 'IP_To'].map((name) => childOf(element, name)?.text ?? '');
    if (element?.name === 'Computer' && ADDRESS.test(one ?? '')) return one;
    if (element?.name === 'AddressRange' && ADDRESS.test(from ?? '') && ADDRESS.test(to ?? '')) return `${from}-${to}`;
    return undefined;
  });
  return clients.length > 0 && clients.every((each) => each !== undefined) ? clients : undefined;
}

export function certificateOf({ name }: TmgRecord): string {
  return `/etc/outrigger/${name.replace(/[^A-Za-z0-9]+/g, '-').toLowerCase() || 'listener'}.pfx`;
}
