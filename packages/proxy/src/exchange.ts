// Room: one request from its complete head to the end of its answer: verdict, lane, record. Writes to the client only what no
// server wrote: the few refusals.
import { type CompiledRules, listenerName } from '@outrigger/rules';
import { decidingPlace, type LogRecord, loggedTarget, type RequestRecord } from './accesslog.ts';
import { channelFinding, channelOf } from './channel.ts';
import type { Fields } from './http1/fields.ts';
import { forwardedRequestHead } from './http1/forward.ts';
import type { RequestHead } from './http1/head.ts';
import { replyBytes } from './http1/reply.ts';
import type { Leg } from './leg.ts';
import { asksForUpgrade } from './persistence.ts';
import type { Pins } from './pins.ts';
import { type RelayEnd, relay } from './relay.ts';
import { mapTarget } from './rewrite.ts';
import { type Forward, judge, type Origin, type Verdict } from './verdict.ts';
import type { RewriteLane } from './web.ts';

/** What the exchanges of one client connection have in common. */
export type Session = {
  client: Leg;
  origin: Origin;
  rules: CompiledRules;
  /** Connections to servers, and in-memory ones into the rewrite lane. */
  pins: { relay: Pins; rewrite: Pins };
  rewriteLane: RewriteLane;
  report: (record: LogRecord) => void;
  /** Milliseconds since 1970. */
  now: () => number;
};

/** What the connection does next: read a head, end cleanly, break off; `gone`: the client has closed already. */
export type After = 'next' | 'finish' | 'reset' | 'gone';

/** The record is what the exchange adds to what the head told. */
type Outcome = { after: After; record: Partial<RequestRecord> & Pick<RequestRecord, 'ending'> };

/** RFC 9110 15.5.6 wants the methods that would do: those of a web server, where tunnels are not. */
const ALLOW: Fields = [['Allow', 'GET, HEAD, POST, PUT, DELETE, OPTIONS']];

/** Answers one request, or has it answered, and reports it. */
export async function exchange(head: RequestHead, session: Session): Promise<After> {
  const { origin, rules, report, now } = session;
  const at = now();
  const verdict = judge(head, origin, rules);
  const { after, record } = await carryOut(verdict, head, session);
  const told = describe(head, verdict, origin);
  const missing = verdict.kind === 'forward' && verdict.tunnel ? channelEnd(verdict, record) : {};
  report({ ...told, at, ...missing, ...record, milliseconds: now() - at });
  return after;
}

function carryOut(verdict: Verdict, head: RequestHead, session: Session): Outcome | Promise<Outcome> {
  switch (verdict.kind) {
    case 'reset':
      return { after: 'reset', record: { ending: { how: 'refused', by: 'proxy' }, ...finding(verdict) } };
    case 'refuse':
      return refuse(verdict.status, verdict, head, session);
    case 'forward':
      return forward(verdict, head, session);
  }
}

/** Says no ourselves and ends the connection: what the client sends after that is not looked at (RFC 9112 9.6). */
function refuse(
  status: number,
  trouble: { code: string; message: string },
  head: RequestHead,
  { client }: Session,
): Outcome {
  client.write(replyBytes(status, { method: head.method, ...(status === 405 && { headers: ALLOW }) }));
  return { after: 'finish', record: { status, ending: { how: 'refused', by: 'proxy' }, ...finding(trouble) } };
}

async function forward(verdict: Forward, head: RequestHead, session: Session): Promise<Outcome> {
  const { name, upstream, framing, tunnel, decision } = verdict;
  // What follows a 101 is opaque, so an upgrade on a rewriting route is relayed, with its path mapped.
  const rewrites = decision.lane === 'rewrite' && !asksForUpgrade(head);
  const pins = rewrites ? session.pins.rewrite : session.pins.relay;
  for (;;) {
    const taken = await pins.take(name);
    if (taken.kind === 'cancelled') return { after: 'gone', record: { ending: { how: 'closed', by: 'client' } } };
    if (taken.kind === 'failed') {
      const { after, record } = refuse(taken.failure.status, taken.failure, head, session);
      return { after, record: { ...record, server: taken.server } };
    }
    const { pin } = taken;
    const rewriting = rewrites ? session.rewriteLane.prepare(pin.leg.stream, verdict) : undefined;
    const end = await relay({
      client: session.client,
      upstream: pin.leg,
      place: `${name} (${pin.server})`,
      head,
      framing,
      forwarded: forwardedHead(verdict, head, session.origin, rewrites),
      tunnel,
      fresh: pin.fresh,
      timeouts: upstream.timeouts,
    });
    pin.fresh = false;
    // Once at most: only a connection that carried a request before may ask for it, and the next one is new.
    if (end.next === 'repeat') continue;
    if (end.next === 'next') pins.release(pin);
    return conclude(end.next, end, { server: pin.server, ...rewriting }, head, session);
  }
}

function conclude(
  next: Exclude<RelayEnd['next'], 'repeat'>,
  end: RelayEnd,
  by: { server: string; trouble?: { code: string; message: string } },
  head: RequestHead,
  session: Session,
): Outcome {
  const trouble = by.trouble ?? end.failure ?? end.badBody;
  const record = {
    server: by.server,
    bytesUp: end.bytesUp,
    bytesDown: end.bytesDown,
    ending: end.ending,
    ...(end.status !== undefined && { status: end.status }),
    ...(end.upstreamVersion !== undefined && { upstreamVersion: end.upstreamVersion }),
    ...(trouble !== undefined && finding(trouble)),
  };
  if (next !== 'reply') return { after: next, record };
  const status = end.failure?.status ?? 400;
  session.client.write(replyBytes(status, { method: head.method }));
  return { after: 'finish', record: { ...record, status } };
}

/** The head as it goes on; a lane that maps the path does so itself, an upgrade on its route gets it here. */
function forwardedHead(verdict: Forward, head: RequestHead, origin: Origin, rewrites: boolean): Buffer {
  const { facts, upstream, tunnel, decision } = verdict;
  const forwarded = forwardedRequestHead(head, {
    target: facts.target,
    authority: facts.authority,
    scheme: origin.listener.tls === undefined ? 'http' : 'https',
    client: origin.address,
    protocolTunnel: tunnel,
    frontEndHttps: upstream.frontEndHttps,
    ...(upstream.host !== undefined && { host: upstream.host }),
  });
  const map = decision.route?.rewrite?.path;
  if (map === undefined || rewrites || tunnel) return forwarded;
  const requestLine = `${head.method} ${mapTarget(facts.target, map)} HTTP/${head.version}\r\n`;
  return Buffer.concat([Buffer.from(requestLine, 'latin1'), forwarded.subarray(forwarded.indexOf('\n') + 1)]);
}

/** What the head alone tells. */
function describe(head: RequestHead, verdict: Verdict, { listener, address, port }: Origin): RequestRecord {
  const { facts, decision } = verdict;
  const rule = decision === undefined ? undefined : decidingPlace(decision);
  const target = facts?.target ?? head.target;
  const channel = verdict.kind === 'forward' && verdict.tunnel ? channelOf(target) : undefined;
  return {
    kind: 'request',
    at: 0,
    milliseconds: 0,
    client: `${address}:${port}`,
    listener: listenerName(listener),
    method: head.method,
    host: facts?.host ?? '',
    target: loggedTarget(target),
    version: head.version,
    bytesUp: 0,
    bytesDown: 0,
    ending: { how: 'refused', by: 'proxy' },
    ...(verdict.kind === 'forward' && { upstream: verdict.name }),
    ...(channel !== undefined && { channel }),
    ...(rule !== undefined && { rule }),
  };
}

function channelEnd({ facts, framing }: Forward, record: Outcome['record']): { code?: string; message?: string } {
  const seen = {
    method: facts.method,
    bytesUp: record.bytesUp ?? 0,
    bytesDown: record.bytesDown ?? 0,
    ...(framing.kind === 'length' && { announced: framing.bytes }),
    ...(record.status !== undefined && { status: record.status }),
  };
  return channelFinding(seen) ?? {};
}

function finding({ code, message }: { code: string; message: string }): { code: string; message: string } {
  return { code, message };
}
