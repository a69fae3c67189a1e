// Room: one publishing rule as far as it can be said: its listeners, hosts, paths, clients, filters, and what bars it. Pure.
import type { Listener } from '@outrigger/rules';
import { tellAbsences } from './absences.ts';
import { pathsOfExchange } from './exchange.ts';
import type { Door } from './listeners.ts';
import { tellLists } from './lists.ts';
import { type Mapping, mappingsOf } from './paths.ts';
import { DENY, type Export, isOn, ownText, property, type TmgRecord, textOf } from './records.ts';
import { listenersUsed } from './servers.ts';
import { readWebFilters, type WebFilters } from './webfilters.ts';

/** A publishing rule as far as it can be said; `mappings` undefined where they cannot. */
export type Reading = {
  isDenied: boolean;
  used: Door[];
  /** Those of its listeners that take requests. */
  listeners: Listener[];
  hosts: string[];
  mappings: Mapping[] | undefined;
  /** Undefined where every one may ask. */
  clients: string[] | undefined;
  filters: WebFilters;
  bars: string[];
};

/** Reads the rule and tells what becomes of its lists and filters, and what it does not say. */
export function readRule(rule: TmgRecord, found: Export, doors: ReadonlyMap<string, Door>): Reading {
  const clients = tellLists(rule, found);
  const filters = readWebFilters(rule);
  tellAbsences(rule);
  const used = [...new Set(listenersUsed(rule))].flatMap((ref) => doors.get(ref) ?? []);
  if (used.some(({ alwaysAsks }) => alwaysAsks) && !pathsOfExchange(rule).isAll)
    rule.bars.push('its listener always asks for a login first');
  const names = isOn(textOf(rule, 'AllPublicNames')) ? ['*'] : (property(rule, 'PublicNames')?.values ?? []);
  return {
    isDenied: ownText(rule, 'Action') === DENY,
    used,
    listeners: used.flatMap((door) => door.listeners).filter(({ redirect }) => redirect === undefined),
    hosts: names.includes('*') ? [] : names,
    mappings: mappingsOf(rule),
    clients,
    filters,
    bars: [...rule.bars, ...used.flatMap(({ record }) => record.bars)],
  };
}
