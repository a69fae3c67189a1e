// Room: what a person must know of the cut-over beside the changed lines: rules on addresses, logs, ports. Pure.
import { asksAddress } from '../loopback.ts';
import { everyNode } from '../settings.ts';
import type { ConfigTree } from '../tree.ts';
import type { CutoverNote } from './cutover.ts';
import { type MovedDoor, written } from './door.ts';

export function cutoverNotes(tree: ConfigTree, doors: readonly MovedDoor[]): CutoverNote[] {
  const notes: CutoverNote[] = [];
  if (doors.length === 0) return notes;
  for (const node of everyNode(tree.nodes)) {
    const asks = asksAddress(node);
    if (asks !== undefined) {
      const message =
        'it asks for addresses and goes on seeing the client, because mod_remoteip believes Outrigger; without that line it would see 127.0.0.1';
      notes.push({ severity: 'note', code: 'CUTOVER_ADDRESS_RULE', at: node.at, message });
    }
    if (/^mdomain(?:set)?$/.test(node.key)) {
      const message =
        'mod_md renews this certificate: over port 443 (tls-alpn-01) it cannot any more, for Outrigger ends TLS there; over port 80 it goes on. Write MDCAChallenges http-01, and have Outrigger reload when one is new';
      notes.push({ severity: 'warning', code: 'CUTOVER_RENEWAL', at: node.at, message });
    }
    if (/^(?:customlog|logformat)$/.test(node.key) && /%\{c\}[ha]/.test(node.rest)) {
      const message = 'it logs who connects, which is Outrigger then: write %a or %h for the client';
      notes.push({ severity: 'warning', code: 'CUTOVER_LOG', at: node.at, message });
    }
  }
  for (const { place, port, set } of doors) {
    if (set.length === 0) {
      const at = { file: written(place), line: 1, directive: '' };
      const message = `no virtual host answers on port ${port}: the main server does`;
      notes.push({ severity: 'note', code: 'CUTOVER_MAIN_SERVER', at, message });
    }
  }
  return notes;
}
