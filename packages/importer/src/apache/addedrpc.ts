// Room: a route for /rpc beside /owa of the same Exchange. No line of Apache has it, for Apache could not carry it. Pure but for the
// remarks it leaves.
import { remark } from '../ledger.ts';
import type { Move } from './moves.ts';
import { hindranceOf } from './obstacles.ts';
import { isUnder } from './overlap.ts';
import { sectionsOfPath } from './pathsections.ts';
import { serverRules } from './rewriterules.ts';
import type { Servers, VirtualHost } from './servers.ts';
import { everyNodeFor } from './settings.ts';

export const RPC = '/rpc';

/** The move that is added; why none is, though Outlook has use for one; or that there is no use for one. */
export type AddedRpc = { kind: 'added'; move: Move } | { kind: 'notAdded'; reason: string } | { kind: 'none' };

export function addedRpc(moves: readonly Move[], host: VirtualHost, servers: Servers): AddedRpc {
  const owa = moves.find(
    ({ prefix, sign, rewrite, when }) =>
      sign !== undefined && /^\/owa\/?$/i.test(prefix) && rewrite?.path === undefined && Object.keys(when).length === 0,
  );
  if (owa === undefined || moves.some(({ prefix }) => isUnder(RPC, prefix))) return { kind: 'none' };
  const said = [...everyNodeFor(servers, host)].some(({ words }) =>
    words.some(({ text }) => /^[\^"]*\/rpc(?![a-z])/i.test(text)),
  );
  const isRestricted = owa.access.some(({ access }) => access.kind !== 'open');
  const url = `${/^[a-z]+:\/\/[^/]*/i.exec(owa.url)?.[0]}${RPC}`;
  const sections = sectionsOfPath(servers, host, RPC, url);
  const hindrance = hindranceOf(servers, host, {
    prefix: RPC,
    sections,
    rules: serverRules(servers, host),
    backend: owa.read.backend,
    isSite: false,
  });
  if (said || isRestricted || hindrance.kind === 'obstacle') {
    const reason = said
      ? 'other lines name /rpc'
      : isRestricted
        ? 'not everybody may ask for /owa, and who may ask for /rpc is for you to say'
        : hindrance.kind === 'obstacle'
          ? hindrance.obstacle.reason
          : '';
    const message = `no route for /rpc goes to this server, which Outlook from outside needs, and none was added: ${reason}`;
    remark(owa.line.entry, 'approximated', 'APACHE_ADDED', message, {
      hint: 'Add a route for /rpc, and its access lines.',
    });
    return { kind: 'notAdded', reason };
  }
  const message =
    'a route for /rpc to the same server is added, which no line says: Outlook from outside needs it, and Apache could not carry it';
  const hint = 'Take the route out if Outlook shall not connect from outside.';
  remark(owa.line.entry, 'approximated', 'APACHE_ADDED', message, { hint });
  const move: Move = {
    ...owa,
    prefix: RPC,
    url,
    path: [{ prefix: RPC }],
    staying: hindrance.staying,
    isAdded: true,
  };
  return { kind: 'added', move };
}
