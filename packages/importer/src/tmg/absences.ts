// Room: what is made of what an export does not say. The SDK gives defaults, but no public export shows which of them are written, so
// nothing absent is taken for everybody, everywhere or always: the rule lets nobody in, and its entry says what to write. Pure.
import { remark } from '../ledger.ts';
import { mappingElements } from './paths.ts';
import { ALLOW, DENY, isOn, ownText, property, type TmgRecord, textOf, WEB_PUBLISHING } from './records.ts';
import { childOf } from './xml.ts';

/** `name`: of the element; `unknown`: what cannot be known without it; `write`: what to write where the usual was meant. */
type AbsenceRow = { name: string; isSaid: (rule: TmgRecord) => boolean; unknown: string; write: string };

const hasValues = (rule: TmgRecord, name: string): boolean => (property(rule, name)?.values.length ?? 0) > 0;

/**
 * What a publishing rule must say. Not here, because absent is how TMG keeps their absence: ScheduleUsed (Always is no schedule of its
 * own), client certificates and the HTTP filter, which somebody has to switch on; and unknown names.
 */
const ABSENCES: readonly AbsenceRow[] = [
  {
    name: 'Type',
    isSaid: (rule) => ownText(rule, 'Type') === WEB_PUBLISHING,
    unknown: 'whether it publishes a web site',
    write: 'If it does, write Type 2.',
  },
  {
    name: 'Enabled',
    isSaid: (rule) => isOn(ownText(rule, 'Enabled')),
    unknown: 'whether it was in force',
    write: 'If it was, write Enabled 1.',
  },
  {
    name: 'Action',
    isSaid: (rule) => [ALLOW, DENY].includes(ownText(rule, 'Action')),
    unknown: 'whether it allowed or denied',
    write: 'If it allowed, write Action 0.',
  },
  {
    name: 'Order',
    isSaid: (rule) => rule.place !== undefined,
    unknown: 'which rules it went before',
    write: 'Until then it stands before all others. Write Order, its number in the list of rules, as an int.',
  },
  {
    name: 'SelectionIPs',
    isSaid: (rule) => childOf(rule.element, 'SelectionIPs') !== undefined && hasValues(rule, 'SelectionIPs'),
    unknown: 'from which networks it let in',
    write: 'If from everywhere, write SelectionIPs with a Str Anywhere.',
  },
  {
    name: 'UserSets',
    isSaid: (rule) => hasValues(rule, 'UserSets'),
    unknown: 'whom it let in',
    write: 'If everybody, write UserSets with a Str All Users.',
  },
  {
    name: 'PublicNames',
    isSaid: (rule) => hasValues(rule, 'PublicNames') || isOn(textOf(rule, 'AllPublicNames')),
    unknown: 'for which hosts it was',
    write: 'Name them; if for every host, write AllPublicNames 1.',
  },
  {
    name: 'PathMappings',
    isSaid: (rule) => mappingElements(rule).length > 0,
    unknown: 'for which paths it was',
    write: 'If for every path, write a PathMapping with ExternalPath and InternalPath /*.',
  },
  {
    name: 'WebListenerUsed',
    isSaid: (rule) => hasValues(rule, 'WebListenerUsed'),
    unknown: 'at which listener it was',
    write: 'Write WebListenerUsed with a Ref to the listener.',
  },
];

/** Bars the rule for each thing it must say and does not. */
export function tellAbsences(rule: TmgRecord): void {
  const then = ownText(rule, 'Action') === DENY ? 'it denies as widely as it can be said' : 'it lets nobody in';
  for (const { name, isSaid, unknown, write } of ABSENCES) {
    if (isSaid(rule)) continue;
    rule.bars.push(`${name} is absent`);
    remark(
      rule.entry,
      'untranslated',
      'TMG_ABSENT',
      `the export does not say its ${name}: ${unknown} is unknown; ${then}`,
      {
        hint: write,
      },
    );
  }
}
