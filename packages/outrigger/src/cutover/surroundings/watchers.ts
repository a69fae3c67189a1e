// Room: monit, which starts a web server again where a port does not answer, and would meddle with a cut-over. Source: monit(1).
import type { Around, SurroundingStep } from './surroundings.ts';
import { linesOf, place, type TextLine, withoutComments } from './textfiles.ts';

const FILES = [
  '/etc/monit/monitrc',
  '/etc/monit/conf.d/*',
  '/etc/monit/conf-enabled/*',
  '/etc/monitrc',
  '/etc/monit.d/*',
];
const CHECK = /^\s*check\s+\w+\s+"?([^\s"]+)"?/i;
const HOLDERS = { Apache: /\b(?:apache2?|httpd)\b/i, Squid: /\bsquid3?\b/i } as const;

type Check = { name: string; lines: TextLine[] };

export function watcherSteps({ reader, holder, taken, places }: Around): SurroundingStep[] {
  const checks = checksIn(withoutComments(linesOf(reader, FILES)));
  return checks.flatMap(({ name, lines }): SurroundingStep[] => {
    const asked = lines.filter(({ text }) => taken.some((port) => new RegExp(`\\bport\\s+${port}\\b`, 'i').test(text)));
    const isHolder = lines.some(({ text }) => HOLDERS[holder].test(text));
    if (!isHolder) return [];
    const [first] = lines;
    const pause: SurroundingStep = {
      when: 'before',
      title: `Let monit look away from ${name}${first === undefined ? '' : ` (${place(first)})`}`,
      why: `it would start ${holder} again while it leaves its port`,
      commands: [`monit unmonitor ${name}`],
      back: [`monit monitor ${name}`],
    };
    const goesOn = { commands: holder === 'Squid' ? [] : ['monit reload', `monit monitor ${name}`] };
    if (asked.length === 0) return [pause, { when: 'after', title: `Let monit look at ${name} again`, ...goesOn }];
    const why =
      holder === 'Apache'
        ? `Outrigger answers there now: where it did not, monit would start Apache again. Ask port ${places.join(', ')} on 127.0.0.1 in its place, and check outrigger by a check of its own`
        : 'Squid is gone: check outrigger in its place, and take this check out';
    return [
      pause,
      {
        when: 'after',
        must: true,
        title: `Have monit ask ${name} no more for what is Outrigger's (${asked.map(place).join(', ')})`,
        why,
        ...goesOn,
      },
    ];
  });
}

function checksIn(lines: readonly TextLine[]): Check[] {
  const checks: Check[] = [];
  for (const line of lines) {
    const name = CHECK.exec(line.text)?.[1];
    if (name !== undefined) checks.push({ name, lines: [line] });
    else checks.at(-1)?.lines.push(line);
  }
  return checks;
}
