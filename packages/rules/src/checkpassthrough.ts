// Room: what a rules file can get wrong about connections that pass through unread.
import type { Report } from './check.ts';
import { checkHost } from './checkcondition.ts';
import type { DocumentPath } from './positions.ts';
import type { Listener, RuleSet } from './schema.ts';
import { suggestion } from './suggest.ts';

/** Findings about the pass-through entries of one listener. */
export function checkPassThrough(
  { passThrough = [], tls }: Listener,
  path: DocumentPath,
  rules: RuleSet,
  report: Report,
): void {
  if (passThrough.length > 0 && tls === undefined) {
    const hint = 'Give it tls: names that match no entry are ended here.';
    report('error', 'RULES_BAD_PASS_THROUGH', path, 'a listener without tls has no SNI to choose by', hint);
  }
  passThrough.forEach(({ hosts, to }, index) => {
    const place = [...path, index] as const;
    hosts.forEach((entry, at) => {
      checkHost(entry, [...place, 'hosts', at], report);
    });
    const upstream = rules.upstreams.get(to);
    if (upstream === undefined) {
      const hint = suggestion(to, [...rules.upstreams.keys()]);
      report('error', 'RULES_UNKNOWN_UPSTREAM', [...place, 'to'], `there is no upstream ${to}`, hint);
      return;
    }
    if (upstream.servers.some((server) => !server.startsWith('https:'))) {
      const message = `a server of ${to} speaks plain HTTP, and what passes through is TLS`;
      report(
        'error',
        'RULES_BAD_PASS_THROUGH',
        [...place, 'to'],
        message,
        'Name servers that end TLS themselves: https://…',
      );
    }
    report(
      'warning',
      'RULES_PASS_THROUGH_UNSEEN',
      place,
      `no access line and no route sees inside connections for ${hosts.join(', ')}: who reaches ${to} reaches all of it, /ecp and PowerShell too`,
      'Let the server, or a firewall, keep out who may not; other names of it still go by the rules.',
    );
  });
}
