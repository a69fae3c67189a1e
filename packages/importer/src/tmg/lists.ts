// Room: lists of a rule whose meaning depends on what they refer to: from where, who and when somebody may ask. What no rule can say bars
// its rule. Pure.
import { remark } from '../ledger.ts';
import { clientList } from './addresses.ts';
import { certificateFile } from './certificates.ts';
import { type Clients, clientsOf } from './clients.ts';
import { pathsOfExchange } from './exchange.ts';
import { LOGINS } from './properties.ts';
import { DENY, type Export, isOff, isOn, ownText, type Property, property, type TmgRecord } from './records.ts';
import { nameOf } from './references.ts';

/** Lists of these that are empty say nothing; the entry of the rule says what comes of it. */
const EMPTY = 'it names nothing, so it counts as absent';

/** What is to be written in place of a list that cannot be said, where everybody was meant. */
const EVERYBODY_TEXT: Readonly<Record<string, string>> = { UserSets: 'All Users', SelectionIPs: 'Anywhere' };

/** What is to be done about clients that a denial no longer names. */
export const WRITE_ADDRESSES = {
  hint: 'Where they come from somewhere else now, write its addresses into the deny line.',
};

/** The clients of a rule: none of a denial that denies nobody; undefined where every one may ask, or nothing of it can be said, which bars the rule. */
export function tellLists(rule: TmgRecord, found: Export): string[] | undefined {
  const certificate = property(rule, 'SSLClientCertificate');
  if (certificate !== undefined)
    remark(
      certificate.entry,
      'untranslated',
      'TMG_CERTIFICATE',
      'the certificate that servers are shown is in the store of Windows',
      {
        hint: `Export it with its key as PFX to ${certificateFile(rule, '-client')}.`,
      },
    );
  const users = property(rule, 'UserSets');
  if (users !== undefined) tellUsers(rule, users, found);
  const schedule = property(rule, 'ScheduleUsed');
  if (schedule !== undefined) tellSchedule(rule, schedule, found);
  const sources = property(rule, 'SelectionIPs');
  return sources === undefined ? undefined : tellSources(rule, sources, found);
}

function tellSources(rule: TmgRecord, { entry, references, element }: Property, found: Export): string[] | undefined {
  if (references.length === 0) {
    remark(entry, 'untranslated', 'TMG_ABSENT', EMPTY);
    return undefined;
  }
  const clients = clientsOf(found.named, references);
  if (clients.unsaid.length > 0) {
    bar(rule, element.name, entry, clients);
    return undefined;
  }
  const { addresses, missing } = clients;
  const isDenied = ownText(rule, 'Action') === DENY;
  if (isDenied && addresses.length === 0 && missing.length === 0) {
    remark(entry, 'irrelevant', 'TMG_OPERATION', 'nobody is left of it: nobody was denied anything');
    return [];
  }
  if (addresses.length === 0) {
    rule.bars.push(`${element.name} leaves nobody`);
    const left = missing.length === 0 ? 'nobody is left of it' : `no addresses are known of ${missing.join(', ')}`;
    remark(entry, 'untranslated', 'TMG_RESTRICTION', left);
    return undefined;
  }
  const list = clientList(addresses);
  if (missing.length > 0 && list !== undefined) tellMissing(entry, missing, isDenied);
  remark(entry, 'translated', 'TMG_CARRIED', list === undefined ? 'everybody' : `clients ${list.join(', ')}`);
  return list;
}

function tellMissing(entry: Property['entry'], missing: readonly string[], isDenied: boolean): void {
  const whom = `clients of ${missing.join(', ')}`;
  if (isDenied)
    remark(
      entry,
      'untranslated',
      'TMG_RESTRICTION',
      `${whom} are not denied: only TMG knew their addresses`,
      WRITE_ADDRESSES,
    );
  else remark(entry, 'approximated', 'TMG_RESTRICTION', `${whom} are not let in: only TMG knew their addresses`);
}

function bar(rule: TmgRecord, name: string, entry: Property['entry'], { unsaid, isAbsent }: Clients): void {
  const shown = unsaid.join(', ');
  rule.bars.push(`${name} cannot be said`);
  if (isAbsent)
    remark(entry, 'untranslated', 'TMG_ABSENT', `${shown}: not all of it is in the export, so it lets nobody in`, {
      hint: `Export the whole array, or, if everybody was meant, write a Str ${EVERYBODY_TEXT[name]} in its place.`,
    });
  else
    remark(entry, 'untranslated', 'TMG_RESTRICTION', `only ${shown} got in, which no rule can say`, {
      hint: 'Write the rule by hand, with clients where they are addresses.',
    });
}

/** Everybody who has some account: what the server behind asks for, where it is Exchange. */
const ANY_ACCOUNT = /^All Authenticated Users$/i;

function tellUsers(rule: TmgRecord, { entry, references, element }: Property, found: Export): void {
  const names = references.map((each) => nameOf(found.named, each));
  if (references.length === 0) {
    remark(entry, 'untranslated', 'TMG_ABSENT', EMPTY);
    return;
  }
  const isSet = references.map(({ id, isText }) => isText || found.named.get(id)?.name === 'UserSet');
  const isPlain = isSet.every(Boolean) && references.every(({ isExcluded }) => !isExcluded);
  if (isPlain && names.some((name) => /^All Users$/i.test(name)))
    remark(entry, 'translated', 'TMG_CARRIED', 'everybody');
  else if (isPlain && names.some((name) => ANY_ACCOUNT.test(name)) && pathsOfExchange(rule).isAll)
    remark(
      entry,
      'untranslated',
      'TMG_PRE_AUTHENTICATION',
      `SECURITY: TMG let in ${names.join(', ')} and asked for the login itself; now whoever connects reaches the logins of Exchange, which must ask on every path`,
      {
        hint: 'Switch on Basic, NTLM or Negotiate on the virtual directories, and forms on owa and ecp; see that accounts are locked after wrong passwords.',
      },
    );
  else
    bar(rule, element.name, entry, {
      addresses: [],
      missing: [],
      unsaid: names.map((name) => name || 'nothing'),
      isAbsent: references.some(({ id, isText }) => !isText && !found.named.has(id)),
    });
}

function tellSchedule(rule: TmgRecord, { entry, references, element }: Property, found: Export): void {
  const names = references.map((each) => nameOf(found.named, each));
  if (names.length > 0 && names.every((name) => name === 'Always'))
    remark(entry, 'irrelevant', 'TMG_OPERATION', 'asks for nothing');
  else {
    rule.bars.push(`${element.name} cannot be said`);
    remark(
      entry,
      'untranslated',
      'TMG_RESTRICTION',
      'a schedule has no counterpart, and without it the rule would hold at all times',
      { hint: 'Write time into the conditions of the rule by hand.' },
    );
  }
}

/** Says what becomes of the logins of a listener. True where it asks for one. */
export function tellLogins(listener: TmgRecord, found: Export): boolean {
  const schemes = property(listener, 'AuthenticationSchemes');
  const names = (schemes?.references ?? []).map((each) => nameOf(found.named, each));
  const wanted = names.filter((name) => !/^(?:0|None|No authentication)$/i.test(name));
  if (schemes !== undefined) {
    if (names.length === 0) remark(schemes.entry, 'untranslated', 'TMG_ABSENT', EMPTY);
    else if (wanted.length === 0) remark(schemes.entry, 'translated', 'TMG_CARRIED', 'no login at the listener');
    else tellLogin(schemes.entry, wanted.join(', '));
  }
  const switches = LOGINS.flatMap((name) => property(listener, name) ?? []);
  for (const { entry, values, element } of switches) {
    if (isOff(values[0] ?? '')) remark(entry, 'irrelevant', 'TMG_OPERATION', 'asks for nothing');
    else tellLogin(entry, element.name);
  }
  if (names.length === 0 && switches.length === 0)
    remark(
      listener.entry,
      'untranslated',
      'TMG_ABSENT',
      'the export does not say its AuthenticationSchemes: whether TMG asked for a login is unknown; Outrigger asks for none',
      { hint: 'Make sure that every server asks for a login itself, and locks out who guesses.' },
    );
  return wanted.length > 0 || switches.some(({ values }) => isOn(values[0] ?? ''));
}

function tellLogin(entry: Property['entry'], way: string): void {
  remark(
    entry,
    'untranslated',
    'TMG_PRE_AUTHENTICATION',
    `SECURITY: TMG let nobody reach a server before a login (${way}); Outrigger asks for none, so whoever reaches the listener reaches the logins of the servers behind it`,
    { hint: 'Make sure that every server asks for a login itself, and locks out who guesses.' },
  );
}
