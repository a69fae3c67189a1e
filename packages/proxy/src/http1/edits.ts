// Room: a head with some of its fields taken out or given another value and others put at its end, as rules say. All other lines
// stay as they came.
import { type HeaderEdits, stays } from '@outrigger/rules';

/** `head`: a whole head, its empty line included. Lines are fields: folded ones were refused by who read it. */
export function editedHead(head: Buffer, edits: HeaderEdits): Buffer {
  const text = head.toString('latin1');
  let at = text.indexOf('\n') + 1;
  let kept = text.slice(0, at);
  for (let end = text.indexOf('\n', at) + 1; end > 0; end = text.indexOf('\n', at) + 1) {
    const colon = text.indexOf(':', at);
    const isField = colon !== -1 && colon < end;
    if (!isField) break;
    const name = text.slice(at, colon);
    const lower = name.toLowerCase();
    if (stays(edits, lower)) {
      const value = edits.replaced.get(lower);
      kept += value === undefined ? text.slice(at, end) : `${name}: ${value}\r\n`;
    }
    at = end;
  }
  const lines = edits.added.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.from(`${kept}${lines}\r\n`, 'latin1');
}
