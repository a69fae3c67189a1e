// Room: fail2ban: jails that read logs of the holder, and what those logs say from now on. Source: jail.conf(5); jail.conf and
// paths-common.conf of fail2ban 1.0.
import type { Reader } from '@outrigger/importer';
import type { Around, SurroundingStep } from './surroundings.ts';
import { linesOf } from './textfiles.ts';

/** A later file changes what an earlier one says, jail.conf(5). */
const FILES = [
  '/etc/fail2ban/jail.conf',
  '/etc/fail2ban/jail.d/*.conf',
  '/etc/fail2ban/jail.local',
  '/etc/fail2ban/jail.d/*.local',
];
const OWN = '/etc/fail2ban/jail.d/outrigger.local';
const OWN_DEFAULTS = '/etc/fail2ban/jail.d/outrigger-loopback.local';
/** Logs of the holder, by their files and by what paths-common.conf calls them. */
const LOGS = {
  Apache: /\bapache_(?:access|error)_log\b|\/(?:apache2|httpd)\//,
  Squid: /\bsquid3?\b/,
} as const;

type Jail = { name: string; values: ReadonlyMap<string, string> };

export function jailSteps({ reader, holder, accessLogs }: Around): SurroundingStep[] {
  const { defaults, jails } = readJails(reader);
  const concerned = jails.filter(({ values }) => isEnabled(values) && LOGS[holder].test(values.get('logpath') ?? ''));
  if (concerned.length === 0) return [];
  const names = concerned.map(({ name }) => name).join(', ');
  const added =
    holder === 'Apache' ? concerned.filter(({ values }) => /access/.test(values.get('logpath') ?? '')) : concerned;
  const sections = added.map(({ name, values }) => {
    const kept = holder === 'Apache' ? (values.get('logpath') ?? '').split(/\s+/) : [];
    return `[${name}]\nlogpath = ${[...kept, ...accessLogs].join('\n          ')}`;
  });
  const isTold = accessLogs.length > 0 && added.length > 0;
  const commands = isTold ? [`cat > ${OWN} <<'JAIL'\n${sections.join('\n')}\nJAIL`, 'fail2ban-client reload'] : [];
  const format = holder === 'Apache' ? 'combined' : 'squid';
  const lacking =
    accessLogs.length > 0
      ? ''
      : `: write accessLog with format: ${format} into the rules, and add its file to their logpath`;
  const step: SurroundingStep =
    holder === 'Apache'
      ? {
          when: 'after',
          title: `Know what fail2ban sees (${names})`,
          why: `Apache's logs go on naming the client, for mod_remoteip believes Outrigger, and bans hold before Outrigger. What goes to Exchange, and what Outrigger refuses, is in those logs no longer${lacking}`,
          commands,
        }
      : {
          when: 'after',
          must: true,
          title: `Have fail2ban read the log of Outrigger (${names})`,
          why: `the logs of Squid end with it, and filters made for them read the format squid${lacking}`,
          commands,
        };
  return [
    ...loopbackSteps(concerned, defaults),
    commands.length > 0 ? { ...step, back: [`rm ${OWN}`, 'fail2ban-client reload'] } : step,
  ];
}

/** What Apache logs before it has read a request names who connects, which is Outrigger. */
function loopbackSteps(jails: readonly Jail[], defaults: ReadonlyMap<string, string>): SurroundingStep[] {
  const banning = jails.filter(
    ({ values }) =>
      /^(?:false|no|0|off)$/i.test(values.get('ignoreself') ?? 'true') &&
      !/(?:^|\s)127\./.test(values.get('ignoreip') ?? ''),
  );
  if (banning.length === 0) return [];
  const ignored = [
    '127.0.0.1/8',
    '::1',
    ...(defaults.get('ignoreip') ?? '').split(/\s+/).filter((word) => word !== ''),
  ];
  return [
    {
      when: 'before',
      must: true,
      title: `Never let fail2ban shut out loopback (${banning.map(({ name }) => name).join(', ')})`,
      why: 'It is told to ban addresses of its own machine (ignoreself), and ignoreip does not hold 127.0.0.1: requests that Apache cannot read are logged under Outrigger, and a ban would end all sites',
      commands: [
        `cat > ${OWN_DEFAULTS} <<'JAIL'\n[DEFAULT]\nignoreip = ${ignored.join(' ')}\nJAIL`,
        'fail2ban-client reload',
      ],
    },
  ];
}

function isEnabled(values: ReadonlyMap<string, string>): boolean {
  return /^(?:true|yes|1|on)$/i.test(values.get('enabled') ?? '');
}

/** Sections with what [DEFAULT] says; lines that begin with blanks go on with the value above them. */
function readJails(reader: Reader): { defaults: ReadonlyMap<string, string>; jails: Jail[] } {
  const sections = new Map<string, Map<string, string>>();
  let own = new Map<string, string>();
  let key: string | undefined;
  for (const { text } of linesOf(reader, FILES)) {
    if (/^\s*(?:[#;]|$)/.test(text)) continue;
    const [, section] = /^\[([^\]]+)\]/.exec(text) ?? [];
    const [, name, value = ''] = /^([\w-]+)\s*[=:]\s*(.*?)\s*$/.exec(text) ?? [];
    if (section !== undefined) {
      own = sections.get(section) ?? new Map();
      sections.set(section, own);
      key = undefined;
    } else if (name !== undefined) {
      key = name;
      own.set(name, value);
    } else if (key !== undefined) own.set(key, `${own.get(key) ?? ''}\n${text.trim()}`.trim());
  }
  const defaults = sections.get('DEFAULT') ?? new Map<string, string>();
  const names = [...sections.keys()].filter((name) => name !== 'DEFAULT' && name !== 'INCLUDES');
  return {
    defaults,
    jails: names.map((name) => ({ name, values: new Map([...defaults, ...(sections.get(name) ?? [])]) })),
  };
}
