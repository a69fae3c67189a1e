// Room: which peer is an Exchange or an RD Gateway. Only such an upstream may carry RPC_* and RDG_*; a config says it by signs.
import { TUNNEL_METHODS } from '@outrigger/rules';
import type { Model } from './model.ts';
import type { Choice } from './routes.ts';

/** Paths that only Exchange and RD Gateway serve, as acl values write them. */
export const EXCHANGE_PATHS = [
  'owa',
  'ecp',
  'ews',
  'mapi',
  'oab',
  'autodiscover',
  'rpc',
  'rpcwithcert',
  'exchange',
  'exchweb',
  'exadmin',
  'microsoft-server-activesync',
  'remotedesktopgateway',
] as const;

const EXCHANGE_VALUE = new RegExp(`/(?:\\(\\??:?)?(?:${EXCHANGE_PATHS.join('|')})(?![a-z])`, 'i');

/** Why a peer was taken for Exchange, as the subject of a sentence; undefined where nothing says so. */
export function exchangeSign({ peers }: Choice, model: Model): string | undefined {
  // `auto` alone says that TLS ends here, whatever stands behind; who writes `on` means OWA.
  if (peers.some(({ frontEndHttps }) => frontEndHttps === 'on')) return 'front-end-https';
  const names = peers.flatMap(({ access }) =>
    access
      .filter(({ action }) => action === 'allow')
      .flatMap(({ terms }) => terms.filter(({ negated }) => !negated).map(({ acl }) => acl)),
  );
  for (const name of names) {
    const acl = model.acls.get(name);
    const values = acl?.lines.flatMap((line) => line.values.map(({ text }) => text)) ?? [];
    const sign = values.find((value) => EXCHANGE_VALUE.test(value) || isTunnelMethod(value));
    if (acl !== undefined && sign !== undefined) return `the acl ${acl.name}, which names ${sign},`;
  }
  const origins = model.peers.filter(({ kind }) => kind === 'origin');
  const only = origins.length === peers.length;
  return only && model.extensionMethods.some(isTunnelMethod)
    ? 'extension_methods, with no other peer to mean,'
    : undefined;
}

function isTunnelMethod(text: string): boolean {
  return (TUNNEL_METHODS as readonly string[]).includes(text);
}
