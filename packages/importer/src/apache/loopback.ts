// Room: what Apache must know of its new place behind Outrigger: the client's address comes in a field, and every rule on addresses
// that does not know it would see Outrigger. Pure.
import { addressTest } from '@outrigger/rules';
import { type LedgerEntry, remark } from '../ledger.ts';
import type { ApachePlace } from './place.ts';
import { everyNode } from './settings.ts';
import type { ConfigNode, ConfigTree } from './tree.ts';

/** The lines that make Apache take the client's address from Outrigger, and from nobody else (field case 91). */
export function remoteIpLines({ host }: Pick<ApachePlace, 'host'>): [string, string] {
  // Whoever connects to an address of 127.0.0.0/8 comes from 127.0.0.1.
  const from = host === '[::1]' ? '::1' : '127.0.0.1';
  return ['RemoteIPHeader X-Forwarded-For', `RemoteIPInternalProxy ${from}`];
}

/** What makes Apache take the client's address from Outrigger, as the end of a sentence. */
export function remoteIpAdvice(place: ApachePlace): string {
  return place.hearsProxy
    ? 'RemoteIPProxyProtocol On in the virtual hosts of each listener'
    : remoteIpLines(place).join('; ');
}

/** True where Apache takes the client's address from whoever connects from loopback. */
export function trustsLoopback({ nodes }: ConfigTree, { host }: Pick<ApachePlace, 'host'>): boolean {
  const trusted = host === '[::1]' ? /(?:^|\s)::1(?:\/128)?(?:\s|$)/ : /(?:^|\s)127\.0\.0\.(?:1|0\/\d+)(?:\s|$)/;
  const all = [...everyNode(nodes)];
  const isNamed = all.some(
    ({ key, words }) => key === 'remoteipheader' && words[0]?.text.toLowerCase() === 'x-forwarded-for',
  );
  return isNamed && all.some(({ key, rest }) => key === 'remoteipinternalproxy' && trusted.test(rest));
}

/** Warns of each rule that would see 127.0.0.1 in place of the client; of those that let loopback in as of errors. */
export function remarkSidecar(tree: ConfigTree, place: ApachePlace): void {
  if (!place.hearsProxy && trustsLoopback(tree, place)) return;
  for (const node of everyNode(tree.nodes)) {
    const asks = asksAddress(node);
    if (asks === undefined) continue;
    const message =
      asks === 'admits loopback'
        ? 'behind Outrigger every request comes from 127.0.0.1, which this lets in: it would be open to everybody'
        : 'behind Outrigger every request comes from 127.0.0.1, and this would see that address for every client';
    remark(node.entry, 'approximated', 'APACHE_SEES_SIDECAR', message, {
      severity: asks === 'admits loopback' ? 'error' : 'warning',
      hint: `Enable mod_remoteip with: ${remoteIpAdvice(place)}.`,
    });
  }
}

/** REMOTE_ADDR, which mod_remoteip sets, and not CONN_REMOTE_ADDR, which it leaves alone; and -R of an expression. */
const ASKED_IN_EXPRESSION = /(?<!CONN_)REMOTE_ADDR|(?:^|[\s"!(])-R\s/;

/** Whether a line asks for the address of the client, and lets loopback in. */
export function asksAddress({ key, words, kind, rest: text }: ConfigNode): 'admits loopback' | 'asks' | undefined {
  const isExpression = key === 'if' || key === 'elseif' || (key === 'require' && /^\s*(?:not\s+)?expr\b/i.test(text));
  if (isExpression || key === 'rewritecond') return ASKED_IN_EXPRESSION.test(text) ? 'asks' : undefined;
  if (kind === 'section') return undefined;
  const [first = '', ...rest] = words.map(({ text }) => text);
  const name = first.toLowerCase();
  if (key === 'require') {
    if (name === 'local') return 'admits loopback';
    if (name === 'ip') return rest.some(holdsLoopback) ? 'admits loopback' : 'asks';
    return name === 'host' || name === 'forward-dns' || (name === 'not' && /^(?:ip|host|local)$/i.test(rest[0] ?? ''))
      ? 'asks'
      : undefined;
  }
  if ((key !== 'allow' && key !== 'deny') || name !== 'from') return undefined;
  const addresses = rest.filter((word) => word.toLowerCase() !== 'all' && !/^env=/i.test(word));
  if (addresses.length === 0) return undefined;
  return key === 'allow' && addresses.some(holdsLoopback) ? 'admits loopback' : 'asks';
}

function holdsLoopback(word: string): boolean {
  if (/^(?:localhost|127(?:\.\d+){0,3}\.?(?:\/.*)?|::1)$/i.test(word)) return true;
  return /^[\d.]+\/\d+$/.test(word) && addressTest([word])('127.0.0.1');
}

/** A forward proxy, which is refused: whoever reaches it can reach what the host reaches (field case 96). */
export function remarkForwardProxy({ nodes }: ConfigTree): void {
  for (const node of everyNode(nodes)) {
    if (node.key !== 'proxyrequests' || node.words[0]?.text.toLowerCase() !== 'on') continue;
    const message =
      'it makes Apache a forward proxy, through which whoever reaches it reaches your network; Outrigger carries none';
    remark(node.entry, 'untranslated', 'APACHE_FORWARD_PROXY', message, {
      hint: 'Set ProxyRequests Off: reverse proxying does not need it.',
    });
  }
}

/** Entries that nothing was said of: Apache goes on with them. */
export function remarkRest(entries: readonly LedgerEntry[]): void {
  for (const entry of entries) {
    if (entry.remarks.length === 0) remark(entry, 'irrelevant', 'APACHE_STAYS', 'Apache goes on with it on loopback');
  }
}
