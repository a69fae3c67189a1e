// Room: the drawn map of the rules: listeners, then routes by host and path in the order in which they are tried, then upstreams.
// Routes are one under the other, each at the size of one alone, so that fifty read like one. All numbers are pixels of the drawing.
import { type Fallback, listenerName, type RuleSet, type Upstream } from '@outrigger/rules';
import { type Links, ruleId } from './links.ts';
import { conditionLines, conditionParts, cut, fitted, numbered } from './maplabels.ts';
import { html, type Markup } from './markup.ts';

/** Columns: where each begins and how wide it is. Between them run the lines. */
const COLUMN = {
  listener: { x: 0, width: 210 },
  route: { x: 290, width: 440 },
  upstream: { x: 830, width: 250 },
} as const;
const WIDTH = 1080;
/** The line from which all routes hang: the listeners of a rules file share one table of routes. */
const TRUNK = 250;
const LINE = 18;
const PADDING = 9;
const GAP = 10;
/** Width of one character at the size of the drawing, rounded up: text must not run out of its box. */
const CHARACTER = 7.3;
/** Characters on a line of a route's box, behind its number. */
const ROUTE_ROOM = Math.floor((COLUMN.route.width - 2 * PADDING) / CHARACTER) - 5;
/** Servers named in the box of an upstream before it says how many more there are. */
const SERVERS_MAX = 3;

type Box = {
  x: number;
  y: number;
  width: number;
  lines: string[];
  title: string;
  href?: string;
  partners: string;
  kind: string;
};
type Placed = Box & { height: number };

/** Pixels from which a map is looked at piece by piece: listeners stand at its top then. */
const TALL = 600;

/** Nothing but a picture of `rules`: whoever does not see it finds the same in the list of rules. */
export function map(rules: RuleSet, links: Links): { drawing: Markup; isTall: boolean } {
  const { routes, upstreams } = columns(
    routeBoxes(rules, links),
    new Map([...rules.upstreams].map(([name, upstream]) => [name, upstreamBox(name, upstream, links)])),
  );
  const ends = upstreams.map(({ box }) => box);
  const isTall = bottomOf([...routes, ...ends]) > TALL;
  const listeners = centred(stacked(listenerBoxes(rules, links)), isTall ? 0 : bottomOf(routes));
  const height = bottomOf([...routes, ...ends, ...listeners]);
  const trunk = [...listeners, ...routes].map(middle);
  const drawing = html`<svg viewBox="-1 -1 ${WIDTH + 2} ${height + 2}" width="${WIDTH}" role="group" aria-label="Map of the rules: listeners, routes, upstreams">
<path class="edge" d="M${TRUNK} ${Math.min(...trunk)}V${Math.max(...trunk)}"/>
${listeners.map((box) => html`<path class="edge" d="M${box.x + box.width} ${middle(box)}H${TRUNK}"/>`)}
${routes.map((box) => html`<path class="edge" d="M${TRUNK} ${middle(box)}H${box.x}"/>`)}
${upstreams.flatMap(({ box, from }) => from.map((route) => html`<path class="edge ${box.kind}" d="${curve(route, box)}"/>`))}
${[...listeners, ...routes, ...ends].map(boxMarkup)}
</svg>`;
  return { drawing, isTall };
}

function listenerBoxes(rules: RuleSet, links: Links): Box[] {
  return rules.listen.map((listener, index) => {
    const does =
      listener.redirect === 'https' ? 'redirects to https' : listener.tls === undefined ? 'plain HTTP' : 'TLS';
    const name = listenerName(listener);
    return {
      ...COLUMN.listener,
      y: 0,
      lines: [name, ...(name === listener.address ? [] : [listener.address]), does],
      title: `listener ${name}`,
      ...linked(`listen[${index}]`, links),
      kind: 'listener',
    };
  });
}

function routeBoxes(rules: RuleSet, links: Links): (Box & { to: string })[] {
  const unread = rules.listen.flatMap(({ passThrough = [] }, index) =>
    passThrough.map(({ hosts, to }) => ({
      ...COLUMN.route,
      y: 0,
      lines: [...fitted('SNI', hosts, ROUTE_ROOM), 'passed on unread'],
      title: `connections for ${hosts.join(', ')} are passed on unread`,
      ...linked(`listen[${index}]`, links),
      kind: 'route',
      to,
    })),
  );
  const routes = rules.routes.map(({ when, to, fallback }, index) => ({
    ...COLUMN.route,
    y: 0,
    lines: numbered(index + 1, [
      ...conditionLines(when ?? {}, ROUTE_ROOM),
      ...(fallback === undefined ? [] : fitted('else to', fallback.map(fallbackName), ROUTE_ROOM)),
    ]),
    title: `route ${index + 1}: ${conditionParts(when ?? {})
      .map(({ label, entries }) => `${label} ${entries.join(', ')}`.trim())
      .join(
        '; ',
      )}${fallback === undefined ? '' : `; ${fallback.map(fallbackName).join(', ')} where ${to} cannot be reached`}`,
    ...linked(`routes[${index}]`, links),
    kind: 'route',
    to,
  }));
  return [...unread, ...routes];
}

type Columns = { routes: Placed[]; upstreams: { box: Placed; from: Placed[] }[] };

/**
 * Routes in their order, and upstreams beside them. One whose routes follow each other stands level with them, and they make
 * room for each other; any other takes the free place nearest to the middle of its routes.
 */
function columns(routes: readonly (Box & { to: string })[], upstreams: ReadonlyMap<string, Box>): Columns {
  const placed: Columns = { routes: [], upstreams: [] };
  const scattered = new Map<string, Placed[]>();
  const runs = runsOf(routes);
  let [routeEnd, upstreamEnd] = [0, 0];
  for (const { to, members } of runs) {
    const [end] = stacked([upstreams.get(to) ?? []].flat());
    const isWhole = end !== undefined && runs.filter((run) => run.to === to).length === 1;
    const group = stacked(members);
    const height = Math.max(bottomOf(group), isWhole ? end.height : 0);
    const top = isWhole ? Math.max(routeEnd, upstreamEnd) : routeEnd;
    const from = centred(group, height).map((box) => ({ ...box, y: box.y + top }));
    placed.routes.push(...from);
    routeEnd = top + height + GAP;
    if (isWhole) {
      placed.upstreams.push({ box: { ...end, y: top + Math.round((height - end.height) / 2) }, from });
      upstreamEnd = routeEnd;
    } else {
      scattered.set(to, [...(scattered.get(to) ?? []), ...from]);
    }
  }
  for (const [to, from] of scattered) {
    const [end] = stacked([upstreams.get(to) ?? []].flat());
    if (end === undefined) continue;
    const wanted = from.reduce((sum, each) => sum + middle(each), 0) / from.length - end.height / 2;
    const taken = placed.upstreams.map(({ box }) => box);
    placed.upstreams.push({ box: { ...end, y: freePlace(taken, end.height, Math.max(0, Math.round(wanted))) }, from });
  }
  return placed;
}

function runsOf(routes: readonly (Box & { to: string })[]): { to: string; members: Box[] }[] {
  const runs: { to: string; members: Box[] }[] = [];
  for (const route of routes) {
    const last = runs.at(-1);
    if (last?.to === route.to) last.members.push(route);
    else runs.push({ to: route.to, members: [route] });
  }
  return runs;
}

/** Where a box of this height stands clear of all others, as near to `wanted` as there is room. */
function freePlace(taken: readonly Placed[], height: number, wanted: number): number {
  const clear = (y: number): boolean =>
    y >= 0 && taken.every((each) => y + height + GAP <= each.y || y >= each.y + each.height + GAP);
  const places = [wanted, ...taken.flatMap((each) => [each.y - height - GAP, each.y + each.height + GAP])];
  return places.filter(clear).sort((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted))[0] ?? bottomOf(taken) + GAP;
}

function upstreamBox(name: string, { servers, rpcOverHttp }: Upstream, links: Links): Box {
  const more = servers.length - SERVERS_MAX;
  return {
    ...COLUMN.upstream,
    y: 0,
    lines: [
      name,
      ...servers.slice(0, SERVERS_MAX),
      ...(more > 0 ? [`and ${more} more`] : []),
      ...(rpcOverHttp ? ['Exchange: carries RPC'] : []),
    ],
    title: `upstream ${name}: ${servers.join(', ')}`,
    ...linked(`upstreams.${name}`, links),
    kind: rpcOverHttp ? 'upstream exchange' : 'upstream',
  };
}

function linked(rule: string, links: Links): Pick<Box, 'href' | 'partners'> {
  const partners = [ruleId(rule), ...links.directivesOf(rule).map(links.directiveId)].join(' ');
  return { href: `#${ruleId(rule)}`, partners };
}

function stacked<Given extends Box>(boxes: readonly Given[]): (Given & { height: number })[] {
  let y = 0;
  return boxes.map((box) => {
    const height = box.lines.length * LINE + 2 * PADDING - 4;
    const placed = { ...box, y, height };
    y += height + GAP;
    return placed;
  });
}

/** Moved down so that their middle is that of `height`, where there is room. */
function centred(boxes: readonly Placed[], height: number): Placed[] {
  const down = Math.max(0, Math.round((height - bottomOf(boxes)) / 2));
  return boxes.map((box) => ({ ...box, y: box.y + down }));
}

function bottomOf(boxes: readonly Placed[]): number {
  return Math.max(0, ...boxes.map(({ y, height }) => y + height));
}

function middle({ y, height }: Placed): number {
  return Math.round(y + height / 2);
}

function curve(route: Placed, upstream: Placed): string {
  const [x, end] = [route.x + route.width, upstream.x];
  const bend = Math.round((x + end) / 2);
  return `M${x} ${middle(route)}C${bend} ${middle(route)} ${bend} ${middle(upstream)} ${end} ${middle(upstream)}`;
}

function boxMarkup({ x, y, width, height, lines, title, href, partners, kind }: Placed): Markup {
  const room = Math.floor((width - 2 * PADDING) / CHARACTER);
  return html`<a href="${href}" class="box ${kind}" data-with="${partners}"><title>${title}</title><rect x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/>${lines.map(
    (line, index) =>
      html`<text class="${index === 0 ? 'first' : 'more'}" x="${x + PADDING}" y="${y + PADDING + 11 + index * LINE}" xml:space="preserve">${cut(line, room)}</text>`,
  )}</a>\n`;
}

/** An upstream that takes only some requests is marked. */
function fallbackName({ to, when }: Fallback): string {
  return when === undefined ? to : `${to} (some)`;
}
