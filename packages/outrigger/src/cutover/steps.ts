// Room: the cut-over as numbered steps a person can do by hand: what, the commands to copy, and how to go back.
import { type CutoverPlan, type PortEighty, type Renewal, renewalAdvice } from '@outrigger/importer';
import { type Commands, commandText, programText } from './command.ts';
import type { Cutover } from './cutover.ts';
import { SERVICE_USER, UNIT_FILE, unitText } from './unit.ts';

/** `commands` and `back` are lines for a shell; `why` is one sentence. `must`: what nobody but a person does, and without which something fails. */
export type Step = { must?: true; title: string; why?: string; commands: string[]; back?: string[] };

/** Where the steps keep the diff, for the way back. */
const DIFF = '/root/apache-behind-outrigger.diff';

/** What the machine around the port needs, before its holder leaves it and when all is done. `user`: whom Outrigger runs as. */
export type SurroundingSteps = { before: Step[]; after: Step[]; user: string };

/** For a machine whose systemd knows no Outrigger yet. `program`: the words that run this very command. */
export function serviceSteps(program: readonly string[], rulesFile: string): Step[] {
  return [
    {
      title: 'Make Outrigger a service with a user of its own',
      commands: [
        `useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin ${SERVICE_USER}`,
        `cat > ${UNIT_FILE} <<'UNIT'\n${unitText(program, rulesFile)}UNIT`,
        'systemctl daemon-reload',
      ],
      back: [`rm ${UNIT_FILE}`, 'systemctl daemon-reload', `userdel ${SERVICE_USER}`],
    },
  ];
}

export function apacheSteps(
  plan: CutoverPlan,
  commands: Commands,
  rulesFile: string,
  around: SurroundingSteps,
): Step[] {
  if (plan.files.length === 0) return [];
  const { doors, files, apache } = plan;
  const places = doors.map(({ place }) => place);
  const taken = doors.map(({ taken: each }) => each);
  const links = files.filter((each) => each.kind === 'link');
  return [
    { title: 'Keep a copy', commands: [`cp -a ${apache.root} /root/apache.before-outrigger`] },
    ...keySteps(plan.certificates, rulesFile, around.user),
    ...around.before,
    {
      title: 'Change the files, as the lines above say',
      why: `Apache goes on on ${places.join(', ')}; its sites keep their old address beside the new one, for it is the port they believe to be on`,
      commands: [
        `${programText()} plan ${rulesFile} --apache ${apache.root} > ${DIFF}`,
        `patch -d / -p1 < ${DIFF}`,
        ...links.map(({ path, target }) =>
          path === '/etc/apache2/mods-enabled/remoteip.load' ? 'a2enmod remoteip' : `ln -s ${target} ${path}`,
        ),
      ],
      back: [`patch -R -d / -p1 < ${DIFF}`, ...links.map(({ path }) => `rm ${path}`)],
    },
    ...(commands.test === undefined ? [] : [{ title: 'Let Apache test them', commands: [commandText(commands.test)] }]),
    {
      title: `Take Apache off ${taken.join(', ')}`,
      why: 'From here until the next step nobody listens there',
      commands: [commandText(commands.leave)],
      back: ['put the files back, then the same command'],
    },
    startStep(taken.join(', '), commands),
    { title: 'Look', why: 'Each site answers, and the log of Apache names your own address', commands: lookAt(plan) },
    ...around.after,
  ];
}

/** Squid ends, and comes back for the way back. `lifetime`: milliseconds in which it goes on with its clients. */
export function squidSteps(
  plan: Cutover,
  certificates: readonly string[],
  commands: Commands,
  rulesFile: string,
  around: SurroundingSteps,
  lifetime: number,
): Step[] {
  const taken = plan.doors.map(({ taken: each }) => each).join(', ');
  return [
    ...keySteps(certificates, rulesFile, around.user),
    ...around.before,
    ...(commands.test === undefined
      ? []
      : [{ title: 'See that Squid could come back', commands: [commandText(commands.test)] }]),
    {
      title: `Take Squid off ${taken}`,
      why: `From here until the next step nobody listens there; its files stay as they are. It leaves its port at once and goes on with its clients for ${lifetime / 1_000} s (shutdown_lifetime), in which no other Squid starts`,
      commands: [commandText(commands.leave)],
      back: [commandText(commands.comeBack)],
    },
    startStep(taken, commands),
    { title: 'Look', why: 'Each site answers', commands: lookAt(plan) },
    ...around.after,
  ];
}

function startStep(taken: string, { startOutrigger, stopOutrigger }: Commands): Step {
  return {
    title: `Put Outrigger on ${taken}`,
    commands: [commandText(startOutrigger)],
    back: [stopOutrigger === undefined ? 'end that process' : commandText(stopOutrigger)],
  };
}

function lookAt({ sites }: Pick<CutoverPlan, 'sites'>): string[] {
  return sites.slice(0, 3).map(({ name, address, port, isTls }) => {
    const host = address === '*' ? '127.0.0.1' : address;
    return `curl -sk -o /dev/null -w '%{http_code}\\n' --connect-to ::${host}:${port} ${isTls ? 'https' : 'http'}://${name}:${port}/`;
  });
}

function keySteps(certificates: readonly string[], rulesFile: string, user: string): Step[] {
  if (certificates.length === 0) return [];
  const why = `Apache and Squid read keys as root before they give root up; Outrigger reads them as the user it runs as, here ${user}`;
  const commands = [`${programText()} validate --files --user ${user} ${rulesFile}`];
  return [{ title: 'See that Outrigger can read the certificates', why, commands }];
}

/** What changes for each certificate that is renewed on this machine. A line that two of them share is said once. */
export function renewalSteps(renewals: readonly Renewal[], portEighty: PortEighty): Step[] {
  const said = new Set<string>();
  return renewals.map((renewal) => {
    const { must, sentence, commands } = renewalAdvice(renewal, portEighty);
    const fresh = commands.filter((line) => !said.has(line));
    for (const line of fresh) said.add(line);
    return {
      ...(must && { must }),
      title: `Renewal of ${renewal.name} by ${renewal.client} (${renewal.written}, ${renewal.file})`,
      why: sentence,
      commands: fresh,
    };
  });
}

/** As a person reads and copies them: every line is a comment to a shell and to patch. Numbered from 1. */
export function stepsText(steps: readonly Step[]): string {
  return steps.map(stepText).join('\n');
}

function stepText({ must, title, why, commands, back }: Step, index: number): string {
  return [
    `# ${index + 1}. ${must ? 'CHANGE: ' : ''}${title}${why === undefined ? '' : `. ${why[0]?.toUpperCase()}${why.slice(1)}`}`,
    ...commands.flatMap((command) => command.split('\n')).map((line) => `#      ${line}`),
    ...(back ?? []).map((line) => `#      back: ${line}`),
    '',
  ].join('\n');
}
