// Room: one request from its complete head to the end of its answer: verdict, lane, record. Writes to the client only what no
// server wrote: the few refusals.
import { type Fields, listenerName, localTimeOf, timeoutsOf } from '@outrigger/rules';
import { decidingPlace, type LogRecord, loggedTarget, type RequestRecord } from './accesslog.ts';
import { channelFinding, channelOf } from './channel.ts';
import { editedHead } from './http1/edits.ts';
import { forwardedRequestHead } from './http1/forward.ts';
import type { RequestHead } from './http1/head.ts';
import { PLAIN, type ReplyOptions, replyBytes } from './http1/reply.ts';
import type { Leg } from './leg.ts';
import type { AccessEntry, Answered } from './logline.ts';
import type { Pin } from './pins.ts';
import { type RelayEnd, type RelayRequest, relay } from './relay.ts';
import { mapTarget } from './rewrite.ts';
import { type Forward, judge, type Origin, type Verdict } from './verdict.ts';
import { vouchedBy } from './vouched.ts';
import { remember, type Traveller, waysOf } from './ways.ts';

/** What the exchanges of one client connection have in common. */
export type Session = Traveller & {
  client: Leg;
  report: (record: LogRecord) => void;
  /** Told of every request where the rules have access logs. */
  logAccess: ((entry: AccessEntry) => void) | undefined;
  /** What the client got for the request under way. */
  answered?: Answered | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
  /** The last request of a tunnel was answered with a login round, and none has come up since. */
  loginOpen: boolean;
  /** Address of the client whose requests the pinned connections have carried; a trusted proxy may bring many on one. */
  lastClient?: string;
};

/** What the connection does next: read a head, end cleanly, break off; `gone`: the client has closed already. */
export type After = 'next' | 'finish' | 'reset' | 'gone';

/** RFC 9110 15.5.6 wants the methods that would do: those of a web server, where tunnels are not. */
const ALLOW: Fields = [['Allow', 'GET, HEAD, POST, PUT, DELETE, OPTIONS']];

const HEAD_END = '\r\n\r\n';

/** Answers one request, or has it answered, and reports it. */
export async function exchange(head: RequestHead, session: Session): Promise<After> {
  const { origin, generation, report, logAccess, now } = session;
  session.answered = undefined;
  const at = now();
  const verdict = judge(head, origin, generation.rules, localTimeOf(new Date(at)));
  const record = openRecord(head, verdict, origin, at);
  separateClients(verdict, session);
  const after = await carryOut(verdict, head, session, record);
  record.milliseconds = now() - record.at;
  report(record);
  if (generation.rules.ruleSet.accessLog !== undefined) logAccess?.(entryOf(record, head, verdict, session));
  return after;
}

function entryOf(
  record: RequestRecord,
  head: RequestHead,
  { facts }: Verdict,
  { origin, answered }: Session,
): AccessEntry {
  const address = facts?.client ?? origin.address;
  const client = { address, port: address === origin.address ? origin.port : undefined };
  return { record, head, facts, client, answered };
}

/** A login belongs to a connection, and a proxy in front may send the next client's request on ours: that one starts anew. */
function separateClients({ facts }: Verdict, session: Session): void {
  if (facts === undefined) return;
  if (session.lastClient !== undefined && session.lastClient !== facts.client) {
    session.pins.relay.forget();
    session.pins.rewrite.forget();
    session.loginOpen = false;
    delete session.origin.newVisit;
  }
  session.lastClient = facts.client;
}

/** What the head alone tells; the exchange fills in the rest. */
function openRecord(head: RequestHead, verdict: Verdict, origin: Origin, at: number): RequestRecord {
  const { facts, decision } = verdict;
  const target = facts?.target ?? head.target;
  const peer = `${origin.address}:${origin.port}`;
  const named = facts !== undefined && facts.client !== origin.address;
  return {
    kind: 'request',
    at,
    milliseconds: 0,
    client: named ? facts.client : peer,
    via: named ? peer : undefined,
    listener: listenerName(origin.listener),
    method: head.method,
    host: facts?.host ?? '',
    target: loggedTarget(target),
    version: origin.http2 === undefined ? head.version : '2',
    status: undefined,
    upstream: verdict.kind === 'forward' ? verdict.name : undefined,
    server: undefined,
    upstreamVersion: undefined,
    bytesUp: 0,
    bytesDown: 0,
    ending: { how: 'refused', by: 'proxy' },
    channel: verdict.kind === 'forward' && verdict.tunnel ? channelOf(target) : undefined,
    rule: decision === undefined ? undefined : decidingPlace(decision),
    code: undefined,
    message: undefined,
  };
}

function carryOut(
  verdict: Verdict,
  head: RequestHead,
  session: Session,
  record: RequestRecord,
): After | Promise<After> {
  if (verdict.kind === 'forward') return forward(verdict, head, session, record);
  if (verdict.kind === 'redirect') return redirect(verdict, head, session, record);
  tell(record, verdict);
  return verdict.kind === 'reset'
    ? 'reset'
    : refuse(verdict.status, head, session, record, pageOf(verdict, session, record));
}

function tell(record: RequestRecord, { code, message }: { code: string; message: string }): void {
  record.code = code;
  record.message = message;
}

/** Sends the client to another URL. The connection ends: the next request belongs on another. */
function redirect(
  { status, location, denied }: { status: number; location: string; denied?: { code: string; message: string } },
  { method }: RequestHead,
  session: Session,
  record: RequestRecord,
): After {
  record.status = status;
  record.ending = { how: denied === undefined ? 'complete' : 'refused', by: 'proxy' };
  if (denied !== undefined) tell(record, denied);
  const headers: Fields = [['Location', location]];
  writeReply(session, status, { method, headers, body: `This page is at ${location}` });
  return 'finish';
}

type ReplyPage = Pick<ReplyOptions, 'page' | 'headers'>;

/** The page that rules want shown for a denial; nothing where they want none. */
function pageOf(verdict: Verdict, { generation }: Session, { at }: RequestRecord): ReplyPage {
  const shown = verdict.kind === 'refuse' ? generation.pages.get(verdict.page ?? '') : undefined;
  if (shown === undefined || verdict.facts === undefined) return {};
  const { type, language, pageFor } = shown;
  return {
    page: { type, content: pageFor(verdict.facts, new Date(at)) },
    ...(language !== undefined && { headers: [['Content-Language', language]] }),
  };
}

/** Says no ourselves and ends the connection: what the client sends after that is not looked at (RFC 9112 9.6). */
function refuse(
  status: number,
  { method }: RequestHead,
  session: Session,
  record: RequestRecord,
  { page, headers = [] }: ReplyPage = {},
): After {
  record.status = status;
  const allow = status === 405 ? ALLOW : [];
  writeReply(session, status, { method, headers: [...allow, ...headers], ...(page && { page }) });
  return 'finish';
}

function writeReply(session: Session, status: number, options: ReplyOptions): void {
  const reply = replyBytes(status, options);
  const headBytes = reply.indexOf(HEAD_END) + HEAD_END.length;
  session.answered = {
    fields: [['Content-Type', options.page?.type ?? PLAIN]],
    headBytes,
    bodyBytes: reply.length - headBytes,
  };
  session.client.write(reply);
}

async function forward(routed: Forward, head: RequestHead, session: Session, record: RequestRecord): Promise<After> {
  const ways = waysOf(routed, head, session);
  let way = ways[0];
  for (let next = 1; ; ) {
    const { verdict, pins, dialler, asked, ownField } = way;
    record.upstream = verdict.name;
    const taking = pins.take(verdict.name, dialler, asked);
    const taken = taking instanceof Promise ? await taking : taking;
    if (taken.kind === 'cancelled') {
      record.ending = { how: 'closed', by: 'client' };
      return 'gone';
    }
    if (taken.kind === 'failed') {
      const other = ways[next];
      if (other !== undefined) {
        way = other;
        next += 1;
        continue;
      }
      record.server = taken.server;
      tell(record, taken.failure);
      return refuse(taken.failure.status, head, session, record);
    }
    const { pin } = taken;
    if (ways.length > 1) remember(routed, way, session);
    const rewriting = way.rewrites ? session.generation.rewriteLane.prepare(pin.leg.stream, verdict) : undefined;
    const forwarded = forwardedHead(verdict, head, session, way.rewrites);
    const edits = verdict.decision.responseEdits;
    const ours = { forwarded, ...(ownField && { ownField }), ...(edits && { edits }) };
    const end = await carry(verdict, head, session, pin, ours);
    // Once at most: only a connection that carried a request before may ask for it, and the next one is new.
    if (end.next === 'repeat') continue;
    if (end.next === 'next') pins.release(pin);
    fill(record, end, verdict);
    const { fields, headBytes, bytesDown: bodyBytes } = end;
    if (end.status !== undefined) session.answered = { fields, headBytes, bodyBytes };
    if (verdict.tunnel) session.loginOpen = end.status === 401 && record.code === undefined;
    record.server = rewriting?.server ?? pin.server;
    const trouble = rewriting?.trouble ?? end.failure ?? end.badBody;
    if (trouble !== undefined) tell(record, trouble);
    return end.next === 'reply' ? refuse(end.failure?.status ?? 400, head, session, record) : end.next;
  }
}

function carry(
  { name, framing, tunnel, upstream, decision }: Forward,
  head: RequestHead,
  { client }: Session,
  pin: Pin,
  ours: Pick<RelayRequest, 'forwarded' | 'ownField' | 'edits'>,
): Promise<RelayEnd> {
  const { leg, reader, server, fresh } = pin;
  const place = `${name} (${server})`;
  const timeouts = timeoutsOf(upstream, decision.route);
  pin.fresh = false;
  return relay({ client, upstream: leg, reader, place, head, framing, tunnel, fresh, timeouts, ...ours });
}

function fill(record: RequestRecord, end: RelayEnd, { tunnel, framing }: Forward): void {
  record.status = end.status;
  record.upstreamVersion = end.upstreamVersion;
  record.bytesUp = end.bytesUp;
  record.bytesDown = end.bytesDown;
  record.ending = end.ending;
  if (!tunnel) return;
  const announced = framing.kind === 'length' ? framing.bytes : 0;
  const missing = channelFinding({ ...end, method: record.method, announced });
  if (missing !== undefined) tell(record, missing);
}

/** The head as it goes on. The rewrite lane maps the path itself; an upgrade on its route gets that here. */
function forwardedHead(
  verdict: Forward,
  head: RequestHead,
  { origin, generation }: Session,
  rewrites: boolean,
): Buffer {
  const { facts, upstream, tunnel, decision } = verdict;
  const vouched = vouchedBy(origin.address, head.fields, generation.rules.trusts);
  const own = forwardedRequestHead(head, {
    target: facts.target,
    authority: facts.authority,
    scheme: origin.listener.tls === undefined ? 'http' : 'https',
    client: origin.address,
    ...(vouched && { vouched }),
    ...(origin.certificate && { certificate: origin.certificate }),
    protocolTunnel: tunnel,
    frontEndHttps: upstream.frontEndHttps,
    ...(upstream.forwardedFor && { forwardedFor: upstream.forwardedFor }),
    ...(upstream.host !== undefined && { host: upstream.host }),
  });
  const forwarded = decision.requestEdits === undefined ? own : editedHead(own, decision.requestEdits);
  const map = decision.route?.rewrite?.path;
  if (map === undefined || rewrites || tunnel) return forwarded;
  const requestLine = `${head.method} ${mapTarget(facts.target, map)} HTTP/${head.version}\r\n`;
  return Buffer.concat([Buffer.from(requestLine, 'latin1'), forwarded.subarray(forwarded.indexOf('\n') + 1)]);
}
