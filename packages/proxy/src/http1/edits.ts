// Room: a head with some of its fields taken out and others put at its end, as rules say. All other lines stay as they came.
import type { HeaderEdits } from '@outrigger/rules';

/** `head`: a whole head, its empty line included. Lines are fields: folded ones were refused by who read it. */
export function editedHead(head: Buffer, { removed, added }: HeaderEdits): Buffer {
  const text = head.toString('latin1');
  let at = text.indexOf('\n') + 1;
  let kept = text.slice(0, at);
  for (let end = text.indexOf('\n', at) + 1; end > 0; end = text.indexOf('\n', at) + 1) {
    const colon = text.indexOf(':', at);
    const isField = colon !== -1 && colon < end;
    if (!isField) break;
    if (!removed.has(text.slice(at, colon).toLowerCase())) kept += text.slice(at, end);
    at = end;
  }
  const lines = added.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.from(`${kept}${lines}\r\n`, 'latin1');
}
