// Room: what single lines make Apache do to whatever goes through it, and Outrigger does not do; and what lines of Apache find in requests
// that come through Outrigger. Said at the line, with the requests it concerns, so that `verify` tells it from a fault by that alone.
// Source: httpd 2.4 modules/proxy/mod_proxy_http.c and mod_proxy.c (ProxyVia, ProxyMaxForwards), modules/http/http_filters.c
// (AddDefaultCharset, by ap_make_content_type).
import type { Condition } from '@outrigger/rules';
import type { ImportCode } from '../codes.ts';
import { type LedgerEntry, type Remark, remark } from '../ledger.ts';
import { type AskedRequest, type LineDifference, lineDifferences } from '../squid/differences.ts';
import type { ApacheSign } from './differences.ts';
import type { Server, Servers } from './servers.ts';
import { everyNode, inherited } from './settings.ts';
import type { ConfigNode, ConfigTree, Section } from './tree.ts';

type NotDone = { code: ImportCode; without: RegExp; message: string; signs: readonly ApacheSign[] };

/** By name in lower case. `without`: values with which Apache does nothing either. */
const NOT_DONE: Readonly<Record<string, NotDone>> = {
  proxyvia: {
    code: 'APACHE_VIA',
    without: /^off$/i,
    message:
      'on paths that moved Via is neither written nor taken away: IIS and nginx compress nothing for a request that has one',
    signs: [
      { kind: 'field', names: ['via'] },
      { kind: 'answer', names: ['via'] },
    ],
  },
  proxymaxforwards: {
    code: 'APACHE_MAX_FORWARDS',
    without: /^-/,
    message: 'on paths that moved Max-Forwards is not written, and passes as the client sent it',
    signs: [{ kind: 'field', names: ['max-forwards'] }],
  },
  adddefaultcharset: {
    code: 'APACHE_CHARSET',
    without: /^off$/i,
    message: 'on paths that moved text/html and text/plain go without a charset where the server names none',
    signs: [
      { kind: 'answer', names: ['content-type'], alike: (theirs, ours) => theirs.startsWith(`${ours}; charset=`) },
    ],
  },
};

/** Says it of the lines that hold for a path that moved. `concerns`: its requests. */
export function remarkNotDone(
  servers: Servers,
  server: Server,
  sections: readonly Section[],
  concerns: Condition,
): void {
  for (const [key, { code, without, message }] of Object.entries(NOT_DONE)) {
    const line = inherited(servers, server, key, sections).at(-1);
    if (line === undefined || without.test(line.words[0]?.text ?? '')) continue;
    const said = line.entry.remarks.find((each) => each.code === code);
    if (said === undefined) remark(line.entry, 'approximated', code, message, { severity: 'note', concerns });
    else widen(said, concerns);
  }
}

function widen(said: Remark, concerns: Condition): void {
  const { any = [said.concerns ?? {}], ...rest } = said.concerns ?? {};
  said.concerns = { any: [...(Object.keys(rest).length === 0 ? any : [said.concerns ?? {}]), concerns] };
}

/** Fields of Outrigger's own that a line may ask for, in the spellings of RewriteCond and expressions, and of SetEnvIf. */
const ASKS_FORWARDED =
  /%\{HTTP:X-Forwarded-(?:Proto|Host)\}|\bHTTP_X_FORWARDED_(?:PROTO|HOST)\b|req(?:_novary)?\(\s*['"]X-Forwarded-(?:Proto|Host)/i;

/** Says of each line that asks for X-Forwarded-Proto or -Host what it will find there. */
export function remarkForwarded(tree: ConfigTree): void {
  const message =
    'it asks for a field that Outrigger sends: behind it X-Forwarded-Proto is https for every request, and X-Forwarded-Host the Host';
  for (const node of everyNode(tree.nodes))
    if (asksForwarded(node)) remark(node.entry, 'approximated', 'APACHE_SEES_FORWARDED', message, { concerns: {} });
}

function asksForwarded({ key, rest, words }: ConfigNode): boolean {
  if (/^(?:logformat|customlog|errorlogformat)$/.test(key)) return false;
  if (/^setenvif(?:nocase)?$/.test(key)) return /^X-Forwarded-(?:Proto|Host)$/i.test(words[0]?.text ?? '');
  return ASKS_FORWARDED.test(rest);
}

/** The request with what Outrigger would say of it in fields of its own. */
function withForwarded({ fields = [], host }: AskedRequest): Pick<AskedRequest, 'fields'> {
  const kept = fields.filter(([name]) => !/^x-forwarded-(?:proto|host)$/i.test(name));
  return {
    fields: [
      ...kept,
      ['X-Forwarded-Proto', 'https'],
      ...(host === undefined ? [] : [['X-Forwarded-Host', host] as const]),
    ],
  };
}

const LINE_SIGNS: Readonly<Partial<Record<ImportCode, readonly { by: 'request'; sign: ApacheSign }[]>>> = {
  ...Object.fromEntries(
    Object.values(NOT_DONE).map(({ code, signs }) => [code, signs.map((sign) => ({ by: 'request' as const, sign }))]),
  ),
  APACHE_SEES_FORWARDED: [{ by: 'request', sign: { kind: 'respelled', as: withForwarded } }],
};

/** Differences that lines of an Apache configuration make, in its order. */
export function apacheLineDifferences(ledger: readonly LedgerEntry[]): LineDifference[] {
  return lineDifferences(ledger, LINE_SIGNS);
}
