// Room: `monitorurl` of a cache_peer and its kin, which Squid 2.6 and 2.7 have: a page that a peer is asked for, again and again.
// Source: peer_monitor.c and cf.data.pre of Squid 2.7.
import type { Upstream } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import type { Directive } from './expand.ts';

/** Seconds between two checks where the line gives none. */
const INTERVAL = 300;

/** The options, for the table of those that are read. */
export const MONITOR_OPTIONS = ['monitorurl', 'monitorsize', 'monitorinterval', 'monitortimeout'] as const;

/** The first Squid that does not know them. */
export const MONITORS_UNTIL = 3;

type Options = ReadonlyMap<string, string>;

/** The health check that these options are; undefined where they ask for none. `host`: the word of the line for the peer. */
export function readMonitor(options: Options, host: string, { entry }: Directive): Upstream['health'] {
  const url = options.get('monitorurl');
  const interval = secondsIn(options.get('monitorinterval')) ?? INTERVAL;
  if (url === undefined || url === '' || interval === 0) return undefined;
  const [, authority = '', rest = ''] = /^https?:\/\/([^/?#@]+)([!-"$-~]*)$/i.exec(url) ?? [];
  if (authority === '') {
    remark(
      entry,
      'untranslated',
      'SQUID_PEER_HEALTH',
      'monitorurl is no URL that a server could be asked for, or one with a login, which no check has',
      {
        hint: 'Set health of the upstream.',
      },
    );
    return undefined;
  }
  const path = rest.startsWith('/') ? rest : `/${rest}`;
  const size = options.get('monitorsize');
  const unchecked =
    size === undefined || size === '0' ? '' : `; the size of the page (monitorsize=${size}) is not looked at`;
  const message = `health: GET ${path} every ${interval} s must be answered 200. Two checks in a row change what a server is taken for, where Squid took each at its word, and where all are down all are tried${unchecked}`;
  remark(entry, 'approximated', 'SQUID_PEER_HEALTH', message, { severity: unchecked === '' ? 'note' : 'warning' });
  const isOwn = authority.replace(/:\d*$/, '').toLowerCase() === host.toLowerCase();
  return {
    path,
    interval: interval * 1_000,
    timeout: (secondsIn(options.get('monitortimeout')) || interval) * 1_000,
    // Asked for by its own name, as a check is by default: peers that differ in it alone are one upstream.
    ...(!isOwn && { host: authority }),
    expect: [200],
  };
}

function secondsIn(text = ''): number | undefined {
  return /^\d{1,6}$/.test(text) ? Number(text) : undefined;
}
