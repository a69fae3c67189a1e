// Room: a stand-in Exchange on raw sockets: node's own HTTP server refuses the verbs of RPC over HTTP. It logs clients in
// with NTLM per connection as IIS does, and writes down all it sees.
import { X509Certificate } from 'node:crypto';
import { type Accepted, accept, type ServerTls } from '../acceptor.ts';
import { createEventLog, type EventLog } from '../eventlog.ts';
import { mishapOf } from '../mishap.ts';
import type { AutodiscoverFacts } from './autodiscover.ts';
import { channelBindings } from './channelbinding.ts';
import { type Auth, createGate } from './gate.ts';
import {
  type Answer,
  awaitsContinue,
  type Request,
  readRequest,
  readRequestBody,
  refuseEarly,
  sendAnswer,
} from './http.ts';
import type { Credentials } from './ntlm.ts';
import { pageOf } from './pages.ts';
import { createRpcProxy, isRpcRequest, type ServerVirtualConnection } from './rpcproxy.ts';
import type { Connection, ExchangeEvent, Note } from './sights.ts';

export type { ExchangeEvent } from './sights.ts';

export type ExchangeOptions = {
  /** TLS with this certificate; plain HTTP, as behind an offloading proxy, where absent. */
  tls?: ServerTls;
  host?: string;
  /** 0, the default: any free one. */
  port?: number;
  auth?: Auth;
  users?: Credentials[];
  /** Logins with NTLM must be bound to the certificate in `tls`, as Exchange 2019 CU14 and SE have it by default. */
  extendedProtection?: 'require';
  autodiscover?: Partial<AutodiscoverFacts>;
  /** Milliseconds an ActiveSync Ping is held; a request may say otherwise with `&hold=`. */
  pingHold?: number;
};

export type Exchange = {
  /** `HOST:PORT`. */
  readonly address: string;
  readonly port: number;
  readonly events: readonly ExchangeEvent[];
  /** Waits for an event; see EventLog. */
  readonly until: EventLog<ExchangeEvent>['until'];
  /** Those open now. */
  readonly virtualConnections: readonly ServerVirtualConnection[];
  close(): Promise<void>;
};

/** The one user there is unless told otherwise. */
export const ANNA: Credentials = { user: 'anna', domain: 'CONTOSO', password: 'Secret1' };

/** Milliseconds between two requests of a connection: IIS's connection timeout. */
const KEEP_ALIVE = 120_000;
/** Bytes of a body that is read and thrown away to keep a refused connection: less than any channel announces. */
const SKIPPED_BODY = 65_536;

/** Starts it on loopback; rejects when the port is taken. */
export async function startExchange(options: ExchangeOptions = {}): Promise<Exchange> {
  const { auth = 'ntlm', users = [ANNA], pingHold = 1_000 } = options;
  const started = performance.now();
  const log = createEventLog<ExchangeEvent>();
  const note: Note = (connection, sight) =>
    log.record({ ...sight, at: Math.round(performance.now() - started), connection: connection.id });
  const admit = createGate(auth, users, note, protectionOf(options));
  const rpcProxy = createRpcProxy(note);
  const facts = {
    autodiscover: { rpcProxy: 'mail.contoso.com', mailboxServer: 'mbx1.contoso.com', auth, ...options.autodiscover },
    knows: (address: string) => users.some(({ user }) => address.toLowerCase().startsWith(`${user.toLowerCase()}@`)),
    pingHold,
  };

  /** Answers one request; false when the connection is not to be used again. */
  async function answer(connection: Connection, request: Request): Promise<boolean> {
    const page = pageOf(request);
    const isRpc = isRpcRequest(request);
    const admission = page.isOpen && !isRpc ? { kind: 'admitted' as const } : admit(connection, request);
    if (admission.kind === 'refused') return refuse(connection, request, { fields: admission.fields });
    if (isRpc) return (await rpcProxy.serve(connection, request, admission.user)) === 'keep';
    const body = await readRequestBody(connection, request);
    note(connection, { kind: 'body', bytes: body.bytes, whole: body.whole, sha256: body.sha256 });
    if (!body.whole) return false;
    const hold = (milliseconds: number) => held(connection, milliseconds);
    const user = admission.user ?? connection.user;
    return sendAnswer(
      connection,
      request,
      await page.answer({ request, body, user, facts, hold }),
      mishapOf(request.target),
    );
  }

  async function refuse(
    connection: Connection,
    request: Request,
    { fields }: Pick<Answer, 'fields'>,
  ): Promise<boolean> {
    const { framing } = request;
    const isLong = framing.kind === 'chunked' || (framing.kind === 'length' && framing.bytes > SKIPPED_BODY);
    const denial: Answer = { status: 401, reason: 'Unauthorized', body: 'Unauthorized\n', ...(fields && { fields }) };
    if (isLong || awaitsContinue(request)) {
      await refuseEarly(connection, request, denial);
      return false;
    }
    const skipped = await readRequestBody(connection, request);
    return skipped.whole && sendAnswer(connection, request, denial);
  }

  async function serve(connection: Connection): Promise<void> {
    const { inlet, from, tls } = connection;
    note(connection, { kind: 'connected', from, ...(tls && { tls }) });
    void inlet.whenOver().then((how) => note(connection, { kind: 'over', how }));
    for (let open = true; open; ) {
      const read = await readRequest(inlet, KEEP_ALIVE);
      if (read.kind === 'bad') note(connection, { kind: 'refused', status: 400, why: read.why });
      if (read.kind !== 'request') break;
      const { method, target, version, fields } = read.request;
      const { user } = connection;
      note(connection, { kind: 'request', method, target, version, fields, ...(user !== undefined && { user }) });
      open = await answer(connection, read.request);
    }
    connection.finish();
  }

  let count = 0;
  const { host, port, tls } = options;
  const acceptor = await accept(
    { ...(host && { host }), ...(port && { port }), ...(tls && { tls }) },
    (accepted: Accepted) => {
      count += 1;
      void serve(Object.assign(accepted, { id: count }));
    },
  );
  return {
    address: `${acceptor.host}:${acceptor.port}`,
    port: acceptor.port,
    events: log.events,
    until: log.until,
    get virtualConnections() {
      return rpcProxy.virtualConnections;
    },
    close: acceptor.close,
  };
}

function protectionOf({ extendedProtection, tls }: ExchangeOptions): { channel: Buffer | undefined } | undefined {
  if (extendedProtection === undefined) return undefined;
  return { channel: tls && channelBindings(new X509Certificate(tls.cert).raw) };
}

/** A client that half-closes still waits for its answer; one that is gone does not. */
function held(connection: Connection, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    void connection.inlet.whenOver().then((how) => {
      timer.unref();
      if (how !== 'FIN') resolve();
    });
  });
}
