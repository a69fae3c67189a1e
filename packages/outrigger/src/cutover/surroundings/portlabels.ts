// Room: SELinux: which ports its policy lets a web server listen on. Sources: semanage-port(8), selinux(8), and http_port_t of the reference
// policy's network ports.
import type { Around, SurroundingStep } from './surroundings.ts';
import { linesOf } from './textfiles.ts';

/** http_port_t as the policy ships it. */
const HTTP_PORTS: ReadonlySet<number> = new Set([80, 81, 443, 488, 8008, 8009, 8443, 9000]);
/** The kernel's own word; the file counts where nothing runs yet. */
const ENFORCES = [
  { file: '/sys/fs/selinux/enforce', form: /^1/ },
  { file: '/etc/selinux/config', form: /^\s*SELINUX\s*=\s*enforcing\b/i },
] as const;
/** Where semanage keeps what was added: of Red Hat 7 and before, and since. */
const LOCAL_PORTS = ['/etc/selinux/*/modules/active/ports.local', '/var/lib/selinux/*/active/ports.local'];

export function portLabelSteps({ reader, holder, places }: Around): SurroundingStep[] {
  if (holder !== 'Apache' || !isEnforcing({ reader })) return [];
  const added = linesOf(reader, LOCAL_PORTS).flatMap(({ text }) => {
    const [, first, last = first] = /^portcon tcp (\d+)(?:-(\d+))? \S*:http_port_t(?::|$)/.exec(text.trim()) ?? [];
    return first === undefined ? [] : [{ first: Number(first), last: Number(last) }];
  });
  const missing = places.filter(
    (port) => !HTTP_PORTS.has(port) && !added.some(({ first, last }) => first <= port && port <= last),
  );
  if (missing.length === 0) return [];
  return [
    {
      when: 'before',
      must: true,
      title: `Let Apache have port ${missing.join(', ')} under SELinux`,
      why: 'SELinux is enforcing, and its policy as shipped has no such port in http_port_t: Apache could not listen there. Where semanage says that the port is defined already, write -m in place of -a',
      commands: missing.map((port) => `semanage port -a -t http_port_t -p tcp ${port}`),
      back: missing.map((port) => `semanage port -d -t http_port_t -p tcp ${port}`),
    },
  ];
}

/** What runs counts before what is written for the next start. */
function isEnforcing({ reader }: Pick<Around, 'reader'>): boolean {
  const known = ENFORCES.find(({ file }) => reader.read(file).kind === 'file');
  return known !== undefined && linesOf(reader, [known.file]).some(({ text }) => known.form.test(text));
}
