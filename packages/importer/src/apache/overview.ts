// Room: the first screen of an import of Apache: does Outlook connect, what moved, what stayed and why, what comes next. Pure.
import { formatPlace } from '@outrigger/rules';
import { plural, shortPlace } from '../report/wording.ts';
import type { Answers } from '../translation.ts';
import { RPC } from './addedrpc.ts';
import type { Taken } from './hosts.ts';
import { remoteIpAdvice } from './loopback.ts';
import type { Move, Stay } from './moves.ts';
import { isUnder } from './overlap.ts';
import type { ApachePlace } from './place.ts';
import type { VirtualHost } from './servers.ts';

/**
 * What became of a virtual host. `names`: Hosts for which its paths are routed; absent for all. `others`: lines of proxying to servers
 * that were not looked at. `taken`: names of it that an earlier one has.
 */
export type HostFate = {
  host: VirtualHost;
  names?: string[];
  moves: readonly Move[];
  stays: readonly Stay[];
  others: number;
  taken: readonly Taken[];
  /** Why nothing of it can move, whatever its lines say. */
  unmoved?: string;
  /** Why no route for /rpc was added beside /owa, where one might have been. */
  notAdded?: string;
};

/** Lines of one answer: with four answers and what stands around them a screen of 24. */
const LINES_MAX = 5;

/** Ways of a client to its server: paths of which one is enough. */
const WAYS = {
  outlook: { question: 'Does Outlook connect?', paths: [RPC, '/mapi'] },
  gateway: { question: 'Does Remote Desktop connect?', paths: ['/remoteDesktopGateway', RPC] },
} as const;

/** The questions of a person who has just imported, each with its answer. */
export function overviewOf(
  fates: readonly HostFate[],
  { place, servers, knowsLoopback }: { place: ApachePlace; servers: readonly string[]; knowsLoopback: boolean },
): Answers[] {
  const told = fates.filter(({ moves, stays }) => moves.length > 0 || stays.some(({ isExchange }) => isExchange));
  const behind = told.filter(isOfExchange);
  const ways = (['outlook', 'gateway'] as const).map((way) => ({
    question: WAYS[way].question,
    answers: short(behind.filter((fate) => wayOf(fate) === way).map((fate) => wayAnswer(fate, WAYS[way].paths))),
  }));
  const moved = told.flatMap(movesOf);
  const kept = told.flatMap(staysOf);
  const stayed = [...kept, ...told.flatMap(partsOf), ...told.flatMap(takenOf)];
  const others = fates.reduce((sum, fate) => sum + fate.others, 0);
  const among = others === 0 ? '' : `, ${plural(others, 'line')} of proxying to other servers among it (--lift all)`;
  const rest = `all else, with Apache on ${servers.map((each) => each.replace(/^https?:\/\//, '')).join(', ')}${among}`;
  const asked = ways.filter(({ answers }) => answers.length > 0);
  return [
    ...(asked.length > 0 ? asked : [{ question: WAYS.outlook.question, answers: [NOTHING] }]),
    { question: 'What moved?', answers: moved.length === 0 ? ['nothing'] : short(moved) },
    { question: 'What stayed?', answers: [...short(stayed), rest] },
    { question: 'What next?', answers: stepsTo(place, knowsLoopback, kept.length > 0) },
  ].filter(({ answers }) => answers.length > 0);
}

const NOTHING =
  'No: nothing says that a line leads to Exchange or an RD Gateway. A path such as /owa, /rpc with /mapi, or /RDWeb would.';

function isOfExchange({ moves, stays }: HostFate): boolean {
  return moves.some(({ sign }) => sign !== undefined) || stays.some(({ isExchange }) => isExchange);
}

function wayOf({ moves, stays }: HostFate): keyof typeof WAYS {
  const paths = [...moves, ...stays].map(({ prefix = '' }) => prefix.toLowerCase());
  return paths.some((path) => /^\/(?:rdweb|remotedesktopgateway)/.test(path)) ? 'gateway' : 'outlook';
}

/** Yes, by which path and to where; no, and why. */
function wayAnswer(fate: HostFate, paths: readonly string[]): string {
  const { moves, stays } = fate;
  const found = paths.flatMap((path) => {
    const move = moves.find(({ prefix, sign }) => sign !== undefined && isUnder(path, prefix));
    return move === undefined ? [] : [{ path, move }];
  });
  const [first] = found;
  if (first !== undefined) {
    const ways = found.map(({ path, move }) => (move.isAdded ? `${path} (added: no line of Apache says it)` : path));
    const isNarrow = found.every(
      ({ move: { access, when } }) =>
        access.some((each) => each.access.kind !== 'open') || Object.keys(when).length > 0,
    );
    const to = first.move.read.backend.servers.join(', ');
    return `Yes, through Outrigger, on ${nameOf(fate)}: ${ways.join(' and ')} to ${to}${isNarrow ? ', for some: see the access lines' : ''}`;
  }
  const kept = stays.find(({ prefix, isExchange }) => isExchange && paths.some((path) => isUnder(path, prefix ?? '/')));
  if (kept !== undefined) return `No, on ${nameOf(fate)}: ${whyOf(kept)}`;
  if (fate.unmoved !== undefined) return `No, on ${nameOf(fate)}: ${fate.unmoved}`;
  return `No, on ${nameOf(fate)}: no line sends ${paths.join(' or ')} there${fate.notAdded === undefined ? '' : `, and none was added: ${fate.notAdded}`}. Write a route if it shall`;
}

function movesOf(fate: HostFate): string[] {
  const servers = [...new Set(fate.moves.map(({ read }) => read.backend.servers.join(', ')))];
  return servers.map((server) => {
    const own = fate.moves.filter(({ read }) => read.backend.servers.join(', ') === server);
    const paths = own.map(
      ({ prefix, isAdded }) => `${prefix === '/' ? 'every path' : prefix}${isAdded ? ' (added)' : ''}`,
    );
    return `${nameOf(fate)}: ${[...new Set(paths)].join(', ')} to ${server}`;
  });
}

/** Paths that lead to Exchange and stay, those of one reason together. */
function staysOf(fate: HostFate): string[] {
  const own = fate.stays.filter(({ isExchange }) => isExchange);
  const reasons = [...new Set(own.map(whyOf))];
  return reasons.map((reason) => {
    const paths = own.filter((each) => whyOf(each) === reason).map(({ prefix }) => prefix ?? 'a line');
    return `${nameOf(fate)}: ${paths.join(', ')}: ${reason}`;
  });
}

/** Requests of paths that moved that some line keeps. */
function partsOf(fate: HostFate): string[] {
  const found = fate.moves.flatMap(({ staying, line: own }) => staying.filter(({ line }) => line !== own));
  const lines = [...new Set(found.map(({ line }) => line))].sort((a, b) => a.at.line - b.at.line);
  if (lines.length === 0) return [];
  const places = lines.map(({ at }, index) => shortPlace(at, lines[index - 1]?.at));
  return [
    `${nameOf(fate)}: of the paths that moved, what ${places.join(', ')} ${lines.length === 1 ? 'is' : 'are'} for`,
  ];
}

function takenOf({ taken }: HostFate): string[] {
  return taken.map(
    ({ name, by }) => `${name}: Apache answers it in an earlier virtual host (${formatPlace(by.section.at)})`,
  );
}

function whyOf({ obstacle }: Stay): string {
  return `${obstacle.reason} (${formatPlace(obstacle.line.at)})`;
}

function nameOf({ host, names }: HostFate): string {
  const [first, ...more] = (names ?? [host.serverName ?? 'every Host']).filter((name) => !name.startsWith('!'));
  return more.length === 0 ? (first ?? 'every other Host') : `${first} (and ${more.length} more)`;
}

function short(lines: readonly string[]): string[] {
  if (lines.length <= LINES_MAX) return [...lines];
  return [...lines.slice(0, LINES_MAX - 1), `and ${lines.length - LINES_MAX + 1} more, line by line below`];
}

function stepsTo(place: ApachePlace, knowsLoopback: boolean, hasStays: boolean): string[] {
  const steps = [
    ...(hasStays
      ? ['decide about the lines marked with !: write their routes by hand, or leave them with Apache']
      : []),
    ...(knowsLoopback ? [] : [`plan tells Apache the address of clients: ${remoteIpAdvice(place)}`]),
    'outrigger verify RULES --apache DIR asks your Apache and Outrigger the same and shows each difference',
    'outrigger plan RULES --apache DIR shows the cut-over and what is in its way; --apply does it, rollback undoes it',
  ];
  return steps.map((step, index) => `${index + 1}. ${step}`);
}
