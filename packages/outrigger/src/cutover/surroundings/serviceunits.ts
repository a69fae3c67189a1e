// Room: how systemd starts the holder of a port: by what name, and what a unit, a socket or a drop-in of this machine holds it to.
// Sources: systemd.unit(5), systemd.resource-control(5), systemd.socket(5).
import type { Reader } from '@outrigger/importer';
import { UNIT_FOLDERS } from '../unit.ts';
import type { Around, SurroundingStep } from './surroundings.ts';
import { linesOf, place, type TextLine, withoutComments } from './textfiles.ts';

/** Where scripts of before systemd are. */
const SCRIPTS = '/etc/init.d';
const SOCKETS = '/etc/systemd/system/sockets.target.wants';

/** The first of these names that a unit or a script has on this machine; the first of all where none has. */
export function serviceName(reader: Reader, names: readonly [string, ...string[]]): string {
  const isThere = (name: string): boolean =>
    UNIT_FOLDERS.some((folder) => reader.read(`${folder}/${unitOf(name)}.service`).kind === 'file') ||
    reader.read(`${SCRIPTS}/${name}`).kind === 'file';
  return names.find(isThere) ?? names[0];
}

/** The file of a unit made of a template: apache2@intern is of apache2@. */
function unitOf(name: string): string {
  return name.replace(/@.*$/, '@');
}

export function serviceUnitSteps(around: Around): SurroundingStep[] {
  const { reader, service } = around;
  const own = withoutComments(
    linesOf(reader, [`/etc/systemd/system/${service}.service`, `/etc/systemd/system/${service}.service.d/*.conf`]),
  );
  return [...socketSteps(around), ...(around.holder === 'Apache' ? limitSteps(around, own) : [])];
}

/** A socket that systemd holds stays where it is, whatever the files of Apache say. */
function socketSteps({ reader, service, holder }: Around): SurroundingStep[] {
  const socket = `${service}.socket`;
  if (!(reader.list(SOCKETS) ?? []).some(({ name }) => name === socket)) return [];
  return [
    {
      when: 'before',
      must: true,
      title: `Take the port from systemd (${SOCKETS}/${socket})`,
      why: `the port is held by systemd, which would go on listening: ${holder} must hold it itself first`,
      commands: [`systemctl disable --now ${socket}`, `systemctl restart ${service}`],
      back: [`systemctl enable --now ${socket}`],
    },
  ];
}

/** Settings that shut loopback or the new port. The last of a name counts, an empty one takes all back. */
function limitSteps({ service, places }: Around, lines: readonly TextLine[]): SurroundingStep[] {
  const of = (key: string): TextLine[] => {
    const all = lines.filter(({ text }) => text.trim().startsWith(`${key}=`));
    return all.slice(all.findLastIndex(({ text }) => text.trim() === `${key}=`) + 1);
  };
  const values = (key: string): string =>
    of(key)
      .map(({ text }) => text.replace(/^[^=]*=/, ''))
      .join(' ');
  const denies = of('IPAddressDeny');
  const isShut =
    /\b(?:any|localhost)\b/.test(values('IPAddressDeny')) &&
    !/\b(?:any|localhost|127\.\S+)/.test(values('IPAddressAllow'));
  const binds = of('SocketBindDeny');
  const allowed = values('SocketBindAllow');
  const unbound = /\bany\b/.test(values('SocketBindDeny'))
    ? places.filter((port) => !new RegExp(`\\b(?:any|${port})\\b`).test(allowed))
    : [];
  const dropIn = `/etc/systemd/system/${service}.service.d/outrigger.conf`;
  const added = [
    ...(isShut ? ['IPAddressAllow=localhost'] : []),
    ...unbound.map((port) => `SocketBindAllow=tcp:${port}`),
  ];
  if (added.length === 0) return [];
  const named = [...(isShut ? denies : []), ...(unbound.length > 0 ? binds : [])].map(place).join(', ');
  return [
    {
      when: 'before',
      must: true,
      title: `Let the unit of ${service} have its place on loopback (${named})`,
      why: 'its unit shuts Apache off from there',
      commands: [
        `mkdir -p ${dropIn.replace(/\/[^/]*$/, '')}`,
        `cat > ${dropIn} <<'UNIT'\n[Service]\n${added.join('\n')}\nUNIT`,
        'systemctl daemon-reload',
        `systemctl restart ${service}`,
      ],
      back: [`rm ${dropIn}`, 'systemctl daemon-reload', `systemctl restart ${service}`],
    },
  ];
}
