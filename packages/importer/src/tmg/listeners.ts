// Room: from web listeners of an export to listeners: addresses, ports, certificates, the way to https. Pure.
import { type Listener, listenerName } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { certificatesOf, tellCertificates } from './certificates.ts';
import { isExternal } from './clients.ts';
import { tellLogins } from './lists.ts';
import { type Export, isOff, isOn, property, type TmgRecord, textOf } from './records.ts';
import { nameOf, referencesOf } from './references.ts';
import { childOf, everyElement } from './xml.ts';

/** A web listener, and the names ours have. */
export type Door = {
  record: TmgRecord;
  listeners: Listener[];
  /** TMG asked for a login here before it looked at any rule. */
  alwaysAsks: boolean;
};

const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[\da-f:]*:[\da-f:]*)$/i;
const PORT_MAX = 65_535;

/** Doors by StorageName, of the listeners that rules use; the others are told as not used. */
export function readDoors(found: Export, used: ReadonlySet<string>): Map<string, Door> {
  const doors = new Map<string, Door>();
  const taken: string[] = [];
  for (const record of found.listeners) {
    const asks = tellLogins(record, found);
    tellCertificates(record);
    if (used.has(record.element.id)) doors.set(record.element.id, readDoor(record, found, taken, asks));
    else remark(record.entry, 'irrelevant', 'TMG_NOT_USED', 'no publishing rule that is enabled uses it');
  }
  return doors;
}

function readDoor(record: TmgRecord, found: Export, taken: string[], asks: boolean): Door {
  const door: Door = { record, listeners: [], alwaysAsks: isOn(textOf(record, 'AlwaysAuthenticate')) };
  const addresses = addressesOf(record, found);
  if (addresses === undefined) return door;
  const redirect = textOf(record, 'RedirectHTTPAsHTTPS');
  const [tls, plain] = [portOf(record, 'SSLPort'), portOf(record, 'TCPPort')];
  // A listener that says it has no TLS leads nobody there.
  const isPlain = isOff(redirect) || (redirect === '' && isOff(textOf(record, 'SSLPort')));
  for (const address of addresses) {
    if (tls !== undefined)
      open(door, taken, `${address}:${tls}`, {
        tls: { certificates: certificatesOf(record).map((pkcs12) => ({ pkcs12 })) },
      });
    if (plain !== undefined) open(door, taken, `${address}:${plain}`, isPlain ? {} : { redirect: 'https' });
  }
  if (tls === undefined && plain === undefined)
    remark(record.entry, 'untranslated', 'TMG_LISTENER', 'no port of it could be read: it gets no listener');
  if (door.listeners.length > 0)
    remark(record.entry, 'translated', 'TMG_CARRIED', `listener ${door.listeners.map(listenerName).join(', ')}`);
  if (door.listeners.some((listener) => listener.redirect !== undefined)) tellRedirect(record, redirect, asks);
  return door;
}

function open(door: Door, taken: string[], address: string, rest: Partial<Listener>): void {
  const { record } = door;
  const isTaken = taken.some(
    (each) => each === address || (portIn(each) === portIn(address) && /\*/.test(each + address)),
  );
  if (isTaken) {
    remark(record.entry, 'untranslated', 'TMG_LISTENER', `${address} is taken by a listener before it`, {
      hint: 'Give it an address of its own.',
    });
    return;
  }
  taken.push(address);
  door.listeners.push({ address, ...rest, from: [record.at] });
}

function portIn(address: string): string {
  return address.slice(address.lastIndexOf(':'));
}

/** Undefined where it says none, or 0, which is none (SDK, SSLPort). */
function portOf(record: TmgRecord, name: string): number | undefined {
  const port = Number(textOf(record, name));
  return Number.isInteger(port) && port >= 1 && port <= PORT_MAX ? port : undefined;
}

/** What RedirectHTTPAsHTTPS says (SDK, FpcRedirectHTTPAsHTTPS), where the plain port redirects. */
function tellRedirect(record: TmgRecord, redirect: string, asks: boolean): void {
  if (redirect === '')
    remark(
      record.entry,
      'untranslated',
      'TMG_ABSENT',
      'the export does not say its RedirectHTTPAsHTTPS: whether it let in without TLS is unknown; its plain port only redirects',
      { hint: 'If it did, write RedirectHTTPAsHTTPS 0.' },
    );
  else if (redirect === '1' && !asks)
    remark(
      record.entry,
      'approximated',
      'TMG_LISTENER',
      'TMG redirected to https only where it asked for a login; now every request to the plain port is redirected',
    );
}

/** Values of IPSelectionMethod (SDK, FpcIpSelectionMethods). */
const SPECIFIED = '2';

/** Addresses as a rules file writes them; undefined, and told, where there are none to listen on. */
function addressesOf(record: TmgRecord, found: Export): string[] | undefined {
  const lists = property(record, 'IPsOnNetworks')?.element.children ?? [];
  const given: string[] = [...(property(record, 'IPAddresses')?.values ?? [])];
  const refused: string[] = [];
  let everywhere = '';
  for (const list of lists) {
    const method = childOf(list, 'IPSelectionMethod')?.text ?? '';
    const [network] = referencesOf(list).filter(({ isText }) => !isText);
    const name = network === undefined ? 'a network' : nameOf(found.named, network);
    const texts = [...everyElement(list)].filter((each) => each.name === 'Str').map(({ text }) => text);
    if (method === SPECIFIED || texts.length > 0) given.push(...texts);
    else if (network !== undefined && isExternal(found.named.get(network.id))) everywhere = name;
    else refused.push(name);
  }
  if (refused.length > 0)
    remark(
      record.entry,
      'untranslated',
      'TMG_LISTENER',
      `it listened on all addresses that TMG had in ${refused.join(', ')}, which this host cannot know`,
      { hint: 'If they are wanted, write a listener on the address of this host there.' },
    );
  if (everywhere !== '') {
    remark(
      record.entry,
      'approximated',
      'TMG_LISTENER',
      `it listened on all addresses that TMG had in ${everywhere}; this host listens on all of its own`,
      { hint: 'Write the outer address of this host in place of *.' },
    );
    return ['*'];
  }
  const addresses = given.filter((each) => ADDRESS.test(each)).map((each) => (each.includes(':') ? `[${each}]` : each));
  if (given.length > addresses.length) {
    remark(record.entry, 'malformed', 'TMG_BAD_VALUE', 'an address of it is none: it gets no listener');
    return undefined;
  }
  if (given.length === 0) {
    if (refused.length === 0)
      remark(
        record.entry,
        'untranslated',
        'TMG_ABSENT',
        'the export does not say its IPAddresses: it gets no listener',
        {
          hint: 'Name them; if on every address, write IPAddresses with a Str 0.0.0.0.',
        },
      );
    return undefined;
  }
  return [...new Set(addresses)];
}
