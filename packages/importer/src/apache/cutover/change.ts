// Room: changes of files as values: lines replaced in one, a file made, a link made; and what they look like as a unified diff. Pure.

/** Lines of a file replaced by others. `first` and `last` count from 1; `last` below `first` puts `lines` in front of `first`. */
export type LineChange = { first: number; last: number; lines: string[] };

/** What becomes of one path. Texts are latin1: one character is one byte. */
export type FileChange =
  | { kind: 'edit'; path: string; before: string; after: string; changes: LineChange[] }
  | { kind: 'create'; path: string; after: string }
  | { kind: 'link'; path: string; target: string };

/** Lines around a change that a diff shows, as diff -u does. */
const CONTEXT = 3;

/** The text with its lines replaced. `changes` must not overlap; those that put lines at one place stay in their order. */
export function changed(before: string, changes: readonly LineChange[]): string {
  const lines = linesOf(before);
  const end = before.includes('\r\n') ? '\r\n' : '\n';
  for (const { first, last, lines: made } of inOrder(changes).reverse()) {
    lines.splice(first - 1, last - first + 1, ...made.map((line) => line + end));
  }
  return lines.join('');
}

/** The changes as patch(1) takes them: `patch -d / -p1`. A link is told in a line that patch passes over. */
export function unifiedDiff(changes: readonly FileChange[]): string {
  return changes.map(diffOf).join('');
}

function diffOf(change: FileChange): string {
  const name = change.path.replace(/^\/+/, '');
  if (change.kind === 'link') return `# link ${change.path} -> ${change.target}\n`;
  if (change.kind === 'create') {
    const made = linesOf(change.after);
    return `--- /dev/null\n+++ b/${name}\n@@ -0,0 +1,${made.length} @@\n${made.map((line) => `+${ended(line)}`).join('')}`;
  }
  const before = linesOf(change.before);
  let moved = 0;
  const hunks = groups(inOrder(change.changes)).map((group) => {
    const from = Math.max(1, (group[0]?.first ?? 1) - CONTEXT);
    const to = Math.min(
      before.length,
      Math.max(...group.map(({ first, last }) => Math.max(last, first - 1))) + CONTEXT,
    );
    const body: string[] = [];
    let at = from;
    let added = 0;
    for (const { first, last, lines } of group) {
      body.push(...before.slice(at - 1, first - 1).map((line) => ` ${ended(line)}`));
      body.push(...before.slice(first - 1, last).map((line) => `-${ended(line)}`));
      body.push(...lines.map((line) => `+${line}${change.before.includes('\r\n') ? '\r' : ''}\n`));
      added += lines.length - (last - first + 1);
      at = last + 1;
    }
    body.push(...before.slice(at - 1, to).map((line) => ` ${ended(line)}`));
    const count = to - from + 1;
    const head = `@@ -${from},${count} +${from + moved},${count + added} @@\n`;
    moved += added;
    return head + body.join('');
  });
  return `--- a/${name}\n+++ b/${name}\n${hunks.join('')}`;
}

/** Changes whose context would touch are one hunk. */
function groups(changes: readonly LineChange[]): LineChange[][] {
  const found: LineChange[][] = [];
  for (const change of changes) {
    const group = found.at(-1);
    const last = group?.at(-1);
    if (group !== undefined && last !== undefined && change.first - Math.max(last.last, last.first - 1) <= 2 * CONTEXT)
      group.push(change);
    else found.push([change]);
  }
  return found;
}

function inOrder(changes: readonly LineChange[]): LineChange[] {
  return [...changes].sort((a, b) => a.first - b.first || a.last - b.last);
}

/** Lines with their ends; the last one may have none. */
function linesOf(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)(?!$)/);
}

function ended(line: string): string {
  return line.endsWith('\n') ? line : `${line}\n\\ No newline at end of file\n`;
}
