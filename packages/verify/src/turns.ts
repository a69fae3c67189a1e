// Room: balancers, of which each request gets whose turn it is: what reached one member, as another member would have got it and told of it.
// Pure.
import type { Membership, OldServer } from './oracle.ts';
import type { Fields, Reached } from './probe.ts';

/** Members of one balancer, where each side reached another. */
export type Turn = { own: Member; wanted: Member };
type Member = { server: OldServer; path: string };

/** What is known of servers: those of the old config, and which upstream each stand-in of our side is for. */
type Servers = { servers: readonly OldServer[]; standIns: ReadonlyMap<string, string> };

/** Two servers by name as members of one balancer; undefined where they are one server, or of none together. */
export function turnOf(ours: string, theirs: string, known: Servers): Turn | undefined {
  const [own, wanted] = [serverOf(ours, known), serverOf(theirs, known)];
  if (own === undefined || wanted === undefined || own === wanted) return undefined;
  for (const { balancer, path } of own.balancers ?? []) {
    const other = wanted.balancers?.find((each: Membership) => each.balancer === balancer);
    if (other !== undefined) return { own: { server: own, path }, wanted: { server: wanted, path: other.path } };
  }
  return undefined;
}

/** The server of the old config, by its own name or by that of a stand-in for it on our side. */
function serverOf(asked: string, { servers, standIns }: Servers): OldServer | undefined {
  const upstream = standIns.get(asked);
  return servers.find(({ name, url }) => (upstream === undefined ? name === asked : asked === `${upstream} ${url}`));
}

/** A head as the other member would have got it: under its name and its path. */
export function inItsTurn(head: Reached, turn: Turn | undefined): Reached {
  if (turn === undefined) return head;
  const { own, wanted } = turn;
  const [mine, its] = [new URL(own.server.url).host, new URL(wanted.server.url).host];
  const isBelow = head.target.startsWith(own.path);
  return {
    ...head,
    target: isBelow ? wanted.path + head.target.slice(own.path.length) : head.target,
    fields: head.fields.map(([name, value]) => [name, /^host$/i.test(name) && value === mine ? its : value]),
  };
}

/** What a member says of itself in an answer, as the other would: as the host of URLs, and as the domain of cookies. */
export function toldInItsTurn(fields: Fields, turn: Turn | undefined): Fields {
  if (turn === undefined) return fields;
  const [mine, its] = [new URL(turn.own.server.url), new URL(turn.wanted.server.url)];
  return fields.map(([name, value]) => [
    name,
    value.replaceAll(`//${mine.host}/`, `//${its.host}/`).replaceAll(`=${mine.hostname};`, `=${its.hostname};`),
  ]);
}
