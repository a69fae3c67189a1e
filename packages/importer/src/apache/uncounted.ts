// Room: lines that never count: behind the one at which Apache stops, in a section that does not hold, lost behind a Use. Each has its
// entry in the ledger, for a person looks for it there. Source: httpd 2.4 server/config.c ap_soak_end_container (AP-17).
import { branchOff } from '../filetree.ts';
import { remark } from '../ledger.ts';
import { firstWord, type LogicalLine } from './lines.ts';
import { enter, type Reading, type ReadLine, refuse } from './reading.ts';
import type { LineStream } from './stream.ts';
import type { Refusal } from './tree.ts';

/** Lines behind the one that ends it all: Apache never gets there, and a person wants to find them in the report all the same. */
export function remarkUnread(stream: LineStream, { at }: Refusal, reading: Reading): void {
  for (let line = stream.next(); line !== undefined; line = stream.next()) {
    if (line.text.startsWith('</')) continue;
    remark(enter(line, reading), 'irrelevant', 'APACHE_NOT_READ', `Apache stops before it, at ${at.file}:${at.line}`);
  }
}

/** A last line without a line end, behind a Use. */
export function remarkLost(line: LogicalLine, reading: Reading): void {
  const message = 'Apache loses it: it stands right behind a Use and ends with the file, without a line end';
  remark(enter(line, reading), 'approximated', 'APACHE_LOST', message, { hint: 'End the file with a line end.' });
}

/** Lines of a section that does not hold: only its nesting counts (ap_soak_end_container; AP-17). */
export function skipSection(read: ReadLine, key: string, stream: LineStream, reading: Reading): void {
  const open = [key];
  const branch = branchOff(reading.file, read.entry, 'skipped');
  branch.skipped = 0;
  for (let line = stream.next(); line !== undefined; line = stream.next()) {
    const { word, rest } = firstWord(line.text);
    const name = word.text.toLowerCase();
    if (name.startsWith('</')) {
      const closed = open.pop();
      if (name.slice(2, -1) !== closed) {
        refuse(reading, read, `in it, ${word.text} stands where </${closed}> must`);
        return;
      }
      if (open.length === 0) return;
      continue;
    }
    if (name.startsWith('<')) open.push(rest === '' && name.endsWith('>') ? name.slice(1, -1) : name.slice(1));
    reading.lines += 1;
    const where = `stands in <${key} …> of line ${read.line.line}, which does not hold`;
    remark(enter(line, reading), 'irrelevant', 'APACHE_DEAD_BRANCH', where);
    branch.skipped += 1;
  }
  refuse(reading, read, 'it is never closed');
}
