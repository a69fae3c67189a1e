// Room: settings of web filters that a rule holds, each under the identifier of its filter (SDK, FPCVendorParametersSet): the HTTP filter,
// link translation, Front-End-Https. Identifiers are those that public programs use. Pure.
import type { Condition } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { readHttpPolicy } from './httppolicy.ts';
import type { Property, TmgRecord } from './records.ts';
import { everyElement } from './xml.ts';

/** What the filters of a rule come to. */
export type WebFilters = {
  /** Requests the HTTP filter refused, each with the property that says so. */
  refusals: { when: Condition; property: Property }[];
  serverHeader: 'remove' | { set: string } | undefined;
  addsFrontEndHttps: boolean;
};

const HTTP_FILTER = /^\{f1076e51-bbaf-48ba-a2d7-b0875211e80d\}$/i;
const LINK_TRANSLATION = /^\{3563fff5-df93-40eb-abc3-d24b5f14d8aa\}$/i;
const FRONT_END = /^\{5e302ed5-f5d5-4fad-9b8a-01c72e1569f3\}$/i;
const FRONT_END_PARAMETER = 'AddHttpsFrontEndOn';

/** Reads the filters of a rule and tells what becomes of each. Bars the rule where the HTTP filter cannot be read. */
export function readWebFilters(rule: TmgRecord): WebFilters {
  const filters: WebFilters = { refusals: [], serverHeader: undefined, addsFrontEndHttps: false };
  for (const set of rule.properties.filter(({ element }) => element.name === 'VendorParametersSet')) {
    const { element, entry } = set;
    if (HTTP_FILTER.test(element.id)) readHttpFilter(rule, set, filters);
    else if (LINK_TRANSLATION.test(element.id))
      remark(
        entry,
        'untranslated',
        'TMG_LINK_TRANSLATION',
        'its mappings of links are not made: answers go out as the server wrote them',
        {
          hint: 'Set the public URL on the server itself: alternate access mappings on SharePoint, external URLs on Exchange.',
        },
      );
    else if (FRONT_END.test(element.id) && textsOf(set).includes(FRONT_END_PARAMETER)) {
      filters.addsFrontEndHttps = true;
      remark(entry, 'translated', 'TMG_CARRIED', 'frontEndHttps of the upstream');
    } else
      remark(
        entry,
        'unknown',
        'TMG_UNKNOWN',
        `the web filter ${element.id} is none this importer knows; nothing was made of it`,
        {
          hint: 'Look up what it restricts before you go over.',
        },
      );
  }
  return filters;
}

/** Names and values of a set, whichever way an export holds them. */
function textsOf({ element }: Property): string[] {
  return [...everyElement(element)].flatMap(({ id, text }) => [id, text]);
}

function readHttpFilter(rule: TmgRecord, set: Property, filters: WebFilters): void {
  const text = textsOf(set).find((each) => /^\s*<Configuration\b/.test(each));
  const policy =
    text === undefined ? ({ kind: 'unreadable', message: 'it holds no policy' } as const) : readHttpPolicy(text);
  if (policy.kind === 'unreadable') {
    rule.bars.push('its HTTP filter cannot be read');
    remark(
      set.entry,
      'untranslated',
      'TMG_HTTP_FILTER',
      `the policy of the HTTP filter is not read: ${policy.message}`,
      {
        hint: 'Take the filter off the rule and export again, or write the rule by hand.',
      },
    );
    return;
  }
  const { refusals, serverHeader } = policy;
  for (const { what, when, isNear } of refusals) {
    if (when !== undefined) filters.refusals.push({ when, property: set });
    if (when === undefined && isNear)
      remark(
        set.entry,
        'approximated',
        'TMG_HTTP_FILTER',
        `TMG refused ${what}; Outrigger has limits.requestLine for all rules`,
      );
    else if (when === undefined)
      remark(set.entry, 'untranslated', 'TMG_HTTP_FILTER', `TMG refused ${what}; Outrigger lets them pass`, {
        hint: 'See that the server looks after it.',
      });
    else if (isNear)
      remark(set.entry, 'approximated', 'TMG_HTTP_FILTER', `denied: ${what}, counted as the server behind reads them`);
    else remark(set.entry, 'translated', 'TMG_HTTP_FILTER', `denied: ${what}`);
  }
  if (serverHeader !== undefined) {
    filters.serverHeader = serverHeader;
    remark(set.entry, 'translated', 'TMG_HTTP_FILTER', 'the field Server of answers is changed as it says');
  }
  if (refusals.length === 0 && serverHeader === undefined)
    remark(set.entry, 'irrelevant', 'TMG_OPERATION', 'its HTTP filter refuses nothing');
}
