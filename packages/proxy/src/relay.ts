// Room: the default lane. One request and its answer between two legs: raw bytes both ways at once, untouched, with
// back-pressure per direction. Two counters know where request and answer end and look at nothing else.
//
//   client ── body ──> upstream        asking    no final head yet: 1xx heads pass, an answer is awaited
//   client <── head, body ── upstream  answering the final head has passed, its body follows
//                                      opaque    after 101: two byte pipes for ever
//
// Either side may end its direction first; that passes on as a half-close. A response may come, and even end, while the request
// is still being sent: an OUT channel lives on that, and a 401 may answer an IN whose 1 GiB has not begun.
import type { Fields, HeaderEdits, Timeouts } from '@outrigger/rules';
import { answerTimeout, badAnswer, closedWithoutAnswer, type Failure, upstreamFailure } from './failure.ts';
import { type BodyCounter, bodyCounter, type Framing, responseFraming } from './http1/body.ts';
import { editedHead } from './http1/edits.ts';
import { hasToken } from './http1/fields.ts';
import { withFieldLine } from './http1/forward.ts';
import type { HeadReader, RequestHead, ResponseHead } from './http1/head.ts';
import type { Leg, LegListener } from './leg.ts';
import { asksForUpgrade, mayBeRepeated, persists } from './persistence.ts';
import { type SilenceWatch, watchSilence } from './silence.ts';

export type RelayRequest = {
  client: Leg;
  upstream: Leg;
  /** Of the upstream leg: between two heads, as is what comes on it. */
  reader: HeadReader<ResponseHead>;
  /** Upstream and server, for messages: `exchange (https://10.1.1.14:443)`. */
  place: string;
  /** The request as the client sent it, and how its body ends. */
  head: RequestHead;
  framing: Framing;
  /** The head as it goes on. */
  forwarded: Buffer;
  /** A field line of our own, with its CRLF, for the head of the final answer. */
  ownField?: Buffer;
  /** What rules change in the head of the final answer; a 101 passes as it came, for its fields are its protocol's. */
  edits?: HeaderEdits;
  /** A method of MS-RPCH or MS-TSGU: no answer is owed, silence lasts hours, peers decide when to close. */
  tunnel: boolean;
  /** No request went over this upstream connection before. */
  fresh: boolean;
  /** Milliseconds, of the route or its upstream. */
  timeouts: Timeouts;
};

/**
 * What is to be done with the client:
 * `next` read the next head · `finish` say nothing more and close when it has read all · `reset` break off, the answer was cut
 * · `gone` it is closed · `reply` it got no byte yet: answer `failure.status` · `repeat` dial anew and relay again.
 */
export type RelayNext = 'next' | 'finish' | 'reset' | 'gone' | 'reply' | 'repeat';

/** How an exchange ended. `complete` both messages whole · `closed` FIN · `reset` · `silent` a limit of ours · `refused` by us. */
export type Ending = { how: 'complete' | 'closed' | 'reset' | 'silent' | 'refused'; by: 'client' | 'server' | 'proxy' };

export type RelayEnd = {
  next: RelayNext;
  ending: Ending;
  /** Of the final response; undefined where none came. */
  status: number | undefined;
  /** Its fields as they came, and the bytes of its head as it went on. */
  fields: Fields;
  headBytes: number;
  upstreamVersion: '1.0' | '1.1' | undefined;
  /** Bytes of bodies, and after 101 of everything. */
  bytesUp: number;
  bytesDown: number;
  failure: Failure | undefined;
  /** What the client did wrong in its body: status 400, the finding as a sentence. */
  badBody: { code: string; message: string } | undefined;
};

/** Carries one exchange. Both legs are free again when it resolves; the upstream leg is still good after `next` only. */
export function relay(request: RelayRequest): Promise<RelayEnd> {
  return new Promise((resolve) => new Relay(request, resolve).start());
}

/** Listens to both legs itself: a listener made for each of them would be ten closures for each request. */
class Relay implements LegListener {
  readonly #request: RelayRequest;
  readonly #client: Leg;
  readonly #upstream: Leg;
  readonly #resolve: (end: RelayEnd) => void;
  readonly #reader: HeadReader<ResponseHead>;
  readonly #watch: SilenceWatch;
  #requestBody: BodyCounter;
  #requestDone = false;
  #response: ResponseHead | undefined;
  #responseFraming: Framing | undefined;
  #responseBody: BodyCounter | undefined;
  #responseDone = false;
  #opaque = false;
  /** The server sent more than its answer: its next bytes would be taken for the answer to a request it never saw. */
  #excess = false;
  #answered = false;
  #continued = false;
  #over = false;
  #bytesUp = 0;
  #bytesDown = 0;
  #headBytes = 0;
  /** Who ended its direction first. */
  #firstToEnd: Ending['by'] | undefined;

  constructor(request: RelayRequest, resolve: (end: RelayEnd) => void) {
    this.#request = request;
    this.#client = request.client;
    this.#upstream = request.upstream;
    this.#reader = request.reader;
    this.#resolve = resolve;
    this.#requestBody = bodyCounter(request.framing);
    this.#watch = watchSilence(
      this.#silenceLimit(),
      () => this.#bytesUp + this.#bytesDown,
      () => this.#onSilence(),
    );
  }

  start(): void {
    const client = this.#client;
    const upstream = this.#upstream;
    client.listen(this);
    upstream.listen(this);
    if (client.gone) {
      this.#clientGone();
      return;
    }
    if (upstream.gone || upstream.ended) {
      this.#upstreamGone();
      return;
    }
    const first = client.takeHeld();
    this.#requestDone = this.#requestBody.done;
    if (first === undefined || this.#requestDone) {
      upstream.write(this.#request.forwarded);
      if (first !== undefined) client.hold(first);
    } else {
      this.#passRequest(first, this.#request.forwarded);
    }
    if (this.#over) return;
    if (client.ended) this.#clientEnded();
    else this.#readClient();
  }

  data(chunk: Buffer, leg: Leg): void {
    if (leg === this.#client) this.#fromClient(chunk);
    else this.#fromUpstream(chunk);
  }

  end(leg: Leg): void {
    if (leg === this.#client) this.#clientEnded();
    else this.#upstreamEnded();
  }

  drain(leg: Leg): void {
    if (leg === this.#client) this.#upstream.resume();
    else this.#readClient();
  }

  close(leg: Leg): void {
    if (leg === this.#client) this.#clientGone();
    else this.#upstreamGone();
  }

  /** Reads the client on unless it waits with its next request. */
  #readClient(): void {
    if (!this.#client.holding) this.#client.resume();
  }

  #fromClient(chunk: Buffer): void {
    if (this.#opaque) this.#sendUp(chunk);
    else if (this.#requestDone) this.#client.hold(chunk);
    else this.#passRequest(chunk);
  }

  /** Body bytes go on at once, with the head where both came together; bytes of the next request wait with the client. */
  #passRequest(chunk: Buffer, head?: Buffer): void {
    const part = this.#requestBody.push(chunk);
    if (part.kind === 'bad') {
      this.#badRequestBody(part);
      return;
    }
    const own = upTo(part.bytes, chunk);
    if (own.length < chunk.length) this.#client.hold(chunk.subarray(part.bytes));
    this.#sendUp(own, head);
    if (!part.done) return;
    this.#requestDone = true;
    this.#finishIfComplete();
  }

  #sendUp(chunk: Buffer, head?: Buffer): void {
    this.#bytesUp += chunk.length;
    const keepsUp = head === undefined ? this.#upstream.write(chunk) : this.#upstream.writeTogether(head, chunk);
    if (!keepsUp) this.#client.pause();
  }

  #sendDown(chunk: Buffer): void {
    this.#answered = true;
    this.#bytesDown += chunk.length;
    if (!this.#client.write(chunk)) this.#upstream.pause();
  }

  #fromUpstream(chunk: Buffer): void {
    if (this.#opaque) this.#sendDown(chunk);
    else if (this.#responseBody === undefined) this.#passHeads(chunk);
    else if (this.#responseDone) this.#excess = true;
    else this.#passResponse(this.#responseBody, chunk);
  }

  #passResponse(body: BodyCounter, chunk: Buffer): void {
    const part = body.push(chunk);
    if (part.kind === 'bad') {
      this.#end('reset', { how: 'refused', by: 'server' }, this.#badAnswer(part.message));
      return;
    }
    this.#sendDown(upTo(part.bytes, chunk));
    if (part.bytes < chunk.length) this.#excess = true;
    if (part.done) this.#responseComplete();
  }

  /** Response heads are read to know what follows them; their bytes pass as they came, together with what came behind. */
  #passHeads(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && this.#responseBody === undefined && !this.#over) {
      const whole = this.#reader.buffered === 0;
      const read = this.#reader.push(rest);
      if (read.kind === 'more') return;
      if (read.kind === 'bad') {
        this.#unusable(read.message);
        return;
      }
      const { head } = read;
      if (head.status < 200 && head.status !== 101) {
        this.#answered = true;
        this.#continued ||= head.status === 100;
        this.#client.write(head.raw);
        rest = read.rest;
      } else {
        // A head that stands in this chunk leaves in one piece with the body behind it.
        this.#finalHead(head, read.rest, whole ? rest : undefined);
        return;
      }
    }
  }

  /** `together`: head and rest as one slice, where they came as one. */
  #finalHead(head: ResponseHead, rest: Buffer, together: Buffer | undefined): void {
    const framing = responseFraming(head, this.#request.head.method);
    if (framing.kind === 'bad') {
      this.#unusable(framing.message);
      return;
    }
    if (framing.kind === 'tunnel' && !asksForUpgrade(this.#request.head)) {
      this.#unusable('a 101 that nobody asked for.');
      return;
    }
    const body = bodyCounter(framing);
    const part = body.push(rest);
    if (part.kind === 'bad') {
      this.#unusable(part.message);
      return;
    }
    this.#response = head;
    this.#responseFraming = framing;
    this.#responseBody = body;
    this.#answered = true;
    this.#bytesDown += part.bytes;
    this.#excess = part.bytes < rest.length;
    const passed = framing.kind === 'tunnel' ? head.raw : this.#passedHead(head);
    this.#headBytes = passed.length;
    const keepsUp =
      together === undefined || passed !== head.raw
        ? this.#client.writeTogether(passed, upTo(part.bytes, rest))
        : this.#client.write(upTo(head.raw.length + part.bytes, together));
    if (!keepsUp) this.#upstream.pause();
    if (framing.kind === 'tunnel') {
      this.#becomeOpaque();
      return;
    }
    if (part.done) this.#responseComplete();
    if (!this.#over) this.#watch.limit(this.#silenceLimit());
  }

  #passedHead({ raw }: ResponseHead): Buffer {
    const { ownField, edits } = this.#request;
    const edited = edits === undefined ? raw : editedHead(raw, edits);
    return ownField === undefined ? edited : withFieldLine(edited, ownField);
  }

  /** RFC 9110 7.8, 15.2.2: from here on both directions are another protocol, bytes already sent included. */
  #becomeOpaque(): void {
    this.#opaque = true;
    this.#watch.limit(this.#silenceLimit());
    const early = this.#client.takeHeld();
    if (early !== undefined) this.#sendUp(early);
    this.#client.resume();
  }

  #responseComplete(): void {
    this.#responseDone = true;
    this.#finishIfComplete();
  }

  #finishIfComplete(): void {
    if (this.#requestDone && this.#responseDone) {
      this.#end(this.#goesOn() ? 'next' : 'finish', { how: 'complete', by: 'server' });
    } else if (this.#requestDone && this.#upstream.ended) {
      this.#end('finish', this.#endingOfServer());
    } else if (this.#responseDone && this.#bodyInDoubt) {
      this.#end('finish', { how: 'complete', by: 'server' });
    }
  }

  /**
   * RFC 9110 10.1.1: who expects a 100 and gets a final answer instead may leave the body out, and servers differ in whether
   * they still wait for it. What comes next is a body to one and a request to the other, which no rule would have seen.
   */
  get #bodyInDoubt(): boolean {
    return !this.#continued && hasToken(this.#request.head.fields, 'Expect', '100-continue');
  }

  /**
   * A tunnel's client says nothing of its own that counts here: Samba speaks HTTP/1.0, and closing after its 401 would end an
   * NTLM login that server and client both keep open.
   */
  #goesOn(): boolean {
    const { head, tunnel } = this.#request;
    if (this.#response === undefined || this.#responseFraming?.kind === 'close') return false;
    if (this.#client.ended || this.#excess || !persists(this.#response)) return false;
    return tunnel || persists(head);
  }

  #clientEnded(): void {
    this.#firstToEnd ??= 'client';
    this.#upstream.finish();
    this.#watch.limit(this.#silenceLimit());
  }

  #clientGone(): void {
    const failed = this.#client.error !== undefined;
    this.#upstream.destroy();
    this.#end('gone', { how: failed ? 'reset' : 'closed', by: failed ? 'client' : (this.#firstToEnd ?? 'client') });
  }

  /** The server will send nothing more. It may still read, so a request under way goes on. */
  #upstreamEnded(): void {
    this.#firstToEnd ??= 'server';
    if (this.#upstream.error !== undefined) {
      this.#upstreamGone(); // a reset that a write met first: it ends reading like a FIN, and is none
      return;
    }
    if (this.#responseFraming?.kind === 'close') this.#responseDone = true;
    const owed = !this.#opaque && this.#response === undefined;
    if (owed && (this.#requestDone || !this.#request.tunnel)) {
      this.#noAnswer();
      return;
    }
    if (!this.#opaque && this.#requestDone) {
      this.#end('finish', this.#endingOfServer());
      return;
    }
    this.#client.finish();
    this.#watch.limit(this.#silenceLimit());
  }

  #upstreamGone(): void {
    this.#firstToEnd ??= 'server';
    const { error } = this.#upstream;
    if (!this.#opaque && this.#response === undefined && (this.#requestDone || !this.#request.tunnel)) {
      this.#noAnswer();
      return;
    }
    // After a whole answer the client is owed a clean end, however rudely the server left: it may still be reading. A body that
    // ends with its connection is whole after a FIN alone: a leg that closed without one was cut, with an error or none.
    const cut = error !== undefined || this.#responseFraming?.kind === 'close';
    if (!cut || this.#responseDone) {
      this.#end('finish', this.#endingOfServer());
      return;
    }
    const failure = error === undefined ? undefined : upstreamFailure(error, this.#request.place);
    this.#end('reset', { how: 'reset', by: 'server' }, failure);
  }

  #endingOfServer(): Ending {
    return this.#responseDone ? { how: 'complete', by: 'server' } : { how: 'closed', by: this.#firstToEnd ?? 'server' };
  }

  #noAnswer(): void {
    const { error } = this.#upstream;
    const { fresh, head, framing, place } = this.#request;
    const ending: Ending = { how: error === undefined ? 'closed' : 'reset', by: 'server' };
    const untouched = !this.#answered && this.#reader.buffered === 0;
    if (untouched && !fresh && mayBeRepeated(head.method, framing)) {
      this.#end('repeat', ending);
      return;
    }
    const failure = error === undefined ? closedWithoutAnswer(place) : upstreamFailure(error, place);
    this.#end(this.#answered ? 'finish' : 'reply', ending, failure);
  }

  #unusable(finding: string): void {
    this.#end(this.#answered ? 'reset' : 'reply', { how: 'refused', by: 'server' }, this.#badAnswer(finding));
  }

  #badAnswer(finding: string): Failure {
    return badAnswer(this.#request.place, finding);
  }

  #badRequestBody(badBody: { code: string; message: string }): void {
    this.#end(this.#answered ? 'finish' : 'reply', { how: 'refused', by: 'client' }, undefined, badBody);
  }

  /** Milliseconds of silence that are too many now. */
  #silenceLimit(): number {
    const { timeouts, tunnel } = this.#request;
    // Peers of a half-closed channel have one thing left to say; the end of a connection that lost its peer shows here only.
    const halfClosed = this.#client.ended || this.#upstream.ended;
    if (this.#opaque || tunnel) return halfClosed ? Math.min(timeouts.idle, timeouts.tunnelIdle) : timeouts.tunnelIdle;
    return this.#response === undefined ? timeouts.answer : timeouts.idle;
  }

  #onSilence(): void {
    const { tunnel, place, timeouts } = this.#request;
    const ending: Ending = { how: 'silent', by: 'proxy' };
    if (this.#response === undefined && !tunnel) {
      this.#end(this.#answered ? 'finish' : 'reply', ending, answerTimeout(place, timeouts.answer));
      return;
    }
    // A body that ends with its connection must not look whole.
    const cut = !this.#responseDone && this.#responseFraming?.kind === 'close';
    this.#end(cut ? 'reset' : 'finish', ending);
  }

  #end(next: RelayNext, ending: Ending, failure?: Failure, badBody?: RelayEnd['badBody']): void {
    if (this.#over) return;
    this.#over = true;
    this.#watch.stop();
    this.#client.listen(undefined);
    this.#upstream.listen(undefined);
    // Reading stopped for its sake; from now on the answer that is unsent is the client's own matter.
    if (next === 'next') this.#upstream.resume();
    else if (next === 'finish') this.#upstream.retire();
    else this.#upstream.destroy();
    this.#resolve({
      next,
      ending,
      bytesUp: this.#bytesUp,
      bytesDown: this.#bytesDown,
      status: this.#response?.status,
      fields: this.#response?.fields ?? [],
      headBytes: this.#headBytes,
      upstreamVersion: this.#response?.version,
      failure,
      badBody,
    });
  }
}

/** The first so many bytes; of all of them no new view. */
function upTo(bytes: number, chunk: Buffer): Buffer {
  return bytes === chunk.length ? chunk : chunk.subarray(0, bytes);
}
