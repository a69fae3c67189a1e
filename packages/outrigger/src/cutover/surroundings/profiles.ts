// Room: AppArmor: profiles that confine the holder of the port, or the node that runs Outrigger. Source: apparmor.d(5).
import type { Around, SurroundingStep } from './surroundings.ts';
import { linesOf, place } from './textfiles.ts';

const FOLDER = '/etc/apparmor.d';
/** How a profile begins: a name, a path or both, and a brace at the end of the line. */
const HEAD = /^\s*(?:profile\s+\S+|"?\/\S+)[^#]*\{\s*$/;
const PROGRAMS = { Apache: /\/(?:apache2|httpd)\b|^\s*profile\s+(?:apache2|httpd)\b/, Squid: /\/squid\b/ } as const;
/** By whatever path node is run. */
const NODE = /\/(?:node|nodejs|outrigger)\b/;

export function profileSteps({ reader, holder, made }: Around): SurroundingStep[] {
  const disabled = new Set((reader.list(`${FOLDER}/disable`) ?? []).map(({ name }) => name));
  const heads = linesOf(reader, [`${FOLDER}/*`])
    .filter(({ file }) => !disabled.has(file.slice(FOLDER.length + 1)))
    .filter(({ text }) => HEAD.test(text));
  const ofHolder = holder === 'Apache' && made.length > 0 ? heads.filter(({ text }) => PROGRAMS.Apache.test(text)) : [];
  const ofNode = heads.filter(({ text }) => NODE.test(text));
  return [
    ...ofHolder.map(
      (head): SurroundingStep => ({
        when: 'before',
        title: `See that AppArmor lets Apache read what is new (${place(head)})`,
        why: `it confines Apache, which must read ${made.join(', ')} and load mod_remoteip; it needs no word about ports`,
        commands: [`apparmor_parser -r ${head.file}`, 'journalctl -k --grep apparmor=.DENIED'],
      }),
    ),
    ...ofNode.map(
      (head): SurroundingStep => ({
        when: 'before',
        must: true,
        title: `Let AppArmor give Outrigger what it needs (${place(head)})`,
        why: 'Outrigger needs network inet and inet6, capability net_bind_service, its rules and the files they name to read, and its logs to write; give it these, or a node of its own',
        commands: [`apparmor_parser -r ${head.file}`],
      }),
    ),
  ];
}
