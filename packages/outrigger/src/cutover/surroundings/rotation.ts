// Room: logrotate: access logs of Outrigger that nothing keeps small. Source: logrotate(8).
import { dirname } from 'node:path';
import type { Around, SurroundingStep } from './surroundings.ts';
import { linesOf, withoutComments } from './textfiles.ts';

const OWN = '/etc/logrotate.d/outrigger';
const MAIN = '/etc/logrotate.conf';

export function rotationSteps({ reader, accessLogs }: Around): SurroundingStep[] {
  if (reader.read(MAIN).kind === 'missing') return [];
  const patterns = withoutComments(linesOf(reader, [MAIN, '/etc/logrotate.d/*'])).flatMap(({ text }) =>
    text.split(/[\s{]+/).filter((word) => /^"?\//.test(word)),
  );
  const isKept = (file: string): boolean => patterns.some((pattern) => matcher(pattern.replaceAll('"', '')).test(file));
  const growing = accessLogs.filter((file) => !isKept(file));
  if (growing.length === 0) return [];
  const named = [...new Set(growing.map((file) => `${dirname(file)}/*.log`))].filter((pattern) =>
    growing.every((file) => dirname(file) !== dirname(pattern) || file.endsWith('.log')),
  );
  const text = [
    `${(named.length > 0 ? named : growing).join(' ')} {`,
    ...['daily', 'rotate 14', 'missingok', 'delaycompress', 'postrotate'].map((line) => `    ${line}`),
    '        systemctl reload outrigger',
    ...['    endscript', '}'],
  ];
  return [
    {
      when: 'after',
      title: 'Keep the access logs of Outrigger small',
      why: `the rules write ${growing.join(', ')}, and no file of logrotate names them`,
      commands: [`cat > ${OWN} <<'ROTATE'\n${text.join('\n')}\nROTATE`, `logrotate -d ${OWN}`],
      back: [`rm ${OWN}`],
    },
  ];
}

/** glob(3), as far as files of logrotate use it. */
function matcher(pattern: string): RegExp {
  const form = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  return new RegExp(`^${form}$`);
}
