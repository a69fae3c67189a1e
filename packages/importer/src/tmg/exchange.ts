// Room: the signs by which a publishing rule is one for Exchange or RD Gateway: its outer paths. Pure.
import { mappingElements } from './paths.ts';
import type { TmgRecord } from './records.ts';
import { childOf } from './xml.ts';

/** Paths behind which Exchange or RD Gateway answers, each with a login of its own. */
const ASKS_ITSELF =
  /^\/(?:rpc(?:withcert)?|owa|ecp|ews|mapi|oab|autodiscover|microsoft-server-activesync|exchange|exchweb|public|unifiedmessaging|rdweb|remotedesktopgateway)(?:\/|$)/i;
/** Those of them that name the server as one to which RPC may be tunnelled: `public` and `exchange` are words of other sites, too. */
const TUNNELLED =
  /^\/(?:rpc(?:withcert)?|owa|ecp|ews|mapi|oab|autodiscover|microsoft-server-activesync|rdweb|remotedesktopgateway)(?:\/|$)/i;

/** `isAny`: a path of it is surely one of Exchange or RD Gateway. `isAll`: so is each other, or of its older versions. */
export function pathsOfExchange(rule: TmgRecord): { isAny: boolean; isAll: boolean } {
  const paths = mappingElements(rule).map(
    (mapping) => childOf(mapping, 'ExternalPath')?.text || childOf(mapping, 'InternalPath')?.text || '',
  );
  const isAny = paths.some((path) => TUNNELLED.test(path));
  return { isAny, isAll: isAny && paths.every((path) => ASKS_ITSELF.test(path)) };
}
