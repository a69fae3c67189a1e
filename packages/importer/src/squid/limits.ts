// Room: limits of time and size that rules have as well, carried from Squid's (cf.data.pre, TIMEOUTS; client_side.cc, http.cc).
import { defaultLimits, formatDuration, formatSize, type Limits, type Upstream } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import type { Directive } from './expand.ts';
import { readSize, readTime } from './settings.ts';

/** Directives that limit what an Outrigger limits too. Two names of one thing are one. */
export const LIMIT_DIRECTIVES = [
  'read_timeout',
  'peer_connect_timeout',
  'request_timeout',
  'persistent_request_timeout',
  'client_idle_pconn_timeout',
  'request_header_max_size',
] as const;
export type LimitName = (typeof LIMIT_DIRECTIVES)[number];

/** The limits a file sets: milliseconds, or bytes for the size of a head. The last line of a name counts. */
export type SquidLimits = Map<LimitName, { value: number; directive: Directive }>;

/** Reads one such line; a value Squid refuses has been remarked already and counts as absent. */
export function readLimit(name: LimitName, directive: Directive, limits: SquidLimits): void {
  const words = directive.words.map(({ text }) => text);
  const value = name === 'request_header_max_size' ? readSize(words) : readTime(words);
  if (value === undefined || value === 0) {
    remark(
      directive.entry,
      'approximated',
      'SQUID_TIMEOUT',
      'sets no limit that could be carried over; the default holds',
    );
    return;
  }
  const before = limits.get(name)?.directive.entry;
  if (before !== undefined) remark(before, 'irrelevant', 'SQUID_TIMEOUT', 'a later line sets it again');
  limits.set(name, { value, directive });
}

/** Limits of the rules: the wait for a head, for the next one, and the size of a head. */
export function limitsOf(squid: SquidLimits): Limits {
  const limits = defaultLimits();
  const carry = (name: LimitName, key: 'headTime' | 'keepAlive' | 'head'): void => {
    const given = squid.get(name);
    if (given === undefined) return;
    limits[key] = given.value;
    const shown = key === 'head' ? formatSize(given.value) : formatDuration(given.value);
    remark(given.directive.entry, 'translated', 'SQUID_CARRIED', `limits.${key}: ${shown}`);
  };
  carry('request_timeout', 'headTime');
  carry('persistent_request_timeout', 'keepAlive');
  carry('client_idle_pconn_timeout', 'keepAlive');
  carry('request_header_max_size', 'head');
  limits.requestLine = Math.min(limits.requestLine, limits.head);
  return limits;
}

/** Sets the waits of one upstream. `connects`: whether its peer says itself how long a connection may take. */
export function limitUpstream(upstream: Upstream, squid: SquidLimits, connects: boolean): void {
  const [connect, read] = [squid.get('peer_connect_timeout'), squid.get('read_timeout')];
  const timeouts = { ...upstream.timeouts };
  if (connect !== undefined && !connects) timeouts.connect = connect.value;
  if (read !== undefined) {
    timeouts.answer = read.value;
    timeouts.idle = read.value;
    timeouts.tunnelIdle = Math.max(timeouts.tunnelIdle, read.value);
  }
  upstream.timeouts = timeouts;
}

/** What became of the waits for servers. Squid's read_timeout cut silent channels as well, which rules hold open longer. */
export function remarkWaits(squid: SquidLimits): void {
  const [connect, read] = [squid.get('peer_connect_timeout'), squid.get('read_timeout')];
  if (connect !== undefined) {
    const message = `timeouts.connect: ${formatDuration(connect.value)} of each upstream whose peer does not say otherwise`;
    remark(connect.directive.entry, 'translated', 'SQUID_CARRIED', message);
  }
  if (read === undefined) return;
  const message = `timeouts.answer and timeouts.idle: ${formatDuration(read.value)} of each upstream. Squid ended silent RPC channels after it too; those have tunnelIdle`;
  remark(read.directive.entry, 'approximated', 'SQUID_CARRIED', message);
}
