// Room: what stands in the boxes of the map: a condition in words a person looks for, as much of it as has room.
import { type Condition, describeTime, type HeaderCondition, type TimeCondition } from '@outrigger/rules';

type Part = { label: string; entries: string[] };

function entryText(entry: number | string | HeaderCondition | TimeCondition): string {
  if (typeof entry !== 'object') return String(entry);
  return 'name' in entry ? `${entry.name} ~ ${entry.regex}` : describeTime(entry);
}

/** A condition as words a person looks for: names, paths, and whatever else it asks. */
export function conditionParts({ hosts, path, url, any, all, not, ...others }: Condition): Part[] {
  const parts: Part[] = [];
  if (hosts !== undefined) parts.push({ label: '', entries: hosts });
  if (path !== undefined)
    parts.push({
      label: '',
      entries: path.map((each) =>
        'prefix' in each ? each.prefix : 'exact' in each ? `${each.exact} alone` : `path ~ ${each.regex}`,
      ),
    });
  // Beside hosts and paths a pattern only narrows them (--tighten).
  if (url !== undefined && (hosts === undefined || path === undefined))
    parts.push({ label: 'URL ~', entries: url.map(({ regex }) => regex) });
  for (const [key, value] of Object.entries(others))
    if (value !== undefined)
      parts.push({
        label: key,
        entries: typeof value === 'number' ? [String(value)] : value.map(entryText),
      });
  const inner = (conditions: readonly Condition[], word: string): Part[] =>
    conditions.flatMap((each, index) =>
      conditionParts(each).map((part, at) =>
        index > 0 && at === 0 ? { ...part, label: `${word} ${part.label}`.trim() } : part,
      ),
    );
  if (all !== undefined) parts.push(...inner(all, 'and'));
  if (any !== undefined) parts.push(...inner(any, 'or'));
  if (not !== undefined)
    parts.push({
      label: 'not',
      entries: conditionParts(not).map(({ label, entries }) => `${label} ${entries.join(', ')}`.trim()),
    });
  return parts.length === 0 ? [{ label: '', entries: ['everything else'] }] : parts;
}

/** Lines a route may take before the drawing leaves the rest to the list of rules. */
const ROUTE_LINES_MAX = 5;

/** A condition in a few lines of `room` characters at most. */
export function conditionLines(condition: Condition, room: number): string[] {
  const parts = conditionParts(condition);
  const lines = parts.flatMap(({ label, entries }) => fitted(label, entries, room));
  return lines.length > ROUTE_LINES_MAX ? [...lines.slice(0, ROUTE_LINES_MAX - 1), 'and more, see the rules'] : lines;
}

export function numbered(number: number, [first = '', ...rest]: string[]): string[] {
  return [`${number}  ${first}`, ...rest.map((line) => `${' '.repeat(String(number).length)}  ${line}`)];
}

/** Lines a list of entries may take. */
const LIST_LINES_MAX = 2;
/** As many entries as fit on the lines a list may take, and how many more there are. */
export function fitted(label: string, entries: readonly string[], room: number): string[] {
  const lines: string[] = [];
  let line = label === '' ? '' : `${label} `;
  let isEmpty = true;
  for (const [index, entry] of entries.entries()) {
    const left = entries.length - index;
    const isLastLine = lines.length + 1 === LIST_LINES_MAX;
    const longer = `${line}${isEmpty ? '' : ', '}${entry}`;
    const reserved = left === 1 ? '' : isLastLine ? ` and ${left - 1} more` : ',';
    if (!isEmpty && longer.length + reserved.length > room) {
      if (isLastLine) return [...lines, `${line} and ${left} more`];
      lines.push(`${line},`);
      line = entry;
    } else line = longer;
    isEmpty = false;
    line = cut(line, room - reserved.length);
  }
  return [...lines, line];
}

export function cut(text: string, room: number): string {
  return text.length > room ? `${text.slice(0, room - 1)}…` : text;
}
