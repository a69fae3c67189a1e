// Room: by what it shows that a path moved without what a line of Apache does there, and what lines of Apache find in requests that come
// through Outrigger: announced at the line, for the requests it concerns, so that `verify` tells it from a fault by that alone.
import { type LedgerEntry, type Remark, remark } from '../ledger.ts';
import type { AskedRequest, LineDifference } from '../squid/differences.ts';
import { type ApacheSign, MAPPED_URLS } from './differences.ts';
import { everyNode } from './settings.ts';
import { isSameUrlElsewhere } from './spellings.ts';
import type { ConfigNode, ConfigTree } from './tree.ts';

const field = (...names: string[]): ApacheSign => ({ kind: 'field', names });
const answer = (...names: string[]): ApacheSign => ({ kind: 'answer', names });
const HTTP_1_0: ApacheSign = { kind: 'version', alike: (theirs) => theirs === '1.0' };
const OF_A_TYPE: readonly ApacheSign[] = [answer('content-type', 'content-encoding', 'content-language')];
const COMPRESSED: readonly ApacheSign[] = [answer('vary', 'content-encoding')];
const CANONICAL: readonly ApacheSign[] = [{ kind: 'answer', names: MAPPED_URLS, alike: isSameUrlElsewhere }];

/** Signs of what effects.ts calls otherwise, by directive in lower case; what is not here no answer shows. */
const SIGNS: Readonly<Record<string, readonly ApacheSign[]>> = {
  addcharset: OF_A_TYPE,
  adddefaultcharset: [
    { kind: 'answer', names: ['content-type'], alike: (theirs, ours) => theirs.startsWith(`${ours}; charset=`) },
  ],
  addencoding: OF_A_TYPE,
  addlanguage: OF_A_TYPE,
  addoutputfilter: COMPRESSED,
  addoutputfilterbytype: COMPRESSED,
  addtype: OF_A_TYPE,
  cookietracking: [{ kind: 'answer', names: ['set-cookie'], alike: (theirs, ours) => theirs.includes(ours) }],
  defaultlanguage: OF_A_TYPE,
  expiresactive: [answer('expires', 'cache-control')],
  forcetype: OF_A_TYPE,
  proxyaddheaders: [
    {
      kind: 'field',
      names: ['x-forwarded-for', 'x-forwarded-host'],
      alike: (theirs, ours) => theirs === '' && ours !== '',
    },
  ],
  proxymaxforwards: [field('max-forwards')],
  proxyvia: [field('via'), answer('via')],
  setenv: [HTTP_1_0],
  setenvif: [HTTP_1_0],
  setenvifexpr: [HTTP_1_0],
  setenvifnocase: [HTTP_1_0],
  setoutputfilter: COMPRESSED,
  // Whom a line refuses besides is told the one or the other.
  traceenable: [{ kind: 'refusal', codes: ['DENIED'], squid: 'denies', of: ({ method }) => method === 'TRACE' }],
  usecanonicalname: CANONICAL,
  usecanonicalphysicalport: CANONICAL,
};

/** Fields of Outrigger's own that a line may ask for, in the spellings of RewriteCond and of expressions. */
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
  const ofHost = host === undefined ? [] : [['X-Forwarded-Host', host] as const];
  return { fields: [...kept, ['X-Forwarded-Proto', 'https'], ...ofHost] };
}

const AS_FORWARDED: ApacheSign = { kind: 'respelled', as: withForwarded };

/** Differences that lines of an Apache configuration make, in its order. */
export function apacheLineDifferences(ledger: readonly LedgerEntry[]): LineDifference[] {
  return ledger.flatMap(({ at, remarks }) =>
    remarks.flatMap((said) => {
      const { code, message: text, concerns } = said;
      if (concerns === undefined) return [];
      return signsOf(at.directive, said).map(
        (sign): LineDifference => ({ code, text, at, sign, by: 'request', concerns }),
      );
    }),
  );
}

function signsOf(directive: string, { code }: Remark): readonly ApacheSign[] {
  if (code === 'APACHE_SEES_FORWARDED') return [AS_FORWARDED];
  const [, key = '', written = ''] = HEADER_LINE.exec(directive) ?? [];
  const name = written.toLowerCase();
  if (/^header$/i.test(key)) return [{ kind: 'answer', names: [name], alike: isSameBeside }];
  // What Apache sends as X-Forwarded-Host is the Host that a line may have changed.
  if (key !== '') return [field(...(name === 'host' ? ['x-forwarded-host'] : [name]))];
  return SIGNS[/^\w*/.exec(directive)?.[0].toLowerCase() ?? ''] ?? [];
}

/** The name of the field that a Header or RequestHeader line is about. */
const HEADER_LINE = /^((?:request)?header)\s+(?:(?:always|onsuccess)\s+)?\w+\s+"?([^\s":]+)/i;

/** The same values in another order (AP-121); or the Server that Apache puts in the place of one that a line took away. */
function isSameBeside(theirs: string, ours: string): boolean {
  const [one, two] = [theirs, ours].map((values) => values.split(', ').sort().join(', '));
  return one === two || (ours === '' && /^Apache\b/.test(theirs));
}
